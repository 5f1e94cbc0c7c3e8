"""How an execution ends before its nodes have, and what becomes of those that have not ended."""

from __future__ import annotations

import asyncio

from caudal_core.engine.execution import Execution
from caudal_core.engine.recovery.resume import INTERRUPTED
from caudal_core.engine.running.recorder import Recorder
from caudal_core.engine.waits.waiting import Waiting
from caudal_core.graph import GraphNode
from caudal_core.journal import NodeRun

STOP_GRACE = 1.5
"""Seconds that running nodes get to end after a cancel; then they are abandoned."""


def stop(execution: Execution, reason: str) -> None:
    """Make an execution end: `cancel`, `timeout`, or a text that becomes its error."""
    if execution.stop_reason is None and execution.closing is None:
        execution.stop_reason = reason
        execution.wake.set()


def cancelling() -> bool:
    """Whether the engine is closing, so that the execution stays open for the next one."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def end_tasks(execution: Execution) -> None:
    """Cancel what runs; what does not end in its time is left behind."""
    tasks = list(execution.tasks)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=STOP_GRACE)


def give_up(recorder: Recorder, node: GraphNode, run: NodeRun, waiting: Waiting | None) -> None:
    """Record that a node which has begun does not end; `waiting` is what it waited for, if so."""
    begun = run.state != "waiting" or (waiting is not None and waiting.kind == "outcome")
    if node.handler.effect == "at_most_once" and begun:
        run.error = INTERRUPTED
        recorder.record(run, "interrupted")
    else:
        recorder.record(run, "cancelled")


def never_begun(recorder: Recorder, node: GraphNode, attempt: int) -> None:
    """Record that a node, or its next attempt, does not begin any more."""
    run = recorder.new_run(node, attempt)
    run.message = "cancelled before it started"
    run.shown = "pending"
    recorder.record(run, "cancelled")
