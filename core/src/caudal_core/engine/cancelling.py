"""Executions are cancelled, wherever they are: running here or elsewhere, waiting, or stalled."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from caudal_core.engine.acceptance import ACCEPT_SECONDS
from caudal_core.engine.conductor import Conductor
from caudal_core.engine.recovery.recovery import Recovery
from caudal_core.journal import FINISHED
from caudal_core.journal.statements import Statement
from caudal_core.journal.waits import NO_NODE, Timer

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine


class Cancelling:
    """Each answers whether that was still possible, and the status that the execution had."""

    def __init__(self, engine: Engine, conductor: Conductor, recovery: Recovery) -> None:
        self._engine = engine
        self._conductor = conductor
        self._recovery = recovery

    async def cancel(self, execution_id: str) -> tuple[bool, str]:
        """See `Engine.cancel`."""
        engine = self._engine
        execution = engine.running(execution_id)
        if execution is None and engine.ownership is not None:
            return await engine.ownership.cancel(execution_id)
        if execution is None and execution_id in self._recovery.stalled:
            return await self._stalled(execution_id)
        if execution is None:
            return await self._waiting(execution_id)
        before = execution.record.state
        if execution.closing is not None:
            return False, execution.closing.state
        engine.journal.write(Statement.CANCEL, (time(), execution_id), urgent=True)
        self._conductor.cancel(execution_id)
        await engine.journal.flush(most=ACCEPT_SECONDS)
        return True, before

    async def _stalled(self, execution_id: str) -> tuple[bool, str]:
        engine = self._engine
        record = (await engine.view(execution_id, last=0)).record
        before = record.state
        await self._recovery.give_up(record, "cancelled", None)
        await engine.journal.flush(most=ACCEPT_SECONDS)
        return True, before

    async def _waiting(self, execution_id: str) -> tuple[bool, str]:
        """One that only waits, or has ended: the journal knows."""
        engine = self._engine
        before = (await engine.view(execution_id, last=0)).record.state
        if before in FINISHED:
            return False, before
        now = time()
        engine.journal.write(Statement.CANCEL, (now, execution_id))
        # The timer wakes it even if this process ends before it has done so.
        wake = Timer(execution_id, NO_NODE, "wake", now, {})
        engine.journal.write(Statement.TIMER, wake.row(), urgent=True)
        if (execution := engine.live(execution_id)) is not None:
            execution.record.cancel_requested = now
        await engine.journal.flush(most=ACCEPT_SECONDS)
        await engine.take_up(execution_id)
        if (execution := engine.live(execution_id)) is not None:
            self._conductor.end(execution)  # it was being taken up when it was cancelled
        return True, before
