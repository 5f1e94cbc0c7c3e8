"""Ends an execution that cannot be run: what is open of it is closed, so that nothing waits on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from time import time
from typing import TYPE_CHECKING, NamedTuple

from caudal_core.engine.recovery.resume import INTERRUPTED
from caudal_core.engine.telling.ended import Ended
from caudal_core.journal import SETTLED, ExecutionRecord, NodeRun
from caudal_core.journal.records import Ending, ExecutionState
from caudal_core.journal.rows import finish_row, node_row
from caudal_core.journal.statements import Statement
from caudal_core.journal.waits import ApprovalFilter
from caudal_core.workflow import Settings

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine
    from caudal_core.engine.storage import Storage
    from caudal_core.journal.history import StoredNode


class Rest(NamedTuple):
    """What the journal has of it: the last run of each node, and what people are asked.

    `once` are the nodes whose effect nobody knows, if they had begun.
    """

    last: dict[str, NodeRun]
    numbers: int
    nodes: list[StoredNode]
    once: set[str]
    asked: list[str]


async def give_up(
    engine: Engine,
    record: ExecutionRecord,
    state: ExecutionState,
    why: str | None,
    settings: Settings | None = None,
) -> None:
    """Write that it has ended, `failed` with its reason or `cancelled`; the caller flushes."""
    rest = await engine.read(partial(_read, engine.storage, record))
    journal, now = engine.journal, time()
    for run in _ends(record, rest):
        journal.write(Statement.NODE, node_row(run))
    for approval_id in rest.asked:
        engine.approvals.close(approval_id, "cancelled")
    journal.write(Statement.NO_TIMERS, (record.id,))
    failed = [run for run in rest.last.values() if run.state in ("failed", "interrupted")]
    done = sum(run.state in ("completed", "skipped") for run in rest.last.values())
    ending = Ending(state, now, done, len(failed), record.seq + 1, None, None, why)
    journal.write(Statement.FINISH, finish_row(record, ending), urgent=True)
    engine.outbox.ended(Ended(record, settings or Settings(), state, now, why, failed))


def _read(storage: Storage, record: ExecutionRecord) -> Rest:
    """Blocks. What is damaged counts as not there: it ends nevertheless."""
    history = storage.history
    if history is None:
        return Rest({}, 0, [], set(), [])
    try:
        nodes, runs = history.plan(record.plan_hash), history.runs(record)
    except Exception:  # noqa: BLE001 - this may be why it cannot be run
        nodes, runs = {}, []
    wanted = ApprovalFilter(execution=record.id, limit=1_000_000)
    asked = [found.id for found in history.waits.approvals(wanted)]
    told = {timer.node for timer in history.waits.timers(record.id) if timer.kind == "outcome"}
    once = {run.node_id for run in runs if run.state == "running" or run.node_id in told}
    once &= {key for key, node in nodes.items() if node.effect == "at_most_once"}
    record.seq = max((run.seq for run in runs), default=record.seq)
    last = {run.node_id: run for run in runs}
    numbers = 1 + max((run.number for run in runs), default=-1)
    return Rest(last, numbers, list(nodes.values()), once, asked)


def _ends(record: ExecutionRecord, rest: Rest) -> Iterator[NodeRun]:
    """How each node ends that had not; it is the last run of its node from then on."""
    number = rest.numbers
    for node in rest.nodes:
        run = rest.last.get(node.id)
        if run is not None and run.state in SETTLED and not run.again:
            continue
        if run is None or run.state in SETTLED:
            attempt = 1 if run is None else run.attempt + 1
            run = NodeRun(record.id, node, number, time())
            run.attempt, run.message = attempt, "cancelled before it started"
            run.epoch, number = record.epoch, number + 1
        run.state = "cancelled"
        if node.id in rest.once:
            run.state, run.error = "interrupted", INTERRUPTED
        record.seq = run.seq = record.seq + 1
        rest.last[node.id] = run
        yield run
