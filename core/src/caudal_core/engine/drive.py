"""Runs one execution: what is ready starts, what has ended makes others ready.

Nodes run as soon as all that they depend on has ended, independent ones at once; light ones are
called here and now, so that a fan of small steps needs no tasks at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from random import random
from time import monotonic, time
from typing import Any

from caudal_core.context import Context
from caudal_core.engine.budget import LoopBudget
from caudal_core.engine.execution import Execution
from caudal_core.engine.final import describe, error_lines, final_output
from caudal_core.engine.merge import gather
from caudal_core.engine.resume import INTERRUPTED, is_result
from caudal_core.errors import MixedMerge, NodeTimeout
from caudal_core.graph import ERROR_PORT, GraphNode
from caudal_core.journal import Journal, NodeRun
from caudal_core.journal.records import NodeState
from caudal_core.journal.rows import finish_row, node_row
from caudal_core.journal.statements import Statement
from caudal_core.payload import LARGE, Payload
from caudal_core.runner import Job, NodeResult, Runner
from caudal_core.runner.call import call
from caudal_core.runner.protocol import small

STOP_GRACE = 1.5
"""Seconds that running nodes get to end after a cancel; then they are abandoned."""

BARRIER = frozenset(("keyed", "transactional", "at_most_once"))
"""Effects whose inputs must be on disk before they happen."""


@dataclass(frozen=True, slots=True)
class Means:
    """What every execution of an engine is run with. `keep` stores bytes and names them."""

    journal: Journal
    runner: Runner
    budget: LoopBudget
    keep: Callable[[bytes], str] | None
    in_thread: Callable[[Callable[[], Any]], Any]


class Drive:
    """Drives one execution to its end."""

    __slots__ = ("_deadline", "_e", "_inlines", "_keeps", "_limit", "_loop", "_means", "_write")

    def __init__(self, execution: Execution, means: Means) -> None:
        self._e = execution
        self._means = means
        self._write = means.journal.write
        self._inlines = means.runner.inlines
        self._keeps = means.keep is not None
        self._loop = asyncio.get_running_loop()
        self._limit = execution.graph.settings.max_concurrency or 1_000_000
        self._deadline: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Run it; returns when all that is left is for the end to be committed."""
        e = self._e
        e.record.state = "running"
        e.record.started = e.record.started or time()
        e.touch()
        seconds = e.graph.settings.timeout_seconds
        if seconds is not None:
            self._deadline = self._loop.call_later(seconds, stop, e, "timeout")
        self._restore()
        while await self._step():
            pass
        if self._deadline is not None:
            self._deadline.cancel()
        self._finish()

    async def _step(self) -> bool:
        """Start what can start, or wait for something to end; false when nothing is left."""
        e = self._e
        if self._stopped:
            await self._stop()
            return False
        while e.ready and len(e.tasks) < self._limit:
            self._begin(e.ready.popleft())
            if self._means.budget.spent():
                await asyncio.sleep(0)
                break
        if e.ready and len(e.tasks) < self._limit:
            return True
        if not e.tasks:
            return False
        await e.wake.wait()
        e.wake.clear()
        return True

    @property
    def _stopped(self) -> bool:
        return self._e.stop_reason is not None

    # -- what is ready ---------------------------------------------------------------------------

    def _restore(self) -> None:
        """Begin with the roots, or go on after what the journal has of this execution."""
        e = self._e
        e.ready.extend(node for node in e.graph.nodes if not node.waits)
        again = []
        while e.restored and e.ready:
            node = e.ready.popleft()
            run = e.restored.get(node.id)
            if run is None or not is_result(node, run):
                again.append(node)
            else:
                self._settled_before(node, run)
        e.ready.extend(again)

    def _settled_before(self, node: GraphNode, run: NodeRun) -> None:
        e = self._e
        run.settles = True
        if run.state == "running":
            run.error = INTERRUPTED
            self._record(run, "interrupted")
        elif run.state in ("completed", "skipped"):
            e.record.completed_nodes += 1
        else:
            e.record.failed_nodes += 1
        ports: dict[str, Payload] | None = run.outputs or {}
        if run.state in ("failed", "interrupted"):
            ports = self._after_failure(node, run, run.outputs)
        elif run.state == "skipped" and e.poisoned[node.index]:
            ports = None
        self._settle(node, run, ports)

    def _settle(self, node: GraphNode, run: NodeRun, ports: dict[str, Payload] | None) -> None:
        """A node has ended: what waited for it may be ready.

        No `ports` poisons what depends on it; a port that is not among them is a branch not taken.
        """
        e = self._e
        e.delivered[node.index] = ports
        if run.state in ("completed", "skipped"):
            e.done += 1
        for edge in node.outgoing:
            target = edge.target
            if ports is None:
                e.poisoned[target] = 1
            elif edge.output_port in ports:
                e.taken[target] = 1
            e.waits[target] -= 1
            if not e.waits[target]:
                e.ready.append(e.graph.nodes[target])

    # -- one node --------------------------------------------------------------------------------

    def _begin(self, node: GraphNode) -> None:
        e = self._e
        if node.waits and (e.poisoned[node.index] or not e.taken[node.index]):
            self._skip(node)
            return
        run = self._new_run(node)
        try:
            deliveries = gather(node, e.delivered, e.inputs)
        except MixedMerge as error:
            self._failed(node, run, error)
            return
        run.input = deliveries
        if not (node.light and self._inlines and small(deliveries)):
            job = self._job(node, run, deliveries)
            self._spawn(self._attempts(node, run, job))
            return
        try:
            result = call(node.handler, node.config, deliveries, self._context(node, run))
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is the node's failure
            self._failed_inline(node, run, error)
        else:
            self._completed(node, run, result)

    def _skip(self, node: GraphNode) -> None:
        run = self._new_run(node)
        run.message = (
            "skipped, as something it depends on failed"
            if self._e.poisoned[node.index]
            else "skipped, as no branch led here"
        )
        self._record(run, "skipped")
        self._settle(node, run, None if self._e.poisoned[node.index] else {})

    def _new_run(self, node: GraphNode, attempt: int = 1) -> NodeRun:
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
            self._e.runs.remove(before)

    def _job(self, node: GraphNode, run: NodeRun, deliveries: dict[str, Payload]) -> Job:
        ctx, options = self._context(node, run), node.options
        timeout = options.timeout
        if timeout is not None:
            ctx.deadline = monotonic() + timeout
        return Job(node.handler, node.config, deliveries, ctx, options.on_row_error, timeout)

    def _context(self, node: GraphNode, run: NodeRun) -> Context:
        ctx = run.ctx = Context(node.id, self._e.env, run.attempt)
        if node.notices:
            for notice in node.notices:
                ctx.log.warning("%s", notice)
        return ctx

    def _spawn(self, coroutine: Any) -> None:
        e = self._e
        task = self._loop.create_task(coroutine)
        e.tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        e = self._e
        e.tasks.discard(task)
        e.wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            stop(e, f"the engine failed: {error!r}")

    async def _attempts(
        self, node: GraphNode, run: NodeRun, job: Job, *, tried: bool = False
    ) -> None:
        """Run a node as often as its options allow, each attempt with a record of its own."""
        while True:
            if tried:
                await asyncio.sleep(_backoff(node.options.retry_delay))
                run = self._new_run(node, run.attempt + 1)
                run.input = job.deliveries
                job = self._job(node, run, dict(job.deliveries))
            job.ctx.notes.changed = lambda: self._e.nudge(self._loop)
            try:
                result = await self._once(node, run, job)
            except Exception as error:  # noqa: BLE001 - whatever a handler raises is its failure
                if not self._again(node, run, error):
                    self._failed(node, run, error)
                    return
                tried = True
            else:
                await self._keep(result)
                self._completed(node, run, result)
                if node.handler.effect == "at_most_once":
                    await self._means.journal.flush()
                return

    async def _once(self, node: GraphNode, run: NodeRun, job: Job) -> NodeResult:
        if node.handler.effect in BARRIER:
            self._record(run, "running", key=job.ctx.idempotency_key)
            await self._means.journal.flush()
        return await self._means.runner.run(job)

    def _again(self, node: GraphNode, run: NodeRun, error: Exception) -> bool:
        if run.attempt > node.options.retries:
            return False
        run.error, run.settles = describe(error), False
        self._record(run, "failed")
        return True

    def _failed_inline(self, node: GraphNode, run: NodeRun, error: Exception) -> None:
        if self._again(node, run, error):
            job = self._job(node, run, dict(run.input or {}))
            self._spawn(self._attempts(node, run, job, tried=True))
        else:
            self._failed(node, run, error)

    async def _keep(self, result: NodeResult) -> None:
        """Put large outputs into blobs before anything says that they exist."""
        keep = self._means.keep
        if keep is None:
            return
        for payload in result.ports.values():
            if payload.large and payload.ref is None:
                payload.ref = await self._means.in_thread(partial(_put, keep, payload))

    async def _keep_then_complete(self, node: GraphNode, run: NodeRun, result: NodeResult) -> None:
        await self._keep(result)
        self._completed(node, run, result)

    # -- how a node ended ------------------------------------------------------------------------

    def _completed(self, node: GraphNode, run: NodeRun, result: NodeResult) -> None:
        if self._e.stop_reason is not None:
            return  # it came too late: the node is already given up
        if self._keeps:
            for payload in result.ports.values():
                if payload.size > LARGE and payload.ref is None:
                    self._spawn(self._keep_then_complete(node, run, result))
                    return
        run.outputs = result.ports
        run.message = result.message
        run.report = result.report
        self._record(run, "completed")
        self._settle(node, run, result.ports)

    def _failed(self, node: GraphNode, run: NodeRun, error: Exception) -> None:
        if self._e.stop_reason is not None:
            return
        if isinstance(error, NodeTimeout) and node.options.timeout is not None:
            error = NodeTimeout(seconds=node.options.timeout)
        run.error = describe(error)
        ports = self._after_failure(node, run, None)
        if ports:
            run.outputs = ports
        self._record(run, "failed")
        self._settle(node, run, ports)

    def _after_failure(
        self, node: GraphNode, run: NodeRun, recorded: dict[str, Payload] | None
    ) -> dict[str, Payload] | None:
        """What a failed node hands on by its `onError`; nothing makes the execution fail."""
        policy = node.options.on_error
        if policy == "fail" or run.state == "interrupted":
            self._e.failed.append(run)
            return None
        if recorded is not None:
            return recorded
        given = run.input or {}
        if policy == "continue":
            first = next(iter(given.values()), Payload.of(None))
            return {node.handler.outputs[0]: first}
        plain = {port: payload.data for port, payload in given.items()}
        data = next(iter(plain.values()), None) if len(plain) < 2 else plain
        return {ERROR_PORT: Payload.of({"error": run.error, "node": node.id, "input": data})}

    def _record(self, run: NodeRun, state: NodeState, *, key: str | None = None) -> None:
        run.state = state
        e = self._e
        run.seq = e.seq = e.seq + 1
        if run.started is not None and state != "running":
            run.duration = time() - run.started
        self._write(Statement.NODE, node_row(run, key), run)

    # -- the end ---------------------------------------------------------------------------------

    async def _stop(self) -> None:
        """End what runs and give up what has not started."""
        e = self._e
        tasks = list(e.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_GRACE)
        settled = {run.node_id for run in e.runs if run.state != "running" and run.settles}
        open_runs = {run.node_id: run for run in e.runs if run.state == "running"}
        for node in e.graph.nodes:
            if node.id in settled:
                continue
            run = open_runs.get(node.id)
            unknown = run is not None and node.handler.effect == "at_most_once"
            run = run or self._unstarted(node)
            self._record(run, "interrupted" if unknown else "cancelled")

    def _unstarted(self, node: GraphNode) -> NodeRun:
        run = self._new_run(node)
        run.message = "cancelled before it started"
        return run

    def _finish(self) -> None:
        """Write how it ended; watchers see it once that is committed."""
        e = self._e
        final, final_info = final_output(e.graph, e.delivered)
        state, error = self._outcome()
        e.closing = replace(
            e.record,
            state=state,
            completed=time(),
            completed_nodes=e.done,
            failed_nodes=len({run.node_id for run in e.runs if _counts_as_failed(run)}),
            seq=e.seq + 1,
            final=final,
            final_info=final_info,
            error=error,
        )
        self._means.journal.write(Statement.FINISH, finish_row(e.closing), e, urgent=True)

    def _outcome(self) -> tuple[Any, str | None]:
        e = self._e
        if e.stop_reason == "cancel":
            return "cancelled", None
        if e.stop_reason == "timeout":
            seconds = e.graph.settings.timeout_seconds
            return "failed", f"the execution timed out after {seconds:g} s"
        if e.stop_reason is not None:
            return "failed", e.stop_reason
        return ("failed", error_lines(e.failed)) if e.failed else ("completed", None)


def stop(execution: Execution, reason: str) -> None:
    """Make an execution end: `cancel`, `timeout`, or a text that becomes its error."""
    if execution.stop_reason is None and execution.closing is None:
        execution.stop_reason = reason
        execution.wake.set()


def _put(keep: Callable[[bytes], str], payload: Payload) -> str:
    return keep(payload.json())


def _counts_as_failed(run: NodeRun) -> bool:
    return run.settles and run.state in ("failed", "interrupted")


def _backoff(seconds: float) -> float:
    """The delay with up to a tenth of jitter, so that many do not come back at once."""
    return seconds * (1 + random() / 10)  # noqa: S311 - nothing secret about it
