"""The engine: submit, watch, cancel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from time import time
from typing import Any, Self

from caudal_core.engine.again import Again
from caudal_core.engine.approvals import Approvals
from caudal_core.engine.budget import LoopBudget
from caudal_core.engine.claims import Claims
from caudal_core.engine.dormant import Dormant
from caudal_core.engine.drive import Drive, stop
from caudal_core.engine.execution import Execution, new_id
from caudal_core.engine.follow import Follower
from caudal_core.engine.graphs import GraphCache, is_heavy
from caudal_core.engine.keeping import Keeper
from caudal_core.engine.library import Library
from caudal_core.engine.means import Means
from caudal_core.engine.meters import Meters
from caudal_core.engine.notices import Listener, Notices
from caudal_core.engine.once import Once
from caudal_core.engine.options import EngineOptions
from caudal_core.engine.outbox import Outbox
from caudal_core.engine.ownership import Ownership
from caudal_core.engine.recorder import Parked
from caudal_core.engine.recovery import Recovery
from caudal_core.engine.resume import (
    adopt,
    adopt_again,
    fetched,
    read_edited,
    read_inputs,
    stopped_before,
)
from caudal_core.engine.retention import Retention
from caudal_core.engine.room import Room
from caudal_core.engine.shelf import Shelf
from caudal_core.engine.single import run_single
from caudal_core.engine.states import States
from caudal_core.engine.storage import MemoryStorage, Storage
from caudal_core.engine.turns import Turns
from caudal_core.engine.versions import Versions
from caudal_core.engine.view import ExecutionView, live_view, with_inputs
from caudal_core.engine.waiting import Found, restore_waits
from caudal_core.engine.watched import Watched
from caudal_core.errors import Conflict, NotFound, Overloaded, Unavailable
from caudal_core.graph import Graph
from caudal_core.intake import check_texts
from caudal_core.journal import FINISHED, SETTLED, ExecutionRecord, Journal, NodeRun
from caudal_core.journal.crashing import crashing, crashing_put
from caudal_core.journal.journal import Lost, Row
from caudal_core.journal.notice import Notice
from caudal_core.journal.rows import accept_row, node_row
from caudal_core.journal.statements import Statement
from caudal_core.journal.waits import NO_NODE, Approval, Timer
from caudal_core.payload import EMPTY, Payload, TablePayload
from caudal_core.registry import Registry
from caudal_core.runner import EmbeddedRunner, NodeResult, Runner
from caudal_core.runner.pool import ThreadPool
from caudal_core.tables.columns import Columns
from caudal_core.tables.ipc import open_ipc
from caudal_core.values import JSON

ACCEPT_SECONDS = 10.0


class Engine:
    """Runs workflows with the handlers of a registry.

    ::

        async with Engine(load_registry(), storage=FolderStorage("caudal-data")) as engine:
            execution = await engine.submit(document, {"day": "2026-01-31"})
            await execution.finished()

    Without `storage` nothing survives the process.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        storage: Storage | None = None,
        runner: Runner | None = None,
        options: EngineOptions | None = None,
    ) -> None:
        self.registry = registry
        self.options = options or EngineOptions()
        self.storage = storage or MemoryStorage()
        self.runner: Runner = runner or EmbeddedRunner()
        self.closing = False
        self.meters = Meters()
        self._tasks: set[asyncio.Task[None]] = set()
        self.versions = Versions()
        self._notices = Notices()
        self._reading = ThreadPool(4, "caudal-read")
        self._graphs = GraphCache(registry, self.read)
        self._means: Means | None = None
        blobs = self.storage.blobs
        put = crashing_put(blobs.put) if blobs else None
        self._keeper = Keeper(put, self._reading.run, self._reopened)
        self._recovery = Recovery(self, self._made, self._resume)
        self.approvals = Approvals(self)
        self.states = States(self)
        self._dormant = Dormant(self, self._recovery, self._resume)
        self._shelf = Shelf(self.options.keep_finished, forever=True)
        self.room = Room(self.storage.free, self.options.disk_reserve, self._reading.run)
        self._turns = Turns()
        self.retention = Retention(self)
        self.library = Library(self)
        self.follower = Follower(self)
        self.ownership: Ownership | None = None
        self.once = Once(self)
        self.outbox = Outbox(self)
        self.again = Again(self, self._check_open)

    # -- its life --------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Open the journal and go on with what had not ended when the last engine stopped."""
        sink = crashing(self.storage.sink())
        self.journal = Journal(sink, self._told, self.meters.commit, self._lost)
        await self.journal.open()
        try:
            await self._opened()
        except BaseException:
            await self.close()
            raise

    async def _opened(self) -> None:
        self.storage.opened()
        forever = self.storage.history is None
        self._shelf = Shelf(self.options.keep_finished, forever=forever)
        self.runner.start()
        servers = self.storage.servers
        if servers is not None:
            self.ownership = Ownership(self, servers, self._recovery, self._lose)
        self._means = Means(
            journal=self.journal,
            runner=self.runner,
            budget=LoopBudget(),
            keeper=self._keeper,
            in_thread=self._reading.run,
            approvals=self.approvals,
            states=self.states,
            outbox=self.outbox,
            holds=self.ownership.holds if self.ownership is not None else None,
        )
        await self.room.start()
        await self.outbox.start()
        await self._recovery.run()
        if self.ownership is not None:
            await self.ownership.start()
            self.follower.start()
        self._dormant.alarm.start()
        self.retention.start()

    async def close(self, drain: float = 0.0) -> None:
        """Take nothing new, give what runs `drain` seconds to end, then leave the rest as it is.

        What has not ended stays in the journal; the next engine goes on with it.
        """
        self.closing = True
        await self._dormant.alarm.close()
        if self.ownership is not None:
            await self.ownership.stop()
        self.room.close()
        self.retention.close()
        if self._tasks and drain:
            await asyncio.wait(self._tasks, timeout=drain)
        drives, left = list(self._tasks), self.unfinished
        nodes = [task for execution in left for task in execution.tasks]
        for task in (*drives, *nodes):
            task.cancel()
        if drives or nodes:
            await asyncio.wait((*drives, *nodes), timeout=2)
        await self.outbox.close()
        await self.journal.close()
        await self.once.close()
        if self.ownership is not None:
            await self.ownership.close()
            await self.follower.close()
        for execution in (*left, *self._dormant.all()):
            execution.leave()
        await self.runner.close()
        self.storage.close()
        self.options.records.close()
        self._reading.close()

    def reload(self, registry: Registry) -> None:
        """Use another registry from now on; what runs goes on with the one it began with."""
        self.registry = registry
        self._graphs = GraphCache(registry, self.read)
        if self._recovery.stalled:
            self._keep_task(self._recovery.again())

    def _keep_task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- submit, watch, cancel -------------------------------------------------------------------

    async def graph(
        self,
        document: Mapping[str, Any],
        *,
        workflow_id: str | None = None,
        digest: str | None = None,
    ) -> Graph:
        """The checked graph of a workflow's JSON; `InvalidWorkflow` lists its problems.

        `digest` is the hash of a stored version, which spares making it again.
        """
        return await self._graphs.get(document, workflow_id, digest)

    async def submit(
        self,
        workflow: Mapping[str, Any] | Graph,
        inputs: Mapping[str, Any] | None = None,
        *,
        workflow_id: str | None = None,
        digest: str | None = None,
        organization: str | None = None,
        labels: Mapping[str, str] | None = None,
        execution_id: str | None = None,
        beside: Sequence[tuple[int, Row]] = (),
    ) -> Execution:
        """Accept an execution; it is on disk when this returns, and runs from then on.

        `beside` are rows of the journal that are committed with it or not at all; where there are
        any, the caller can find it by them, and it runs even where the disk takes too long.

        Raises `InvalidWorkflow`, `Overloaded` when too many wait, `Unavailable` when the journal
        cannot be written or the engine is closing.
        """
        execution = await self.prepare(
            workflow,
            inputs,
            workflow_id=workflow_id,
            digest=digest,
            organization=organization,
            labels=labels,
            execution_id=execution_id,
        )
        for statement, values in beside:
            self.journal.write(statement, values)
        return await self.enter(execution, kept=bool(beside))

    async def enter(self, execution: Execution, *, kept: bool = False) -> Execution:
        """Accept one that was prepared; it is on disk when this returns.

        With `kept` it runs even where the disk takes too long: the caller can find it later.
        """
        self.accept(execution)
        await self._committed(execution, kept=kept)
        return execution

    async def prepare(
        self,
        workflow: Mapping[str, Any] | Graph,
        inputs: Mapping[str, Any] | None = None,
        *,
        workflow_id: str | None = None,
        digest: str | None = None,
        organization: str | None = None,
        labels: Mapping[str, str] | None = None,
        execution_id: str | None = None,
        callback: str | None = None,
        origin: str | None = None,
    ) -> Execution:
        """An execution that is not accepted yet: nobody knows of it until `accept` is called.

        `callback` is a URL that is called when it has ended.
        """
        self._check_open()
        check_texts([workflow_id, organization, dict(labels or {})], "the call")
        graph = workflow if isinstance(workflow, Graph) else None
        if graph is None:
            document: Mapping[str, Any] = workflow  # type: ignore[assignment]
            graph = await self.graph(document, workflow_id=workflow_id, digest=digest)
        payload = await self.measured(inputs)
        record = ExecutionRecord(
            id=execution_id or new_id(),
            workflow_id=graph.workflow_id,
            workflow_name=graph.name,
            workflow_hash=graph.hash,
            plan_hash=graph.plan_hash,
            total_nodes=len(graph.nodes),
            created=time(),
            organization=organization,
            labels=labels or {},
            origin=origin,
        )
        env = self.options.environment(graph.settings, record, payload.data, self.states.read)
        execution = Execution(graph, record, payload, env)
        if callback is not None:
            execution.callback = self.outbox.callback(record.id, callback)
        return execution

    def accept(self, execution: Execution, *, held: bool = False) -> None:
        """Write that it is accepted; it runs once that is committed.

        What is written just before or after is in the same transaction. With `held` it does not
        run before `begin` is called.
        """
        record = execution.record
        self._shelf.open[record.id] = execution
        self.versions.write(execution.graph, self.journal)
        row = accept_row(record, execution.given, self.storage.owner)
        execution.given = EMPTY
        self.journal.write(Statement.ACCEPT, row, None if held else execution, urgent=True)
        if execution.callback is not None:
            self.outbox.arm(execution.callback)
        for run in execution.runs:  # what a retry or a replay takes over
            self.journal.write(Statement.NODE, node_row(run))

    def begin(self, execution: Execution) -> None:
        """Let one run that was accepted, which is committed."""
        self._told([execution])

    def withdraw(self, execution: Execution) -> None:
        """Forget one that was not accepted after all."""
        self._shelf.open.pop(execution.id, None)
        if execution.callback is not None:
            self.outbox.disarm(execution.callback)

    async def _committed(self, execution: Execution, *, kept: bool) -> None:
        try:
            await self.journal.flush(most=ACCEPT_SECONDS)
        except Unavailable:
            if kept:
                raise
            # The caller hears that it was not accepted: should it be written yet, it must not run.
            self.journal.write(Statement.CANCEL, (time(), execution.id))
            stop(execution, "cancel")
            raise

    def _check_open(self) -> None:
        if self._means is None:
            raise Unavailable(message="the engine has not been started")
        if self.closing:
            raise Unavailable(message="the engine is stopping")
        if self.fault is not None:
            raise Unavailable(message=self.fault)
        if len(self._shelf.open) >= self.options.max_queued:
            raise Overloaded(queued=len(self._shelf.open), limit=self.options.max_queued, seconds=5)

    async def measured(self, inputs: Mapping[str, Any] | None) -> Payload:
        """The inputs, measured, in a thread where there is much to measure, and kept if large."""
        if not inputs:
            return EMPTY
        plain = dict(inputs)
        if is_heavy(plain):
            found: Payload = await self.read(lambda: Payload.of(plain))
        else:
            found = Payload.of(plain)
        await self._keeper.keep_now(found)
        return found

    async def cancel(self, execution_id: str) -> tuple[bool, str]:
        """Cancel an execution: whether that was still possible, and the status it had.

        That it is cancelled is on disk when this returns; it ends within two seconds.
        """
        execution = self.running(execution_id)
        if execution is None and self.ownership is not None:
            return await self.ownership.cancel(execution_id)
        if execution is None and execution_id in self._recovery.stalled:
            record = (await self.view(execution_id, last=0)).record
            before = record.state
            self._recovery.give_up(record, "cancelled", None)
            await self.journal.flush(most=ACCEPT_SECONDS)
            return True, before
        if execution is None:
            return await self._cancel_dormant(execution_id)
        before = execution.record.state
        if execution.closing is not None:
            return False, execution.closing.state
        self.journal.write(Statement.CANCEL, (time(), execution_id), urgent=True)
        self.cancel_here(execution_id)
        await self.journal.flush(most=ACCEPT_SECONDS)
        return True, before

    def cancel_here(self, execution_id: str) -> None:
        """End one that runs here, as that is written."""
        execution = self.running(execution_id)
        if execution is None or execution.record.cancel_requested is not None:
            return
        execution.record.cancel_requested = time()
        stop(execution, "cancel")
        if self._turns.leave(execution):
            self._drive(execution)

    async def _cancel_dormant(self, execution_id: str) -> tuple[bool, str]:
        """The same for one that only waits, or has ended: the journal knows."""
        before = (await self.view(execution_id, last=0)).record.state
        if before in FINISHED:
            return False, before
        now = time()
        self.journal.write(Statement.CANCEL, (now, execution_id))
        # The timer wakes it even if this process ends before it has done so.
        wake = Timer(execution_id, NO_NODE, "wake", now, {})
        self.journal.write(Statement.TIMER, wake.row(), urgent=True)
        if (execution := self.live(execution_id)) is not None:
            execution.record.cancel_requested = now
        await self.journal.flush(most=ACCEPT_SECONDS)
        await self.take_up(execution_id)
        if (execution := self.live(execution_id)) is not None:
            stop(execution, "cancel")  # it was being taken up when it was cancelled
        return True, before

    async def take_up(self, execution_id: str) -> None:
        """Go on with an execution that waits, as there is news for it."""
        await self._dormant.take_up(execution_id)

    async def watch(self, execution_id: str) -> Watched | None:
        """The execution, to be watched as long as it is held, if it has not ended long ago."""
        live = self.live(execution_id)
        if live is not None:
            return live
        if self.storage.exclusive:
            return await self._dormant.watch(execution_id)
        return await self.follower.watch(execution_id)

    def running(self, execution_id: str) -> Execution | None:
        """The execution, if it runs here or is about to."""
        found = self._shelf.open.get(execution_id)
        return None if found is None or found.dormant else found

    @property
    def claims(self) -> Claims | None:
        """What takes up the work that nobody has, where there are other servers."""
        return self.ownership.claims if self.ownership is not None else None

    async def answered(self, approval: Approval) -> None:
        """A person has decided: tell the node that waits for it, wherever it is."""
        for _ in range(2):  # the first may meet it while it is being taken up
            if (execution := self.live(approval.execution)) is not None:
                for waiting in execution.waiting.values():
                    if waiting.approval_id == approval.id and waiting.reply is None:
                        waiting.decide(approval)
                        execution.tell()
            await self.take_up(approval.execution)

    async def erase(self, execution_id: str) -> None:
        """Delete an execution that has ended, with all that is kept of it.

        Raises `NotFound`, `Conflict` while it has not ended, `Unavailable` where the disk does not
        take it. Its large values are deleted later, once nothing names them.
        """
        if self._means is None or self.closing or self.journal.fault is not None:
            raise Unavailable(message=self.journal.fault or "the engine is not running")
        record = (await self.view(execution_id, last=0)).record
        if execution_id in self._shelf.open or not record.finished:
            message = f"the execution {execution_id} has not ended; cancel it first"
            raise Conflict(message=message)
        await self.retention.erase(record)

    def forget(self, execution_id: str) -> None:
        """An execution that had ended has been deleted."""
        self._shelf.forget(execution_id)

    def live(self, execution_id: str) -> Execution | None:
        """The execution, if it is still in memory."""
        return self._shelf.find(execution_id) or self._dormant.find(execution_id)

    @property
    def fault(self) -> str | None:
        """Why no work can be taken at this moment, if so: nothing can be written, or much soon."""
        lease = self.ownership.fault if self.ownership is not None else None
        return self.journal.fault or self._keeper.fault or self.room.fault or lease

    @property
    def abandoned(self) -> tuple[int, int]:
        """Threads that nobody waits for and that have not come back, and how many there may be.

        Zero of zero with a runner that has no threads here.
        """
        runner = self.runner
        return getattr(runner, "abandoned_threads", 0), getattr(runner, "threads", 0)

    @property
    def unfinished(self) -> Sequence[Execution]:
        """The executions that have not ended, oldest first."""
        return list(self._shelf.open.values())

    @property
    def remembered(self) -> Sequence[Execution]:
        """All executions in memory: the last that have ended, then those that have not."""
        return [*self._shelf.all(), *self._dormant.all()]

    async def counted(self) -> Mapping[str, tuple[int, float]]:
        """By state how many executions have not ended, and when the oldest was accepted."""
        if self.storage.history is not None:
            return await self._reading.run(self.storage.history.open_states)  # type: ignore[no-any-return]
        found: dict[str, tuple[int, float]] = {}
        for execution in self.unfinished:
            state, created = execution.record.state, execution.record.created
            count, oldest = found.get(state, (0, created))
            found[state] = count + 1, min(oldest, created)
        return found

    async def view(self, execution_id: str, *, last: int | None = None) -> ExecutionView:
        """What is known of an execution, with all its runs or the last ones; `NotFound`.

        Of runs that are read back without `last`, the inputs are there too.
        """
        execution = self.live(execution_id)
        if execution is not None:
            return live_view(execution, last)
        return await self.read_back(execution_id, last=last)

    async def read_back(self, execution_id: str, *, last: int | None = None) -> ExecutionView:
        """The same as the journal knows it."""
        found: ExecutionView = await self._reading.run(lambda: self._read(execution_id, last))
        return found

    def _read(self, execution_id: str, last: int | None) -> ExecutionView:
        history = self.storage.history
        record = history.execution(execution_id) if history else None
        if history is None or record is None:
            raise NotFound(kind="Execution", id=execution_id)
        record.error = record.error or self._recovery.stalled.get(execution_id)
        if not self.storage.exclusive and record.state == "running":  # elsewhere
            found = history.elsewhere.progress(execution_id)
            record.completed_nodes, record.failed_nodes = found
        runs = [] if last == 0 else history.runs(record, last=last)
        if last is None:
            edited = read_edited(self.storage, record)
            with_inputs(runs, read_inputs(self.storage, execution_id), edited)
        retries, callback = history.retries(execution_id), history.callback(execution_id)
        return ExecutionView(record, runs, retries=retries, callback=callback)

    async def data(self, payload: Payload) -> JSON:
        """The whole value of a payload, fetched if it is kept elsewhere."""
        found = await self.whole(payload)
        if not isinstance(found, TablePayload):
            return found.data
        return await self._reading.run(lambda: found.data)

    async def whole(self, payload: Payload) -> Payload:
        """The payload with all of its value, fetched if it is kept elsewhere; a table is mapped."""
        blobs, ref = self.storage.blobs, payload.ref
        if payload.whole or ref is None or blobs is None:
            return payload
        found: Payload = await self._reading.run(lambda: fetched(blobs, ref, payload.metadata))
        return found

    def _reopened(self, name: str) -> Columns | None:
        path = self.storage.blobs.local(name) if self.storage.blobs else None
        return open_ipc(path) if path is not None else None

    async def run_node(self, node: Mapping[str, Any], data: JSON = None) -> NodeResult:
        """Run one node by itself; see `caudal_core.engine.single.run_single`."""
        self._check_open()
        env = self.options.environment_alone(new_id(), data)
        return await run_single(node, data, registry=self.registry, runner=self.runner, env=env)

    def alone(self, key: str) -> AbstractAsyncContextManager[None]:
        """Hold a key, which no other server that shares the database can meanwhile."""
        return self.ownership.alone(key) if self.ownership is not None else nullcontext()

    async def read(self, function: Callable[[], Any]) -> Any:
        """Run something that blocks for a moment, such as a look into the store, in a thread."""
        return await self._reading.run(function)

    # -- what happens ----------------------------------------------------------------------------

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(execution, runs)` after each commit, with the runs that it settled.

        There are none where the execution itself changed. Returns what ends the listening.
        """
        self.follower.wake()
        return self._notices.listen(listener)

    @property
    def listened_to(self) -> bool:
        """Whether anybody listens to all executions."""
        return self._notices.heard

    def tell(self, watched: Watched, runs: Sequence[NodeRun]) -> None:
        """Something has happened to an execution of another server."""
        self._notices.tell(watched, runs, None)

    def _told(self, subjects: Sequence[Any]) -> None:
        """The journal has committed what these stand for."""
        changed: dict[Execution, list[NodeRun]] = {}
        for subject in subjects:
            if type(subject) is NodeRun:
                owner = subject.owner
                if owner is None:
                    continue  # its execution has ended
                owner.show(subject)
                if subject.state in SETTLED:
                    self.meters.node(subject)
                if owner in changed:
                    changed[owner].append(subject)
                else:
                    changed[owner] = [subject]
            else:
                self._told_of(subject, changed)
        for execution, runs in changed.items():
            execution.touch()
            self._notices.tell(execution, runs, self.registry.hooks)

    def _told_of(self, subject: Any, changed: dict[Execution, list[NodeRun]]) -> None:
        """What is not a node's run has been committed."""
        if isinstance(subject, Parked):
            changed.setdefault(subject.execution, [])
            self._fall_asleep(subject.execution)
        elif isinstance(subject, Execution) and not subject.lost:
            changed.setdefault(subject, [])
            if subject.closing is None:
                self.meters.accepted += 1
                self._begin(subject)
            else:
                self._ended(subject, subject.closing.state)
        elif isinstance(subject, Notice):
            self.outbox.committed(subject)

    def _ended(self, execution: Execution, state: str) -> None:
        self.meters.ended[state] += 1
        self._shelf.end(execution)
        self._free_turn(execution)

    def _begin(self, execution: Execution) -> None:
        if self._turns.admit(execution):
            self._drive(execution)

    def _drive(self, execution: Execution) -> None:
        if self.closing or self._means is None:
            return
        if execution.record.parent is not None:
            self._shelf.descend(execution.record.parent, execution.id)
        execution.driver = self._keep_task(Drive(execution, self._means).run())

    def _lost(self, lost: Lost) -> None:
        """The journal has left out what is another server's now."""
        self._lose(lost.executions)
        if lost.owner is not None and self.ownership is not None:
            self.ownership.died(lost.owner)

    def _lose(self, ids: Collection[str] | None) -> None:
        """Let go of executions that another server has now; null: of all."""
        for execution_id in list(self._shelf.open) if ids is None else ids:
            execution = self.running(execution_id)
            if execution is None:
                continue
            self._shelf.open.pop(execution_id)
            self._turns.leave(execution)
            execution.lose()
            self.outbox.forget(execution_id)
            self.meters.lease_losses += 1
            text = "the execution %s is another server's now: what it did here since is dropped"
            logging.getLogger(__name__).warning(text, execution_id)
            self._free_turn(execution)
            self.follower.keep(execution)

    def _free_turn(self, execution: Execution) -> None:
        for following in self._turns.ended(execution):
            self._drive(following)

    def _fall_asleep(self, execution: Execution) -> None:
        if execution.dormant:  # else it was taken up again before that was committed
            self._shelf.open.pop(execution.id, None)
            self._dormant.add(execution)
            if not self.storage.exclusive:  # another server may go on with it
                self._free_turn(execution)

    def _made(
        self, record: ExecutionRecord, graph: Graph, inputs: Payload, runs: Sequence[NodeRun]
    ) -> Execution:
        """An execution that had not ended when it left memory."""
        env = self.options.environment(graph.settings, record, inputs.data, self.states.read)
        execution = Execution(graph, record, inputs, env)
        adopt(execution, runs)
        execution.callback = self.outbox.awaited(record.id)
        return execution

    def _resume(self, execution: Execution, found: Found) -> None:
        """Go on with an execution that had not ended."""
        record = execution.record
        if self.ownership is None:  # else it has been claimed already
            record.epoch += 1
            self.journal.write(Statement.CLAIM, (record.epoch, self.storage.owner, record.id))
        adopt_again(execution)
        for timer in restore_waits(execution, found):
            self.journal.write(Statement.WOKEN, (timer.execution, timer.kind, timer.due))
        execution.dormant = False
        self._shelf.open[record.id] = execution
        if (why := stopped_before(execution)) is not None:
            stop(execution, why)
        self._begin(execution)
