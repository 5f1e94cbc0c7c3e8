"""What one server wants of another: that it cancels, that it looks whether there is news."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from caudal_core.engine.sharing.claims import Claims, Run
from caudal_core.engine.waits.waiting import Found, read_waits
from caudal_core.journal.servers import Servers
from caudal_core.journal.statements import Statement

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine


class Requests:
    """They are written into the database, and each server looks for its own."""

    def __init__(self, engine: Engine, servers: Servers, run: Run) -> None:
        self._engine = engine
        self._servers = servers
        self._run = run

    async def look(self) -> None:
        """Do what others want."""
        engine = self._engine
        for execution_id in await self._run(self._servers.to_cancel):
            engine.cancel_here(execution_id)
        for woken in await self._run(self._servers.woken):
            await self._tell(woken.execution, woken.due)

    async def _tell(self, execution_id: str, due: float) -> None:
        """A person has decided, at another server."""
        engine = self._engine
        execution = engine.running(execution_id)
        if execution is None:
            return
        found: Found = await engine.read(lambda: read_waits(engine.storage, execution_id))
        for waiting in execution.waiting.values():
            approval = found.approvals.get(waiting.approval_id or "")
            if approval is not None and waiting.reply is None:
                waiting.decide(approval)
        engine.journal.write(Statement.WOKEN, (execution_id, "wake", due))
        execution.tell()

    async def cancel(self, execution_id: str, claims: Claims) -> tuple[bool, str]:
        """Ask for the end of one; where nobody has it, it is ended from here."""
        engine, servers = self._engine, self._servers
        before = (await engine.view(execution_id, last=0)).record.state
        asked = await self._run(lambda: servers.ask_to_cancel(execution_id, time()))
        if asked is None:
            return False, (await engine.view(execution_id, last=0)).record.state
        await engine.take_up(execution_id)
        if engine.running(execution_id) is not None:
            engine.cancel_here(execution_id)  # it was being taken up when it was cancelled
        else:
            await claims.give_up(execution_id)
        return True, before
