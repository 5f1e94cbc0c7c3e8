"""Runs one execution: what is ready starts, what has ended makes others ready.

Nodes run as soon as all that they depend on has ended, independent ones at once; light ones are
called here and now, so that a fan of small steps needs no tasks at all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from time import time
from typing import Any

from caudal_core.engine.execution import Execution
from caudal_core.engine.recovery.resume import INTERRUPTED, is_result, to_resolve
from caudal_core.engine.running.attempts import Attempts
from caudal_core.engine.running.failing import after_failure
from caudal_core.engine.running.means import Means
from caudal_core.engine.running.merge import gather, gather_mixed
from caudal_core.engine.running.recorder import Recorder
from caudal_core.engine.running.stopping import cancelling, end_tasks, give_up, never_begun, stop
from caudal_core.engine.waits.waiting import SHORT, Waiting, next_due
from caudal_core.errors import MixedMerge
from caudal_core.graph import GraphNode
from caudal_core.journal import SETTLED, NodeRun
from caudal_core.payload import Payload


class Drive:
    """Drives one execution to its end.

    By the index of a node: `_waits` counts what it depends on and has not ended; `_taken` says that
    a branch led to it, `_poisoned` that something it depends on failed.
    """

    __slots__ = (
        "_attempts",
        "_budget",
        "_e",
        "_holds",
        "_limit",
        "_loop",
        "_poisoned",
        "_ready",
        "_recorder",
        "_resumed",
        "_taken",
        "_waits",
    )

    def __init__(self, execution: Execution, means: Means) -> None:
        self._e = execution
        self._budget = means.budget
        self._holds = means.holds
        self._recorder = Recorder(execution, means.journal, means.outbox)
        self._attempts = Attempts(execution, means, self._recorder, self._settle, self._spawn)
        self._loop = asyncio.get_running_loop()
        self._limit = execution.graph.settings.max_concurrency or 1_000_000
        nodes = execution.graph.nodes
        self._waits = [node.waits for node in nodes]
        self._taken = bytearray(len(nodes))
        self._poisoned = bytearray(len(nodes))
        self._ready: deque[GraphNode] = deque()
        self._resumed: dict[int, Waiting] = {}

    async def run(self) -> None:
        """Run it; returns when all that is left is for the end, or the wait, to be committed."""
        e = self._e
        e.record.state = "running"
        e.record.started = e.record.started or time()
        e.touch()
        timer = self._timer(e.record.started, e.graph.settings.timeout_seconds)
        try:
            self._restore()
            while await self._step():
                pass
        except BaseException as error:
            if cancelling():
                raise
            stop(e, f"the engine failed: {error!r}")
            await self._stop()
            raise
        finally:
            if timer is not None:
                timer.cancel()
            if not cancelling() and not e.dormant:
                self._recorder.finish()
            del self._attempts  # they know their drive: no circle is left for the collector

    def _timer(self, started: float, seconds: float | None) -> asyncio.TimerHandle | None:
        """Ends the execution in its time, which a restart does not give anew."""
        if seconds is None:
            return None
        left = started + seconds - time()
        if left <= 0:
            stop(self._e, "timeout")
        return self._loop.call_later(max(0.0, left), stop, self._e, "timeout")

    async def _step(self) -> bool:
        """Start what can start, or wait for something to end; false when nothing is left."""
        e = self._e
        if e.stop_reason is not None:
            self._recorder.start()
            await self._stop()
            return False
        if self._holds is not None and self._holds(e):
            self._recorder.start()
            await e.wake.wait()
            e.wake.clear()
            return True
        if e.news:
            self._take_news()
        while self._ready and len(e.tasks) < self._limit:
            self._begin(self._ready.popleft())
            if self._budget.spent():
                self._recorder.start()
                await asyncio.sleep(0)
                return True
        if e.waiting:
            return await self._wait()
        if not e.tasks:
            return e.stop_reason is not None
        self._recorder.start()
        await e.wake.wait()
        e.wake.clear()
        return True

    async def _wait(self) -> bool:
        """Wait for what runs, for an answer or a moment; false where all that is left is that.

        Then the execution may leave memory, unless the moment is near.
        """
        e = self._e
        self._recorder.start()
        due = next_due(e)
        left = None if due is None else max(0.0, due - time())
        if not e.tasks and (left is None or left > SHORT):
            self._recorder.park()
            return False
        try:
            async with asyncio.timeout(left):
                await e.wake.wait()
        except TimeoutError:
            e.news = True
        e.wake.clear()
        return True

    def _take_news(self) -> None:
        """Let go on which nodes have their answer or have waited long enough.

        An answer that comes from now on is too late, though the node may have to wait for a slot.
        """
        e, pauses = self._e, self._attempts.pauses
        e.news = False
        for index, waiting in list(e.waiting.items()):
            if not waiting.over:
                continue
            if pauses.may_be_answered(waiting):
                waiting.due = None  # it is looked into once
                self._spawn(pauses.close(waiting))
                continue
            self._resumed[index] = e.waiting.pop(index)
            pauses.ask_no_more(waiting, "expired")
            self._ready.append(waiting.node)

    def _go_on(self, node: GraphNode, waiting: Waiting) -> None:
        run = waiting.run
        deliveries = dict(run.input or gather(node, self._e.delivered, self._e.inputs))
        self._attempts.go_on(waiting, deliveries)

    def _begin(self, node: GraphNode) -> None:
        e = self._e
        if self._resumed and (waiting := self._resumed.pop(node.index, None)) is not None:
            self._go_on(node, waiting)
            return
        edited = e.edited.get(node.id) if e.edited else None
        if edited is not None:
            self._attempts.begin(node, self._recorder.new_run(node), edited)
            return
        if node.waits and (self._poisoned[node.index] or not self._taken[node.index]):
            self._skip(node)
            return
        run = self._recorder.new_run(node)
        try:
            deliveries = gather(node, e.delivered, e.inputs)
        except MixedMerge as error:
            run.input = gather_mixed(node, e.delivered)
            self._attempts.failed(node, run, error)
        else:
            self._attempts.begin(node, run, deliveries)

    def _skip(self, node: GraphNode) -> None:
        poisoned = self._poisoned[node.index]
        run = self._recorder.new_run(node)
        why = "something it depends on failed" if poisoned else "no branch led here"
        run.message = f"skipped, as {why}"
        run.shown = "pending"  # it never ran
        self._recorder.record(run, "skipped")
        self._settle(node, run, None if poisoned else {})

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
                self._poisoned[target] = 1
            elif edge.output_port in ports:
                self._taken[target] = 1
            self._waits[target] -= 1
            if not self._waits[target]:
                self._ready.append(e.graph.nodes[target])

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._e.tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        e = self._e
        e.tasks.discard(task)
        e.wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            stop(e, f"the engine failed: {error!r}")

    def _restore(self) -> None:
        """Begin with the roots, or go on after what the journal has of this execution."""
        e = self._e
        self._ready.extend(node for node in e.graph.nodes if not node.waits)
        again = []
        while e.restored and self._ready:
            node = self._ready.popleft()
            run = e.restored.get(node.id)
            if node.index in e.waiting:
                continue
            if run is None:
                again.append(node)
            elif to_resolve(node, run):
                deliveries = gather(node, e.delivered, e.inputs)
                self._attempts.resolve_later(node, run, deliveries)
            elif not is_result(node, run):
                again.append(node)
            else:
                self._settled_before(node, run)
        self._ready.extend(again)

    def _settled_before(self, node: GraphNode, run: NodeRun) -> None:
        e = self._e
        run.settles = True
        if run.state == "running":
            run.error = INTERRUPTED
            self._recorder.record(run, "interrupted")
        ports: dict[str, Payload] | None = run.outputs or {}
        if run.state in ("failed", "interrupted"):
            ports = after_failure(e, node, run)
        elif run.state == "skipped" and self._poisoned[node.index]:
            ports = None
        self._settle(node, run, ports)

    async def _stop(self) -> None:
        """End what runs and give up what has not started."""
        e = self._e
        await end_tasks(e)
        settled = {run.node_id for run in e.runs if run.state in SETTLED and run.settles}
        open_runs = {run.node_id: run for run in e.runs if run.state in ("running", "waiting")}
        tried = {run.node_id: run.attempt for run in e.runs if not run.settles}
        for node in e.graph.nodes:
            if node.id in settled:
                continue
            if (run := open_runs.get(node.id)) is None:
                never_begun(self._recorder, node, 1 + tried.get(node.id, 0))
            else:
                waiting = e.waiting.get(node.index) or self._resumed.get(node.index)
                give_up(self._recorder, node, run, waiting)
            if self._budget.spent():
                await asyncio.sleep(0)
        for waiting in (*e.waiting.values(), *self._resumed.values()):
            self._attempts.pauses.ask_no_more(waiting, "cancelled")
        e.waiting.clear()
