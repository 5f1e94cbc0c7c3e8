"""Takes up the executions that had not ended when the last engine stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import time
from typing import TYPE_CHECKING

from caudal_core.engine.execution import Execution
from caudal_core.engine.resume import give, read_document, read_record
from caudal_core.engine.stored import Reader, Stored
from caudal_core.engine.telling import Ended
from caudal_core.engine.waiting import Found
from caudal_core.errors import InvalidWorkflow, NotFound, Unavailable, error_text
from caudal_core.graph import Graph
from caudal_core.journal import ExecutionRecord, NodeRun
from caudal_core.journal.statements import Statement
from caudal_core.payload import Payload
from caudal_core.workflow import Settings

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

Make = Callable[[ExecutionRecord, Graph, Payload, Sequence[NodeRun]], Execution]
Resume = Callable[[Execution, Found], None]


class Recovery:
    """`make` makes an execution of what was read of it, and `resume` goes on with that.

    `stalled` says of each execution that cannot go on yet why: a handler is not installed any more,
    a file cannot be read. It is tried again when plugins are reloaded, and at the next start.
    """

    def __init__(self, engine: Engine, make: Make, resume: Resume) -> None:
        self.stalled: dict[str, str] = {}
        self._engine = engine
        self._make = make
        self._resume = resume
        self._reader = Reader(engine.storage)

    async def run(self) -> None:
        """Take up all that has not ended and does not wait; `claims` does so among servers."""
        history = self._engine.storage.history
        if history is not None and self._engine.storage.exclusive:
            for execution_id in await self._engine.read(history.unfinished):
                await self.take_up(execution_id)

    async def again(self) -> None:
        """Try those that could not go on."""
        for execution_id in list(self.stalled):
            await self.take_up(execution_id)

    def give_up(
        self,
        record: ExecutionRecord,
        state: str,
        why: str | None,
        settings: Settings | None = None,
    ) -> None:
        """End one without running it; `settings` are its workflow's."""
        self.stalled.pop(record.id, None)
        now = time()
        row = (state, now, why, record.id)
        self._engine.journal.write(Statement.GIVE_UP, row, urgent=True)
        self._engine.outbox.ended(Ended(record, settings or Settings(), state, now, why))

    async def take_up(self, execution_id: str) -> None:
        """Go on with one that is not in memory; what keeps it from that is kept in `stalled`."""
        claims = self._engine.claims
        try:
            taken = await self._take_up(execution_id)
        except Unavailable as error:
            text = "the execution %s cannot be taken up now: %s"
            logging.getLogger(__name__).warning(text, execution_id, error_text(error))
            if claims is not None:
                claims.give_back(execution_id)
        except (InvalidWorkflow, OSError) as error:
            if claims is not None:
                claims.give_back(execution_id)
            self.stalled[execution_id] = f"it waits to be taken up again: {error_text(error)}"
            text = "the execution %s waits: %s"
            logging.getLogger(__name__).warning(text, execution_id, error_text(error))
        except Exception as error:  # noqa: BLE001 - a damaged record costs its execution alone
            why = f"it could not be taken up again: {error_text(error)}"
            record, settings = await self._engine.read(lambda: self._known(execution_id))
            self.give_up(record, "failed", why, settings)
        else:
            if taken:
                self.stalled.pop(execution_id, None)

    def _known(self, execution_id: str) -> tuple[ExecutionRecord, Settings]:
        """As much as can be read of an execution that is damaged. Blocks."""
        storage = self._engine.storage
        record = ExecutionRecord(execution_id, "", "", "", "", 0, time())
        settings = Settings()
        with suppress(Exception):
            record = read_record(storage, execution_id)
            found = read_document(storage, record).get("settings")
            settings = Settings.model_validate(found or {})
        return record, settings

    async def _take_up(self, execution_id: str) -> bool:
        claims = self._engine.claims
        if claims is not None and not await claims.claim(execution_id):
            return False
        found = await self._read(execution_id)
        if found is not None and not self._engine.closing:
            execution, waits = found
            if claims is not None:
                await claims.turn(execution_id)
            self._resume(execution, waits)
        return True

    async def load(self, execution_id: str) -> Execution | None:
        """One that waits, to be looked at; nothing where that is not possible."""
        try:
            found = await self._read(execution_id)
        except (InvalidWorkflow, NotFound, OSError):
            return None
        if found is None or found[0].record.state != "waiting":
            return None
        execution = found[0]
        execution.dormant = True
        return execution

    async def _read(self, execution_id: str) -> tuple[Execution, Found] | None:
        engine = self._engine
        stored: Stored | None = await engine.read(lambda: self._reader.read(execution_id))
        if stored is None:
            return None
        record = stored.record
        graph = await engine.graph(
            stored.document, workflow_id=record.workflow_id, digest=record.workflow_hash
        )
        execution = self._make(record, graph, stored.inputs, stored.runs)
        if stored.edited is not None:
            give(execution, stored.edited)
        if stored.callback is not None:
            engine.outbox.adopt(stored.callback)
        return execution, stored.waits
