"""Runs one node, as often as its options allow, and says what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from time import time
from typing import Any

from caudal_core.context import Context, Environment
from caudal_core.engine.execution import Execution
from caudal_core.engine.recovery.resume import INTERRUPTED
from caudal_core.engine.running.failing import (
    Ports,
    after_failure,
    counts,
    cut_off,
    handed_on,
    refused,
    timed,
)
from caudal_core.engine.running.final import describe
from caudal_core.engine.running.means import Means
from caudal_core.engine.running.outcomes import as_told, question, reconciled
from caudal_core.engine.running.recorder import Recorder
from caudal_core.engine.waits.pauses import Pauses
from caudal_core.engine.waits.waiting import Waiting
from caudal_core.errors import NodeTimeout
from caudal_core.graph import GraphNode
from caudal_core.journal import NodeRun
from caudal_core.payload import LARGE, NO_REPORT, Payload
from caudal_core.runner import Deliveries, Job, NodeResult
from caudal_core.runner.call import call
from caudal_core.runner.protocol import small
from caudal_core.waits import Wait

BARRIER = frozenset(("keyed", "transactional", "at_most_once"))
"""Effects whose inputs must be on disk before they happen."""

Settle = Callable[[GraphNode, NodeRun, Ports | None], None]
Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Attempts:
    """The attempts at the nodes of one execution.

    `settle` is told what a node handed on, or nothing where its failure counts; `spawn` runs a
    coroutine as one of the execution's tasks.
    """

    __slots__ = ("_e", "_env", "_inlines", "_keeper", "_means", "_recorder", "_settle", "_spawn")

    def __init__(
        self, execution: Execution, means: Means, recorder: Recorder, settle: Settle, spawn: Spawn
    ) -> None:
        self._e = execution
        self._env = execution.env or Environment()
        self._means = means
        self._recorder = recorder
        self._settle = settle
        self._spawn = spawn
        self._inlines = means.runner.inlines
        self._keeper = means.keeper

    def begin(self, node: GraphNode, run: NodeRun, deliveries: Ports) -> None:
        """Run a node: on the spot where it is light and its input small, else as a task."""
        run.input = deliveries
        if not (node.light and self._inlines and small(deliveries)):
            self._spawn(self._run(node, run, self._job(node, run, deliveries)))
            return
        try:
            result = call(node.handler, node.config, deliveries, self._context(node, run))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the node's failure
            self._failed_inline(node, run, error)
        else:
            self.completed(node, run, result)

    def _context(self, node: GraphNode, run: NodeRun) -> Context:
        before, ctx = run.notes, Context(node.id, self._env, run.attempt)
        run.ctx, ctx.answer = ctx, run.reply
        if before is not None:  # what it said before it waited stays, and is not said again
            ctx.notes.log = list(before.log)
            return ctx
        for notice in node.notices:
            ctx.log.warning("%s", notice)
        for payload in (run.input or {}).values():
            for notice in payload.clashes:
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
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - it is the node's failure
            if cut_off(node, error):
                await self.resolve(node, run, error)
            else:
                await self._raised(node, run, error)
            return
        await self._keep(result.ports.values())
        self.completed(node, run, result)
        if node.handler.effect == "at_most_once":
            await self._means.journal.flush()

    async def _raised(
        self, node: GraphNode, run: NodeRun, error: BaseException, *, sure: bool = False
    ) -> None:
        if self._again(node, run, error, sure=sure):
            await self._retry(node, run)
        else:
            self.failed(node, run, error)

    async def _once(self, node: GraphNode, run: NodeRun, job: Job) -> NodeResult:
        if node.handler.effect in BARRIER:
            run.key = job.ctx.idempotency_key
            self._recorder.record(run, "running")
            await self._means.journal.flush()
        return await self._means.runner.run(job)

    def _again(
        self, node: GraphNode, run: NodeRun, error: BaseException, *, sure: bool = False
    ) -> bool:
        """Whether another attempt follows; then this one is recorded by itself.

        `sure`: it is known that what must not be repeated has not happened.
        """
        if run.attempt > node.options.retries or self._e.stop_reason is not None:
            return False
        once = node.handler.effect == "at_most_once" and not sure
        if once and not refused(error):
            return False  # nobody knows how far it came
        run.error, run.settles, run.again = describe(timed(node, error)), False, True
        self._recorder.record(run, "failed")
        return True

    async def _retry(self, node: GraphNode, run: NodeRun) -> None:
        """Try again, now or after the delay; meanwhile the node is no task and has no slot."""
        if node.options.retry_delay > 0:
            self.pauses.retry(node, run)
            return
        following = self._recorder.new_run(node, run.attempt + 1)
        following.input = deliveries = dict(run.input or {})
        await self._run(node, following, self._job(node, following, deliveries))

    def _failed_inline(self, node: GraphNode, run: NodeRun, error: BaseException) -> None:
        if not self._again(node, run, error):
            self.failed(node, run, error)
        elif node.options.retry_delay > 0:  # in the transaction of the failure
            self.pauses.retry(node, run)
        else:
            self._spawn(self._retry(node, run))

    # -- waiting ---------------------------------------------------------------------------------

    def _wait(self, node: GraphNode, run: NodeRun, result: NodeResult, wait: Wait) -> None:
        """The handler cannot go on yet."""
        run.message = result.message
        try:
            self.pauses.wait(node, run, wait)
        except Exception as error:  # noqa: BLE001 - a Wait that cannot be kept is the node's failure
            self.failed(node, run, error)
        else:
            self._keep_state(node, result)

    @property
    def pauses(self) -> Pauses:
        """How its nodes wait."""
        return Pauses(self._e, self._recorder, self._means.approvals)

    def go_on(self, waiting: Waiting, deliveries: Ports) -> None:
        """A node has its answer, or has waited long enough."""
        node, run = waiting.node, waiting.run
        if waiting.kind == "retry":
            self.begin(node, self._recorder.new_run(node, run.attempt + 1), deliveries)
            return
        run.input, run.epoch, run.report = deliveries, self._e.epoch, NO_REPORT
        run.state = run.shown = "running"
        if waiting.kind == "outcome":
            self._told(waiting, deliveries)
            return
        if waiting.reply is None and waiting.limit is not None and waiting.limit <= time():
            self._failed_inline(node, run, NodeTimeout(seconds=node.options.timeout))
            return
        run.reply = waiting.answer()
        self.begin(node, run, deliveries)

    def _told(self, waiting: Waiting, deliveries: Ports) -> None:
        """A person has said whether it happened."""
        node, run, reply = waiting.node, waiting.run, waiting.answer()
        if reply.approved:
            self.completed(node, run, as_told(node, deliveries, reply))
        else:
            self._recorder.no_timer(node.id)
            self.begin(node, run, deliveries)

    async def _keep(self, payloads: Iterable[Payload]) -> None:
        """Put large outputs into blobs before anything says that they exist."""
        for payload in payloads:
            await self._keeper.keep(payload)

    async def _keep_then_complete(self, node: GraphNode, run: NodeRun, result: NodeResult) -> None:
        await self._keep(result.ports.values())
        self.completed(node, run, result)

    def completed(self, node: GraphNode, run: NodeRun, result: NodeResult) -> None:
        """The handler has returned."""
        if self._e.stop_reason is not None:
            return  # it came too late: the node is already given up
        if result.wait is not None:
            self._wait(node, run, result, result.wait)
            return
        for payload in result.ports.values():
            if payload.size > LARGE and self._keeper.wants(payload):
                self._spawn(self._keep_then_complete(node, run, result))
                return
        run.outputs = result.ports
        run.message = result.message
        run.report = result.report
        self._recorder.record(run, "completed")
        if result.state is not None:
            self._keep_state(node, result)
        self._settle(node, run, result.ports)

    def _keep_state(self, node: GraphNode, result: NodeResult) -> None:
        if result.state is not None and not self._env.dry_run:
            self._means.states.write(self._e, node.id, result.state)

    def failed(self, node: GraphNode, run: NodeRun, error: BaseException) -> None:
        """The handler has raised, and no attempt is left."""
        if self._e.stop_reason is not None:
            return
        run.error = describe(timed(node, error))
        if counts(self._e, node, run):
            self._fail(node, run, None)
        elif sum(payload.size for payload in (run.input or {}).values()) > LARGE:
            self._spawn(self._fail_with_much(node, run))
        else:
            self._fail(node, run, handed_on(node, run))

    async def _fail_with_much(self, node: GraphNode, run: NodeRun) -> None:
        ports = await self._means.in_thread(partial(handed_on, node, run))
        await self._keep(ports.values())
        if self._e.stop_reason is None:
            self._fail(node, run, ports)

    def _fail(self, node: GraphNode, run: NodeRun, ports: Ports | None) -> None:
        run.outputs = ports
        self._recorder.record(run, "failed")
        self._settle(node, run, ports)

    # -- what nobody knows -----------------------------------------------------------------------

    def resolve_later(self, node: GraphNode, run: NodeRun, deliveries: Ports) -> None:
        """Find out what became of an effect that a crash has cut off."""
        run.input, run.epoch, run.settles = deliveries, self._e.epoch, True
        self._spawn(self.resolve(node, run))

    async def resolve(
        self, node: GraphNode, run: NodeRun, error: BaseException | None = None
    ) -> None:
        """Ask the world what became of an effect; where it cannot tell, do what the node says.

        Without an `error` it was cut off by a crash.
        """
        deliveries = dict(run.input or {})
        ctx = self._context(node, run)
        kind, result = await reconciled(node, run, ctx, deliveries, self._means.runner)
        if result is not None:
            await self._keep(result.ports.values())
            self.completed(node, run, result)
        elif kind == "did_not_happen" and error is not None:
            await self._raised(node, run, error, sure=True)
        elif kind == "did_not_happen" or (error is None and node.options.on_interrupted == "rerun"):
            await self._run(node, run, self._job(node, run, deliveries))
        elif node.options.on_interrupted == "ask" and self._e.stop_reason is None:
            self.pauses.ask(Waiting(node, run, "outcome"), question(run))
        elif error is None or isinstance(error, NodeTimeout):
            self._unknown(node, run)
        else:
            self.failed(node, run, error)

    def _unknown(self, node: GraphNode, run: NodeRun) -> None:
        """An effect that must not be repeated, of which nobody knows whether it happened."""
        if self._e.stop_reason is not None:
            return  # the node is already given up
        run.state, run.error = "interrupted", INTERRUPTED
        after_failure(self._e, node, run)
        self._recorder.record(run, "interrupted")
        self._settle(node, run, None)
