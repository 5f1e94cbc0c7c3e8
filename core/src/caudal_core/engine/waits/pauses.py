"""How the nodes of an execution wait: for the next attempt, for a moment, for a person."""

from __future__ import annotations

from random import random
from time import time
from typing import Any

from caudal_core.engine.execution import Execution, new_id
from caudal_core.engine.running.recorder import Recorder
from caudal_core.engine.waits.approvals import Approvals
from caudal_core.engine.waits.waiting import Waiting, iso, kept_memo
from caudal_core.errors import clean_text
from caudal_core.graph import GraphNode
from caudal_core.journal import NodeRun
from caudal_core.journal.waits import Approval, ApprovalState
from caudal_core.values import encode
from caudal_core.waits import Question, Wait

LONGEST_BACKOFF = 3_600.0
MAX_QUESTION = 4_000


class Pauses:
    """Records that nodes wait; none of them is a task meanwhile, and none has a slot."""

    __slots__ = ("_approvals", "_e", "_recorder")

    def __init__(self, execution: Execution, recorder: Recorder, approvals: Approvals) -> None:
        self._e = execution
        self._recorder = recorder
        self._approvals = approvals

    def retry(self, node: GraphNode, run: NodeRun) -> None:
        """The next attempt follows after a delay."""
        due = time() + backoff(node.options.retry_delay, run.attempt)
        self._recorder.wait(Waiting(node, run, "retry", due))

    def wait(self, node: GraphNode, run: NodeRun, wait: Wait) -> None:
        """The handler cannot go on yet; `InvalidResult` if its memo cannot be kept."""
        waiting = Waiting(node, run, "time" if wait.question is None else "approval")
        waiting.memo = kept_memo(wait.memo)
        if node.options.timeout is not None:
            waiting.limit = (run.started or time()) + node.options.timeout
        ends = [waiting.limit] if waiting.limit is not None else []
        ends += [time() + wait.seconds] if wait.seconds is not None else []
        waiting.due = min(ends, default=None)
        self.ask(waiting, wait.question)

    def ask(self, waiting: Waiting, question: Question | None) -> None:
        """Record that a node waits, and ask a person where there is a question."""
        report = {"kind": waiting.kind, "until": iso(waiting.due)}
        if question is not None:
            approval = self._approval(waiting, question)
            self._approvals.ask(approval)
            if question.notify_after is not None:
                self._approvals.remind(self._e, waiting.node, approval, question.notify_after)
            report["approvalId"] = waiting.approval_id = approval.id
        waiting.run.report = encode({name: value for name, value in report.items() if value})
        self._recorder.record(waiting.run, "waiting")
        self._recorder.wait(waiting)

    def _approval(self, waiting: Waiting, question: Question) -> Approval:
        record, node = self._e.record, waiting.node
        asked: dict[str, Any] = {
            "question": clean_text(question.text)[:MAX_QUESTION],
            "user_id": question.user_id,
            "user_name": question.user_name,
            "channel": question.channel,
        }
        return Approval(
            id=new_id(),
            execution=record.id,
            node=node.id,
            node_label=node.label,
            workflow_id=record.workflow_id,
            workflow_name=record.workflow_name,
            organization=record.organization,
            kind="outcome" if waiting.kind == "outcome" else "approval",
            created=time(),
            due=waiting.due,
            **asked,
        )

    def may_be_answered(self, waiting: Waiting) -> bool:
        """Whether another server may have taken an answer of which nothing is known here yet."""
        asked = waiting.approval_id is not None and waiting.reply is None
        return asked and not waiting.closed and self._approvals.shared

    async def close(self, waiting: Waiting) -> None:
        """Its time is over, unless another server was first: the database has the last word."""
        assert waiting.approval_id is not None  # noqa: S101 - else nobody may have answered
        found = await self._approvals.expire(waiting.approval_id)
        if found is not None:
            waiting.decide(found)
        waiting.closed = True
        self._e.tell()

    def ask_no_more(self, waiting: Waiting, state: ApprovalState) -> None:
        """Nobody needs to answer any more, if somebody was asked and has not."""
        if waiting.approval_id is not None and waiting.reply is None:
            self._approvals.close(waiting.approval_id, state)


def backoff(seconds: float, attempt: int) -> float:
    """The delay after an attempt: twice the one before, up to an hour or what was asked for.

    Up to a tenth is added by chance, so that many do not come back at once.
    """
    grown: float = min(seconds * 2 ** (attempt - 1), max(seconds, LONGEST_BACKOFF))
    return grown * (1 + random() / 10)  # noqa: S311 - nothing secret about it
