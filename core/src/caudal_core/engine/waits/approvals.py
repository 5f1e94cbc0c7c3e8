"""What people are asked, and what they decide."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from time import time
from typing import TYPE_CHECKING, Any

from caudal_core.engine.telling.ended import About, moment, told_of
from caudal_core.errors import Conflict, NotFound, Unavailable
from caudal_core.journal.statements import Statement
from caudal_core.journal.waits import NO_NODE, Approval, ApprovalFilter, ApprovalState, Timer

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine
    from caudal_core.engine.execution import Execution
    from caudal_core.graph import GraphNode

DECIDE_SECONDS = 10.0
AGAIN = 0.5
MOST = 100_000
"""More than an execution ever asks at one time."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and by whom, as far as that was said."""

    approved: bool
    person: str | None = None
    comment: str | None = None
    data: Any = None


class Approvals:
    """The approvals of an engine. The journal keeps them, and nothing is held in memory.

    Where the journal keeps nothing they are held here.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: dict[str, Approval] = {}
        self._deciding = asyncio.Lock()

    def ask(self, approval: Approval) -> None:
        """Put one in; it can be decided once that is committed."""
        self._engine.journal.write(Statement.APPROVAL, approval.row())
        if self._engine.storage.history is None:
            self._held[approval.id] = approval

    def remind(
        self, execution: Execution, node: GraphNode, approval: Approval, seconds: float
    ) -> None:
        """Have somebody told where it is not decided in so many seconds."""
        record, outbox = execution.record, self._engine.outbox
        waits = {"id": node.id, "label": node.label, "type": node.type, "status": "waiting"}
        asked = {
            "id": approval.id,
            "question": approval.question,
            "userId": approval.user_id,
            "userName": approval.user_name,
            "channel": approval.channel,
            "createdAt": moment(approval.created),
            "until": None if approval.due is None else moment(approval.due),
        }
        told = {
            "execution": told_of(record, "waiting", None),
            "error": None,
            "nodes": [waits],
            "approval": asked,
            "link": f"{outbox.base_url}/api/approvals/{approval.id}",
        }
        workflow = record.organization, record.workflow_id
        about = About(execution.graph.settings, workflow, record.id)
        outbox.remind(approval.id, told, about, seconds)

    @property
    def shared(self) -> bool:
        """Whether other servers take answers too."""
        return not self._engine.storage.exclusive

    async def expire(self, approval_id: str) -> Approval | None:
        """Close one whose time is over, and what has become of it; null: it is there no more.

        Takes as long as the database is away.
        """
        self.close(approval_id, "expired")
        while True:
            try:
                await self._engine.journal.flush()
                return await self.get(approval_id)
            except NotFound:
                return None
            except Unavailable:
                await asyncio.sleep(AGAIN)

    def close(self, approval_id: str, state: ApprovalState) -> None:
        """Nobody needs to decide it any more; one that is decided stays as it is."""
        row = (state, time(), None, None, None, approval_id)
        self._engine.journal.write(Statement.DECIDE, row)
        self._engine.outbox.settle(approval_id)
        held = self._held.get(approval_id)
        if held is not None and held.state == "open":
            self._held[approval_id] = replace(held, state=state, decided=time())

    async def withdraw(self, execution_id: str) -> None:
        """Ask nobody any more for an execution that is ended without being taken up."""
        for asked in await self.list(ApprovalFilter(execution=execution_id, limit=MOST)):
            self.close(asked.id, "cancelled")

    async def get(self, approval_id: str) -> Approval:
        """One approval; `NotFound`."""
        history = self._engine.storage.history
        found = self._held.get(approval_id)
        if history is not None:
            found = await self._engine.read(lambda: history.waits.approval(approval_id))
        if found is None:
            raise NotFound(kind="Approval", id=approval_id)
        return found

    async def list(self, wanted: ApprovalFilter) -> list[Approval]:
        """A page of approvals, the oldest first."""
        history = self._engine.storage.history
        if history is None:
            held = sorted(filter(wanted.takes, self._held.values()), key=lambda found: found.id)
            return held[: wanted.limit]
        found: list[Approval] = await self._engine.read(lambda: history.waits.approvals(wanted))
        return found

    async def decide(self, approval_id: str, decision: Decision) -> Approval:
        """Decide one; that is on disk when this returns, and its execution goes on.

        `NotFound`, `Conflict` where it is decided or no longer open, `Unavailable`.
        """
        if self._engine.closing:
            raise Unavailable(message="the engine is stopping")
        async with self._deciding:
            decided = await self._decided(await self.get(approval_id), decision)
        await self._engine.answered(decided)
        return decided

    async def _decided(self, found: Approval, decision: Decision) -> Approval:
        engine, journal = self._engine, self._engine.journal
        await engine.dormant.settled(found.execution)  # what is read from now on has the answer
        _check_open(found)
        decided = replace(
            found,
            state="approved" if decision.approved else "rejected",
            decided=time(),
            decided_by=decision.person,
            comment=decision.comment,
            data=decision.data,
        )
        # The timer wakes the execution even if this process ends before it has done so.
        wake = Timer(found.execution, NO_NODE, "wake", time(), {})
        journal.write(Statement.DECIDE, decided.decision())
        engine.outbox.settle(found.id)
        journal.write(Statement.TIMER, wake.row(), urgent=True)
        if engine.storage.exclusive:  # its time may be over before this is committed
            engine.tell_answer(decided)
        await journal.flush(most=DECIDE_SECONDS)
        if found.id in self._held:
            _check_open(self._held[found.id])
            self._held[found.id] = decided
            return decided
        now = await self.get(found.id)
        if (now.decided, now.state) != (decided.decided, decided.state):
            _check_open(now)  # it was closed, or decided elsewhere, in the same moment
        return decided


def _check_open(found: Approval) -> None:
    if found.state == "open":
        return
    by = f" by {found.decided_by}" if found.decided_by else ""
    raise Conflict(message=f"the approval {found.id} is no longer open: it is {found.state}{by}")
