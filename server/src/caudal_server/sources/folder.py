"""Workflows in a folder of JSON files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from caudal_core.runner.pool import ThreadPool
from caudal_server.sources.errors import Unusable
from caudal_server.sources.place import unwrap

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class WorkflowFile:
    """One file, written at `changed` (in seconds).

    `document` is null where `error` says what is wrong with it.
    """

    path: Path
    id: str
    document: dict[str, Any] | None
    error: str | None
    changed: float


class WorkflowFolder:
    """The `*.json` files of one folder; a file is read again when it has changed.

    A workflow's id is the one in its JSON, else the file's name without its ending. Files are
    found by listing the folder, so that no id can name a path.
    """

    def __init__(self, folder: Path, *, pool: ThreadPool) -> None:
        self.folder = folder
        self._pool = pool
        self._lock = Lock()
        self._known: dict[str, tuple[Stamp, WorkflowFile]] = {}

    @property
    def name(self) -> str:
        """The folder, and those of its files that could not be read."""
        broken = [file.path.name for _, file in self._known.values() if file.error]
        more = f" (not readable: {', '.join(broken[:5])})" if broken else ""
        return f"the folder {self.folder}{more}"

    async def fetch(self, workflow_id: str) -> dict[str, Any] | None:
        """The workflow's JSON; nothing where no file has the id."""
        found = await self.find(workflow_id)
        return None if found is None else found.document

    async def find(self, workflow_id: str) -> WorkflowFile | None:
        """The one readable file of this id; raises where it is broken, or where there are two."""
        found = [file for file in await self.all() if file.id == workflow_id]
        if not found:
            return None
        if len(found) > 1:
            names = " and ".join(file.path.name for file in found)
            message = f"several files have this id: {names}"
            raise Unusable(message)
        if found[0].error is not None:
            message = f"{found[0].path.name}: {found[0].error}"
            raise Unusable(message)
        return found[0]

    async def all(self) -> Sequence[WorkflowFile]:
        """Every file, by name, the broken ones too."""
        found: Sequence[WorkflowFile] = await self._pool.run(self._read)
        return found

    def _read(self) -> Sequence[WorkflowFile]:
        with self._lock:
            try:
                with os.scandir(self.folder) as entries:
                    listed = sorted(e.name for e in entries if e.name.endswith(".json"))
            except OSError as error:
                raise Unusable(_reason(error)) from None
            known = {name: found for name in listed if (found := self._file(name)) is not None}
            self._known = known
            return [file for _, file in known.values()]

    def _file(self, name: str) -> tuple[Stamp, WorkflowFile] | None:
        path = self.folder / name
        try:
            about = path.stat()
        except FileNotFoundError:
            return None  # it went away while the folder was listed
        stamp = (about.st_mtime_ns, about.st_size, about.st_ino)
        known = self._known.get(name)
        if known is not None and known[0] == stamp:
            return known
        return stamp, _read_file(path, about.st_mtime)


def _read_file(path: Path, changed: float) -> WorkflowFile:
    try:
        document = unwrap(path.read_bytes())
    except Unusable as error:
        return WorkflowFile(path, path.stem, None, str(error), changed)
    except OSError as error:
        return WorkflowFile(path, path.stem, None, _reason(error), changed)
    if document is None:
        return WorkflowFile(path, path.stem, None, "it holds null", changed)
    given = document.get("id")
    known_by = path.stem if given in (None, "") else str(given)
    return WorkflowFile(path, known_by, document, None, changed)


def _reason(error: OSError) -> str:
    return f"it cannot be read: {error.strerror or error}"
