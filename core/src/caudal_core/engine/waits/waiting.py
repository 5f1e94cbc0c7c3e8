"""What a node waits for while it takes no thread and no slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Any

from caudal_core.engine.execution import Execution
from caudal_core.engine.recovery.resume import is_result
from caudal_core.engine.storage import Storage
from caudal_core.errors import InvalidResult
from caudal_core.graph import GraphNode
from caudal_core.journal import NodeRun
from caudal_core.journal.waits import Approval, ApprovalFilter, Timer, TimerKind
from caudal_core.payload import LARGE
from caudal_core.values import encode, normalise
from caudal_core.waits import Reply

SHORT = 1.0
"""Seconds up to which an execution that only waits stays in memory."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A node that waits. `run` is the attempt that does, or, before a retry, the one that failed.

    `due` is when it goes on although nobody has answered, `limit` when the node's own time is over,
    both in seconds since 1970; null: never. `closed`: its time is over, and no answer counts that
    has not come.
    """

    node: GraphNode
    run: NodeRun
    kind: TimerKind
    due: float | None = None
    limit: float | None = None
    memo: Any = None
    approval_id: str | None = None
    reply: Reply | None = None
    closed: bool = False

    @property
    def over(self) -> bool:
        """Whether there is nothing more to wait for."""
        if self.reply is not None or self.closed:
            return True
        return self.due is not None and self.due <= time()

    def timer(self) -> Timer:
        """The row that keeps it."""
        known = {"limit": self.limit, "memo": self.memo, "approval": self.approval_id}
        about = {name: value for name, value in known.items() if value is not None}
        return Timer(self.run.execution_id, self.node.id, self.kind, self.due, about)

    def answer(self) -> Reply:
        """What the handler is told: the answer, or that the time was over."""
        return self.reply or Reply(late=True, approval_id=self.approval_id, memo=self.memo)

    def decide(self, approval: Approval) -> None:
        """Take the decision, if it has been made by a person."""
        if approval.state not in ("approved", "rejected"):
            return
        at = approval.decided
        self.reply = Reply(
            approved=approval.state == "approved",
            person=approval.decided_by,
            comment=approval.comment,
            data=approval.data,
            decided=None if at is None else datetime.fromtimestamp(at, UTC),
            approval_id=approval.id,
            memo=self.memo,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What the journal knows of the waits of one execution; `approvals` by id."""

    timers: Sequence[Timer]
    approvals: Mapping[str, Approval]


def read_waits(storage: Storage, execution_id: str, timers: Sequence[Timer] | None = None) -> Found:
    """What the journal knows; `timers` where they have been read already. Blocks."""
    waits = storage.history.waits if storage.history else None
    if timers is None:
        timers = waits.timers(execution_id) if waits else []
    if waits is None or not any("approval" in timer.about for timer in timers):
        return Found(timers, {})
    wanted = ApprovalFilter(states=(), execution=execution_id, limit=1_000_000)
    return Found(timers, {found.id: found for found in waits.approvals(wanted)})


def restore_waits(execution: Execution, found: Found) -> list[Timer]:
    """Let nodes wait on that waited before, and tell the others how their wait has ended.

    Returns the timers that have done their work. Where the journal keeps nothing, what waits is in
    the execution still.
    """
    execution.news = True
    if not found.timers:
        return []
    execution.waited = True
    execution.waiting.clear()
    nodes = {node.id: node for node in execution.graph.nodes}
    done = []
    for timer in found.timers:
        node, run = nodes.get(timer.node), execution.restored.get(timer.node)
        if node is None or run is None or not _restore(execution, node, run, timer, found):
            done.append(timer)
    return done


def _restore(
    execution: Execution, node: GraphNode, run: NodeRun, timer: Timer, found: Found
) -> bool:
    """Whether the timer means something to the node's last run."""
    waiting = _waiting(node, run, timer, found.approvals)
    if run.state == "running":
        run.reply = waiting.answer()  # it was cut off after it had waited
    elif run.state == "waiting" or (run.state == "failed" and not is_result(node, run)):
        other = execution.waiting.get(node.index)
        if other is not None:  # it was told what to do, cut off, and what became of it is asked
            told, waiting = sorted((waiting, other), key=lambda each: each.kind == "outcome")
            run.reply = told.answer()
        execution.waiting[node.index] = waiting
    else:
        return False
    execution.timed.add(node.id)
    return True


def _waiting(
    node: GraphNode, run: NodeRun, timer: Timer, approvals: Mapping[str, Approval]
) -> Waiting:
    about = timer.about
    waiting = Waiting(node, run, timer.kind, timer.due, about.get("limit"), about.get("memo"))
    waiting.approval_id = about.get("approval")
    approval = approvals.get(waiting.approval_id or "")
    if approval is not None:
        waiting.decide(approval)
    return waiting


def kept_memo(memo: Any) -> Any:
    """A handler's memo as it comes back; `InvalidResult` where it cannot be kept."""
    plain = normalise(memo)
    if len(encode(plain)) > LARGE:
        raise InvalidResult(
            f"the memo of a Wait takes more than {LARGE:,} bytes",
            es=f"el memo de un Wait ocupa más de {LARGE:,} bytes",
            hint="keep what is large elsewhere, and its name in the memo",
        )
    return plain


def iso(moment: float | None) -> str | None:
    """A moment as it is told, in UTC."""
    if moment is None:
        return None
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def next_due(execution: Execution) -> float | None:
    """When one of its nodes goes on although nobody answers; null: never."""
    moments = [each.due for each in execution.waiting.values() if each.due is not None]
    return min(moments, default=None)


def deadline(execution: Execution) -> float | None:
    """When the execution's own time is over; null: never."""
    seconds, started = execution.graph.settings.timeout_seconds, execution.record.started
    return None if seconds is None or started is None else started + seconds
