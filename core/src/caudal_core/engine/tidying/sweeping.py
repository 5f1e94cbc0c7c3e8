"""Deletes large values that nothing names any more: marked first, then swept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from time import monotonic, time
from typing import TYPE_CHECKING

from caudal_core.engine.execution import Execution
from caudal_core.journal.ageing import Ageing
from caudal_core.journal.blobs import BlobFolder

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

GRACE = 3600.0
"""Seconds for which a value must have been named by nothing, and not put again, to be deleted.

A value is kept before the row that names it; and whoever copies the folder copies the database
first, then the values that it names.
"""


class Sweeper:
    """Sweeps blobs that are in a folder; those elsewhere stay."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._unnamed: dict[str, float] = {}

    @property
    def _folder(self) -> BlobFolder | None:
        blobs = self._engine.storage.blobs
        return blobs if isinstance(blobs, BlobFolder) else None

    async def sizes(self) -> Mapping[str, int]:
        """The bytes of each blob."""
        folder = self._folder
        if folder is None:
            return {}
        found: dict[str, int] = await self._engine.read(
            lambda: {name: size for name, size, _ in folder.all()}
        )
        return found

    async def sweep(self, ageing: Ageing) -> int:
        """Delete what has had its time; how many."""
        folder = self._folder
        if folder is None:
            return 0
        before = time() - GRACE
        old: set[str] = await self._engine.read(
            lambda: {name for name, _, put in folder.all() if put < before}
        )
        if not old:
            self._unnamed.clear()
            return 0
        # Those that are put from here on are younger, so that what is marked now is all.
        named: set[str] = await self._engine.read(lambda: {name for _, name in ageing.references()})
        named.update(name for one in self._engine.unfinished for name in _held(one))
        now = monotonic()
        self._unnamed = {name: self._unnamed.get(name, now) for name in old - named}
        due = [name for name, since in self._unnamed.items() if now - since >= GRACE]
        for name in due:
            await self._engine.read(partial(folder.delete, name, before))
        return len(due)


def _held(execution: Execution) -> Iterator[str]:
    """The names that an execution in memory may yet hand on."""
    loads = [execution.inputs]
    loads += [load for outputs in execution.delivered for load in (outputs or {}).values()]
    loads += [load for run in execution.runs for load in (run.outputs or {}).values()]
    return (load.ref for load in loads if load.ref is not None)
