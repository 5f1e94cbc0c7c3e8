"""Writes what happens to one execution into the journal, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from time import time

from caudal_core.engine.execution import Execution
from caudal_core.engine.running.final import error_lines, final_output
from caudal_core.engine.telling.ended import Ended
from caudal_core.engine.telling.outbox import Outbox
from caudal_core.engine.waits.waiting import Waiting, deadline
from caudal_core.errors import error_text
from caudal_core.graph import GraphNode
from caudal_core.journal import SETTLED, Journal, NodeRun
from caudal_core.journal.journal import SOON
from caudal_core.journal.records import Ending, ExecutionState, NodeState
from caudal_core.journal.rows import finish_row, node_row, park_row
from caudal_core.journal.statements import Statement
from caudal_core.journal.waits import NO_NODE, Timer


@dataclass(frozen=True, slots=True)
class Parked:
    """Told of once it is committed that an execution only waits."""

    execution: Execution


class Recorder:
    """Makes the runs of an execution, and records how they and it end."""

    __slots__ = ("_begun", "_e", "_outbox", "_write")

    def __init__(self, execution: Execution, journal: Journal, outbox: Outbox) -> None:
        self._e = execution
        self._outbox = outbox
        self._write = journal.write
        self._begun = False

    def new_run(self, node: GraphNode, attempt: int = 1) -> NodeRun:
        """A run that begins now."""
        e = self._e
        run = NodeRun(e.id, node, e.next_number, time())
        e.next_number += 1
        run.owner = e
        run.epoch = e.epoch
        if attempt > 1:
            run.attempt = attempt
        elif e.restored:
            self._after_restart(node, run)
        e.runs.append(run)
        return run

    def _after_restart(self, node: GraphNode, run: NodeRun) -> None:
        """An attempt that was cut off is made again in its own place, one that failed is not."""
        before = self._e.restored.get(node.id)
        if before is None:
            return
        run.attempt = before.attempt + (before.state != "running")
        if before.state == "running":
            run.number = before.number
            run.reply = before.reply
            self._e.runs.remove(before)

    def record(self, run: NodeRun, state: NodeState) -> None:
        """What has become of a run; it may be told once the row is committed."""
        run.state = state
        e = self._e
        run.seq = e.seq = e.seq + 1
        if run.started is not None and state != "running":
            run.duration = time() - run.started
        self._write(Statement.NODE, node_row(run), run)
        if e.timed and state in SETTLED:
            self.no_timer(run.node_id)

    def no_timer(self, node_id: str) -> None:
        """A node waits for nothing any more."""
        e = self._e
        if node_id in e.timed:
            e.timed.discard(node_id)
            self._write(Statement.NO_TIMER, (e.id, node_id))

    def wait(self, waiting: Waiting) -> None:
        """What a node waits for, in the transaction of what was recorded just before."""
        e = self._e
        e.waited = True
        e.timed.add(waiting.node.id)
        e.waiting[waiting.node.index] = waiting
        self._write(Statement.TIMER, waiting.timer().row())
        e.wake.set()

    def park(self) -> None:
        """That nothing of the execution runs, and it only waits; then it may leave memory."""
        e = self._e
        e.dormant = True
        moment = deadline(e)
        if moment is not None:
            row = Timer(e.id, NO_NODE, "deadline", moment, {}).row()
            self._write(Statement.TIMER, row)
        row = park_row(e.record, moment, e.done, _failures(e), e.seq)
        self._write(Statement.PARK, row, Parked(e), urgent=e.watched)

    def start(self) -> None:
        """That the execution has begun, once; it rides along with what comes next.

        To be written before the event loop is given back, as others commit then. An execution that
        has ended by then needs it no more: its end says when it began.
        """
        if self._begun:
            return
        self._begun = True
        record = self._e.record
        self._write(Statement.START, (record.state, record.started, record.id))

    def finish(self) -> None:
        """How the execution ended; it shows once that is committed.

        Where nobody waits for it yet, it rides along with the next commit, or makes one soon.
        """
        e = self._e
        final, final_info = self._final()
        state, error = _outcome(e)
        e.closing = Ending(
            state=state,
            completed=time(),
            completed_nodes=e.done,
            failed_nodes=_failures(e),
            seq=e.seq + 1,
            final=final,
            final_info=final_info,
            error=error,
        )
        if e.waited:
            self._write(Statement.NO_TIMERS, (e.id,))
        row = finish_row(e.record, e.closing)
        self._write(Statement.FINISH, row, e, urgent=e.watched, within=SOON)
        if state == "failed" or self._outbox.busy:
            self._outbox.ended(Ended.of(e))  # in the same transaction

    def _final(self) -> tuple[bytes | None, bytes | None]:
        try:
            return final_output(self._e.graph, self._e.delivered)
        except Exception as error:  # noqa: BLE001 - whatever it comes to, the end is recorded
            why = f"the final output cannot be written: {error_text(error)}"
            self._e.stop_reason = self._e.stop_reason or why
            return None, None


def _outcome(e: Execution) -> tuple[ExecutionState, str | None]:
    if e.stop_reason == "cancel":
        return "cancelled", None
    if e.stop_reason == "timeout":
        return "failed", f"the execution timed out after {e.graph.settings.timeout_seconds:g} s"
    if e.stop_reason is not None:
        return "failed", e.stop_reason
    return ("failed", error_lines(e.failed)) if e.failed else ("completed", None)


def _failures(e: Execution) -> int:
    return len({run.node_id for run in e.runs if _counts_as_failed(run)})


def _counts_as_failed(run: NodeRun) -> bool:
    return run.settles and run.state in ("failed", "interrupted")
