"""The engine: submit, watch, cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from math import inf
from typing import Any, Self

from caudal_core.engine.acceptance import Acceptance
from caudal_core.engine.again import Again
from caudal_core.engine.cancelling import Cancelling
from caudal_core.engine.conductor import Conductor
from caudal_core.engine.execution import Execution, new_id
from caudal_core.engine.graphs import GraphCache
from caudal_core.engine.keeping import Keeper
from caudal_core.engine.library import Library
from caudal_core.engine.lookup import Counted, Lookup
from caudal_core.engine.meters import Meters
from caudal_core.engine.notices import Listener, Notices
from caudal_core.engine.once import Once
from caudal_core.engine.options import EngineOptions
from caudal_core.engine.recovery.recovery import Recovery
from caudal_core.engine.running.budget import LoopBudget
from caudal_core.engine.running.means import Means
from caudal_core.engine.running.single import run_single
from caudal_core.engine.sharing.claims import Claims
from caudal_core.engine.sharing.follow import Follower
from caudal_core.engine.sharing.ownership import Ownership
from caudal_core.engine.shelf import Shelf
from caudal_core.engine.states import States
from caudal_core.engine.storage import MemoryStorage, Storage
from caudal_core.engine.telling.outbox import Outbox
from caudal_core.engine.tidying.retention import Retention
from caudal_core.engine.tidying.room import Room
from caudal_core.engine.versions import Versions
from caudal_core.engine.view import ExecutionView, live_view
from caudal_core.engine.waits.approvals import Approvals
from caudal_core.engine.waits.dormant import Dormant
from caudal_core.engine.watched import Watched
from caudal_core.errors import Conflict, Unavailable
from caudal_core.graph import Graph
from caudal_core.journal import Journal, NodeRun
from caudal_core.journal.crashing import crashing, crashing_put
from caudal_core.journal.journal import Row
from caudal_core.journal.unused import KNOWN_FOR
from caudal_core.journal.waits import Approval
from caudal_core.payload import Payload
from caudal_core.registry import Registry
from caudal_core.runner import EmbeddedRunner, NodeResult, Runner
from caudal_core.runner.pool import ThreadPool
from caudal_core.values import JSON


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
        self.versions = Versions(inf if self.storage.exclusive else KNOWN_FOR)
        self._notices = Notices()
        self._reading = ThreadPool(4, "caudal-read")
        self._graphs = GraphCache(registry, self.read)
        blobs = self.storage.blobs
        put = crashing_put(blobs.put) if blobs else None
        self._lookup = Lookup(self.storage, self._reading)
        self._keeper = Keeper(put, self._reading.run, self._lookup.reopened)
        self._shelf = Shelf(self.options.keep_finished)
        self._acceptance = Acceptance(self, self._keeper, self.versions, self._shelf)
        self._conductor = Conductor(self, self._shelf, self._notices)
        self._recovery = Recovery(self, self._conductor.made, self._conductor.resume)
        self._cancelling = Cancelling(self, self._conductor, self._recovery)
        self.approvals = Approvals(self)
        self.states = States(self)
        self.dormant = Dormant(self, self._recovery, self._conductor.resume)
        self.room = Room(self.storage.free, self.options.disk_reserve, self._reading.run)
        self.retention = Retention(self)
        self.library = Library(self)
        self.follower = Follower(self)
        self.ownership: Ownership | None = None
        self.once = Once(self)
        self.outbox = Outbox(self)
        self.again = Again(self, self._acceptance.check_open)

    # -- its life --------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Open the journal and go on with what had not ended when the last engine stopped."""
        sink = crashing(self.storage.sink())
        self.journal = Journal(sink, self._conductor.told, self.meters.commit, self._conductor.lost)
        await self.journal.open()
        try:
            await self._opened()
        except BaseException:
            await self.close()
            raise

    async def _opened(self) -> None:
        self.storage.opened()
        self._shelf.forever = self.storage.history is None
        self.runner.start()
        servers = self.storage.servers
        if servers is not None:
            self.ownership = Ownership(self, servers, self._recovery, self._conductor.lose)
        self._conductor.means = Means(
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
        self.dormant.alarm.start()
        self.retention.start()

    async def close(self, drain: float = 0.0) -> None:
        """Take nothing new, give what runs `drain` seconds to end, then leave the rest as it is.

        What has not ended stays in the journal; the next engine goes on with it.
        """
        self.closing = True
        await self.dormant.alarm.close()
        if self.ownership is not None:
            await self.ownership.stop()
        self.room.close()
        await self.retention.close()
        if self._conductor.tasks and drain:
            await asyncio.wait(self._conductor.tasks, timeout=drain)
        drives, left = list(self._conductor.tasks), self.unfinished
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
        for execution in (*left, *self.dormant.all()):
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
            self._conductor.keep(self._recovery.again())

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
        await self._acceptance.committed(execution, kept=kept)
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
        return await self._acceptance.prepare(
            workflow,
            inputs,
            workflow_id=workflow_id,
            digest=digest,
            organization=organization,
            labels=labels,
            execution_id=execution_id,
            callback=callback,
            origin=origin,
        )

    def accept(self, execution: Execution, *, held: bool = False) -> None:
        """Write that it is accepted; it runs once that is committed.

        What is written just before or after is in the same transaction. With `held` it does not
        run before `begin` is called.
        """
        self._acceptance.accept(execution, held=held)

    def begin(self, execution: Execution) -> None:
        """Let one run that was accepted, which is committed."""
        self._conductor.told([execution])

    def withdraw(self, execution: Execution) -> None:
        """Forget one that was not accepted after all."""
        self._acceptance.withdraw(execution)

    async def measured(self, inputs: Mapping[str, Any] | None) -> Payload:
        """The inputs, measured, in a thread where there is much to measure, and kept if large."""
        return await self._acceptance.measured(inputs)

    async def cancel(self, execution_id: str) -> tuple[bool, str]:
        """Cancel an execution: whether that was still possible, and the status it had.

        That it is cancelled is on disk when this returns; it ends within two seconds.
        """
        return await self._cancelling.cancel(execution_id)

    def cancel_here(self, execution_id: str) -> None:
        """End one that runs here, as that is written."""
        self._conductor.cancel(execution_id)

    async def take_up(self, execution_id: str) -> None:
        """Go on with an execution that waits, as there is news for it."""
        await self.dormant.take_up(execution_id)

    async def watch(self, execution_id: str) -> Watched | None:
        """The execution, to be watched as long as it is held, if it has not ended long ago."""
        live = self.live(execution_id)
        if live is not None:
            return live
        if self.storage.exclusive:
            return await self.dormant.watch(execution_id)
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
            self.tell_answer(approval)
            await self.take_up(approval.execution)

    def tell_answer(self, approval: Approval) -> None:
        """Tell the node, if its execution is in memory, what is written already."""
        execution = self.live(approval.execution)
        if execution is None:
            return
        for waiting in execution.waiting.values():
            if waiting.approval_id == approval.id and waiting.reply is None:
                waiting.decide(approval)
                execution.tell()

    async def erase(self, execution_id: str) -> None:
        """Delete an execution that has ended, with all that is kept of it.

        Raises `NotFound`, `Conflict` while it has not ended, `Unavailable` where the disk does not
        take it. Its large values are deleted later, once nothing names them.
        """
        if not self.started or self.closing or self.journal.fault is not None:
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
        return self._shelf.find(execution_id) or self.dormant.find(execution_id)

    @property
    def started(self) -> bool:
        """Whether it has been started."""
        return self._conductor.means is not None

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
        return [*self._shelf.all(), *self.dormant.all()]

    async def counted(self) -> Counted:
        """By state how many executions have not ended, and when the oldest was accepted."""
        return await self._lookup.counted(self.unfinished)

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
        return await self._lookup.view(execution_id, self._recovery, last=last)

    async def data(self, payload: Payload) -> JSON:
        """The whole value of a payload, fetched if it is kept elsewhere."""
        return await self._lookup.data(payload)

    async def whole(self, payload: Payload) -> Payload:
        """The payload with all of its value, fetched if it is kept elsewhere; a table is mapped."""
        return await self._lookup.whole(payload)

    async def run_node(self, node: Mapping[str, Any], data: JSON = None) -> NodeResult:
        """Run one node by itself; see `caudal_core.engine.running.single.run_single`."""
        self._acceptance.check_open()
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
