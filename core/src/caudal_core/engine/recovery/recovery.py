"""Takes up the executions that had not ended when the last engine stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import time
from typing import TYPE_CHECKING, Any

from caudal_core.engine.execution import Execution
from caudal_core.engine.recovery.giving_up import give_up
from caudal_core.engine.recovery.reading_back import TOGETHER, Before, Found, read_back
from caudal_core.engine.recovery.resume import give, read_document, read_record
from caudal_core.engine.waits.waiting import Found as Waits
from caudal_core.errors import InvalidWorkflow, NotFound, Unavailable, error_text
from caudal_core.graph import Graph
from caudal_core.journal import ExecutionRecord, NodeRun
from caudal_core.journal.records import ExecutionState
from caudal_core.payload import Payload
from caudal_core.workflow import Settings

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

Make = Callable[[ExecutionRecord, Graph, Payload, Sequence[NodeRun]], Execution]
Resume = Callable[[Execution, Waits], None]


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
        self._documents: dict[str, dict[str, Any]] = {}

    async def run(self) -> None:
        """Take up all that has not ended and does not wait; `claims` does so among servers."""
        history = self._engine.storage.history
        if history is not None and self._engine.storage.exclusive:
            await self._all(await self._engine.read(history.unfinished))

    async def again(self) -> None:
        """Try those that could not go on."""
        await self._all(list(self.stalled))

    async def take_up(self, *identities: str) -> None:
        """Go on with some that are not in memory; what keeps one from that is kept in `stalled`."""
        await self._all(identities)

    async def _all(self, identities: Sequence[str]) -> None:
        if self._engine.claims is not None:  # each is read when it has been claimed
            for execution_id in identities:
                await self._try(execution_id)
            return
        for begin in range(0, len(identities), TOGETHER):
            some = identities[begin : begin + TOGETHER]
            found = await self._found(some)
            for execution_id in some:
                await self._try(execution_id, found.get(execution_id))

    async def give_up(
        self,
        record: ExecutionRecord,
        state: ExecutionState,
        why: str | None,
        settings: Settings | None = None,
    ) -> None:
        """End one without running it; `settings` are its workflow's."""
        self.stalled.pop(record.id, None)
        await give_up(self._engine, record, state, why, settings)

    async def _try(self, execution_id: str, found: Found | None = None) -> None:
        claims = self._engine.claims
        try:
            taken = await self._take_up(execution_id, found)
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
            await self.give_up(record, "failed", why, settings)
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

    async def _take_up(self, execution_id: str, found: Found | None) -> bool:
        """False where it is another server's. What is shared is claimed before it is read."""
        claims = self._engine.claims
        if claims is not None:
            if not await claims.claim(execution_id):
                return False
            found = (await self._found([execution_id])).get(execution_id)
        before = _sound(execution_id, found)
        execution = await self._made(before)
        if execution is not None and not self._engine.closing:
            if claims is not None:
                await claims.turn(execution_id)
            self._resume(execution, before.waits)
        return True

    async def _found(self, identities: Sequence[str]) -> dict[str, Found]:
        reading = partial(read_back, self._engine.storage, identities, self._documents)
        found: dict[str, Found] = await self._engine.read(reading)
        return found

    async def load(self, execution_id: str) -> Execution | None:
        """One that waits, to be looked at; nothing where that is not possible."""
        found = (await self._found([execution_id])).get(execution_id)
        try:
            execution = await self._made(_sound(execution_id, found))
        except (InvalidWorkflow, NotFound, OSError):
            return None
        if execution is None or execution.record.state != "waiting":
            return None
        execution.dormant = True
        return execution

    async def _made(self, before: Before) -> Execution | None:
        record = before.record
        if record.finished:
            return None
        wanted = {"workflow_id": record.workflow_id, "digest": record.workflow_hash}
        graph = await self._engine.graph(before.document, **wanted)
        execution = self._make(record, graph, before.inputs, before.runs)
        if before.edited is not None:
            give(execution, before.edited)
        if before.callback is not None:
            self._engine.outbox.adopt(before.callback)
        return execution


def _sound(execution_id: str, found: Found | None) -> Before:
    """What was read, or what went wrong with it."""
    if found is None:
        raise NotFound(kind="Execution", id=execution_id)
    if isinstance(found, Exception):
        raise found
    return found
