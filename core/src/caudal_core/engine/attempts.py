"""Runs one node, as often as its options allow, and says what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from random import random
from typing import Any

from caudal_core.context import Context
from caudal_core.engine.execution import Execution
from caudal_core.engine.final import describe
from caudal_core.engine.means import Means
from caudal_core.engine.recorder import Recorder
from caudal_core.engine.resume import INTERRUPTED
from caudal_core.errors import NodeTimeout
from caudal_core.graph import ERROR_PORT, GraphNode
from caudal_core.journal import NodeRun
from caudal_core.payload import LARGE, Payload
from caudal_core.runner import Deliveries, Job, NodeResult
from caudal_core.runner.call import call
from caudal_core.runner.protocol import small

BARRIER = frozenset(("keyed", "transactional", "at_most_once"))
"""Effects whose inputs must be on disk before they happen."""

HANDLERS_OWN = (Exception, SystemExit, asyncio.CancelledError)
"""What a handler may raise on the spot: all of it is its node's failure."""

Ports = dict[str, Payload]
Settle = Callable[[GraphNode, NodeRun, Ports | None], None]
Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Attempts:
    """The attempts at the nodes of one execution.

    `settle` is told what a node handed on, or nothing where its failure counts; `spawn` runs a
    coroutine as one of the execution's tasks.
    """

    __slots__ = ("_e", "_inlines", "_keeps", "_means", "_recorder", "_settle", "_spawn")

    def __init__(
        self, execution: Execution, means: Means, recorder: Recorder, settle: Settle, spawn: Spawn
    ) -> None:
        self._e = execution
        self._means = means
        self._recorder = recorder
        self._settle = settle
        self._spawn = spawn
        self._inlines = means.runner.inlines
        self._keeps = means.keep is not None

    def begin(self, node: GraphNode, run: NodeRun, deliveries: Ports) -> None:
        """Run a node: on the spot where it is light and its input small, else as a task."""
        run.input = deliveries
        if not (node.light and self._inlines and small(deliveries)):
            self._spawn(self._run(node, run, self._job(node, run, deliveries)))
            return
        try:
            result = call(node.handler, node.config, deliveries, self._context(node, run))
        except HANDLERS_OWN as error:
            self._failed_inline(node, run, error)
        else:
            self.completed(node, run, result)

    def _context(self, node: GraphNode, run: NodeRun) -> Context:
        ctx = run.ctx = Context(node.id, self._e.env, run.attempt)
        if node.notices:
            for notice in node.notices:
                ctx.log.warning("%s", notice)
        return ctx

    def _job(self, node: GraphNode, run: NodeRun, deliveries: Deliveries) -> Job:
        ctx, options = self._context(node, run), node.options
        ctx.notes.changed = partial(self._e.nudge, asyncio.get_running_loop())
        row_error, timeout = options.on_row_error, options.timeout
        return Job(node.handler, node.config, deliveries, ctx, row_error, timeout)

    async def _run(self, node: GraphNode, run: NodeRun, job: Job) -> None:
        try:
            result = await self._once(node, run, job)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is the node's failure
            if isinstance(error, NodeTimeout) and node.handler.effect == "at_most_once":
                self._unknown(node, run)
            elif self._again(node, run, error):
                await self._retry(node, run)
            else:
                self.failed(node, run, error)
            return
        await self._keep(result)
        self.completed(node, run, result)
        if node.handler.effect == "at_most_once":
            await self._means.journal.flush()

    async def _once(self, node: GraphNode, run: NodeRun, job: Job) -> NodeResult:
        if node.handler.effect in BARRIER:
            self._recorder.record(run, "running", key=job.ctx.idempotency_key)
            await self._means.journal.flush()
        return await self._means.runner.run(job)

    def _again(self, node: GraphNode, run: NodeRun, error: BaseException) -> bool:
        """Whether another attempt follows; then this one is recorded by itself."""
        if run.attempt > node.options.retries or self._e.stop_reason is not None:
            return False
        run.error, run.settles = describe(_timed(node, error)), False
        self._recorder.record(run, "failed")
        return True

    async def _retry(self, node: GraphNode, run: NodeRun) -> None:
        await asyncio.sleep(_backoff(node.options.retry_delay))
        following = self._recorder.new_run(node, run.attempt + 1)
        following.input = deliveries = dict(run.input or {})
        await self._run(node, following, self._job(node, following, deliveries))

    def _failed_inline(self, node: GraphNode, run: NodeRun, error: BaseException) -> None:
        if self._again(node, run, error):
            self._spawn(self._retry(node, run))
        else:
            self.failed(node, run, error)

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
        self.completed(node, run, result)

    def completed(self, node: GraphNode, run: NodeRun, result: NodeResult) -> None:
        """The handler has returned."""
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
        self._recorder.record(run, "completed")
        self._settle(node, run, result.ports)

    def failed(self, node: GraphNode, run: NodeRun, error: BaseException) -> None:
        """The handler has raised, and no attempt is left."""
        if self._e.stop_reason is not None:
            return
        run.error = describe(_timed(node, error))
        ports = self.after_failure(node, run)
        if ports:
            run.outputs = ports
        self._recorder.record(run, "failed")
        self._settle(node, run, ports)

    def _unknown(self, node: GraphNode, run: NodeRun) -> None:
        """An effect that must not be repeated, of which nobody knows whether it happened."""
        run.state, run.error = "interrupted", INTERRUPTED
        self.after_failure(node, run)
        self._recorder.record(run, "interrupted")
        self._settle(node, run, None)

    def after_failure(self, node: GraphNode, run: NodeRun) -> Ports | None:
        """What a failed node hands on by its `onError`; nothing makes the execution fail."""
        policy = node.options.on_error
        if policy == "fail" or run.state == "interrupted":
            self._e.failed.append(run)
            return None
        if run.outputs is not None:  # recorded before a restart
            return run.outputs
        given = run.input or {}
        if policy == "continue":
            first = next(iter(given.values()), Payload.of(None))
            return {node.handler.outputs[0]: first}
        plain = {port: payload.data for port, payload in given.items()}
        data = next(iter(plain.values()), None) if len(plain) < 2 else plain
        return {ERROR_PORT: Payload.of({"error": run.error, "node": node.id, "input": data})}


def _timed(node: GraphNode, error: BaseException) -> BaseException:
    """A time-out names the node's own limit, whoever noticed it first."""
    if isinstance(error, NodeTimeout) and node.options.timeout is not None:
        return NodeTimeout(seconds=node.options.timeout)
    return error


def _put(keep: Callable[[bytes], str], payload: Payload) -> str:
    return keep(payload.json())


def _backoff(seconds: float) -> float:
    """The delay with up to a tenth of jitter, so that many do not come back at once."""
    return seconds * (1 + random() / 10)  # noqa: S311 - nothing secret about it
