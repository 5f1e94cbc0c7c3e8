"""Takes up the executions that had not ended when the last engine stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from time import time
from typing import TYPE_CHECKING

from caudal_core.engine.reading_back import TOGETHER, Found, read_back
from caudal_core.errors import InvalidWorkflow, NotFound, error_text
from caudal_core.graph import Graph
from caudal_core.journal import ExecutionRecord, NodeRun
from caudal_core.journal.statements import Statement
from caudal_core.payload import Payload

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

Adopt = Callable[[ExecutionRecord, Graph, Payload, Sequence[NodeRun]], None]


class Recovery:
    """`adopt` is given what was read of an execution, and goes on with it.

    `stalled` says of each execution that cannot go on yet why: a handler is not installed any more,
    a file cannot be read. It is tried again when plugins are reloaded, and at the next start.
    """

    def __init__(self, engine: Engine, adopt: Adopt) -> None:
        self.stalled: dict[str, str] = {}
        self._engine = engine
        self._adopt = adopt

    async def run(self) -> None:
        """Take up all that has not ended."""
        history = self._engine.storage.history
        if history is not None:
            await self._all(await self._engine.read(history.unfinished))

    async def again(self) -> None:
        """Try those that could not go on."""
        await self._all(list(self.stalled))

    async def _all(self, identities: Sequence[str]) -> None:
        for begin in range(0, len(identities), TOGETHER):
            some = identities[begin : begin + TOGETHER]
            found = await self._engine.read(partial(read_back, self._engine.storage, some))
            for execution_id in some:
                await self._try(execution_id, found.get(execution_id))

    def give_up(self, execution_id: str, state: str, why: str | None) -> None:
        """End one without running it."""
        self.stalled.pop(execution_id, None)
        row = (state, time(), why, execution_id)
        self._engine.journal.write(Statement.GIVE_UP, row, urgent=True)

    async def _try(self, execution_id: str, found: Found | None) -> None:
        try:
            await self._take_up(execution_id, found)
        except (InvalidWorkflow, OSError) as error:
            self.stalled[execution_id] = f"it waits to be taken up again: {error_text(error)}"
            text = "the execution %s waits: %s"
            logging.getLogger(__name__).warning(text, execution_id, error_text(error))
        except Exception as error:  # noqa: BLE001 - a damaged record costs its execution alone
            why = f"it could not be taken up again: {error_text(error)}"
            self.give_up(execution_id, "failed", why)
        else:
            self.stalled.pop(execution_id, None)

    async def _take_up(self, execution_id: str, found: Found | None) -> None:
        if found is None:
            raise NotFound(kind="Execution", id=execution_id)
        if isinstance(found, Exception):
            raise found
        record, digest = found.record, found.record.workflow_hash
        wanted = {"workflow_id": record.workflow_id, "digest": digest}
        graph = await self._engine.graph(found.document, **wanted)
        self._adopt(record, graph, found.inputs, found.runs)
