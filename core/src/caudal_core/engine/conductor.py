"""Lets executions begin, go on, wait and end, as the journal tells what is committed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine, Sequence
from time import time
from typing import TYPE_CHECKING, Any

from caudal_core.engine.execution import Execution
from caudal_core.engine.notices import Notices
from caudal_core.engine.recovery.resume import adopt, adopt_again, stopped_before
from caudal_core.engine.running.drive import Drive
from caudal_core.engine.running.means import Means
from caudal_core.engine.running.recorder import Parked
from caudal_core.engine.running.stopping import stop
from caudal_core.engine.shelf import Shelf
from caudal_core.engine.states import Kept
from caudal_core.engine.turns import Turns
from caudal_core.engine.waits.waiting import Found, deadline, restore_waits
from caudal_core.graph import Graph
from caudal_core.journal import SETTLED, ExecutionRecord, NodeRun
from caudal_core.journal.journal import Lost
from caudal_core.journal.notice import Notice
from caudal_core.journal.statements import Statement
from caudal_core.payload import Payload

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine
    from caudal_core.engine.waits.dormant import Dormant

Tasks = set[asyncio.Task[None]]


class Conductor:
    """`tasks` are under way; `means` are null until the engine has been started."""

    def __init__(self, engine: Engine, shelf: Shelf, notices: Notices) -> None:
        self.means: Means | None = None
        self.tasks: Tasks = set()
        self.turns = Turns()
        self._engine = engine
        self._shelf = shelf
        self._notices = notices

    def keep(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it as a task that the engine ends when it closes."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    # -- what is committed -----------------------------------------------------------------------

    def told(self, subjects: Sequence[Any]) -> None:
        """The journal has committed what these stand for."""
        engine = self._engine
        changed: dict[Execution, list[NodeRun]] = {}
        for subject in subjects:
            if type(subject) is NodeRun:
                owner = subject.owner
                if owner is None:
                    continue  # its execution has ended
                owner.show(subject)
                if subject.state in SETTLED:
                    engine.meters.node(subject)
                if owner in changed:
                    changed[owner].append(subject)
                else:
                    changed[owner] = [subject]
            else:
                self._told_of(subject, changed)
        hooks = engine.registry.hooks
        for execution, runs in changed.items():
            execution.touch()
            self._notices.tell(execution, runs, hooks)

    def _told_of(self, subject: Any, changed: dict[Execution, list[NodeRun]]) -> None:
        """What is not a node's run has been committed."""
        if isinstance(subject, Parked):
            changed.setdefault(subject.execution, [])
            self._fall_asleep(subject.execution)
        elif isinstance(subject, Execution) and not subject.lost:
            changed.setdefault(subject, [])
            if subject.closing is None:
                self._engine.meters.accepted += 1
                self._begin(subject)
            else:
                self._ended(subject, subject.closing.state)
        elif isinstance(subject, Notice):
            self._engine.outbox.committed(subject)
        elif isinstance(subject, Kept):
            self._engine.states.committed(subject)

    def _begin(self, execution: Execution) -> bool:
        """Let it run when it is its turn; whether it is."""
        if self.turns.admit(execution):
            self._drive(execution)
            return True
        if (moment := deadline(execution)) is not None:  # it had begun, and went on waiting
            loop = asyncio.get_running_loop()
            loop.call_later(max(0.0, moment - time()), self._overdue, execution.id)
        return False

    def _overdue(self, execution_id: str) -> None:
        """The time of one that waits for its turn is over."""
        execution = self._engine.running(execution_id)
        if execution is not None and self.turns.leave(execution):
            stop(execution, "timeout")
            self._drive(execution)

    def _drive(self, execution: Execution) -> None:
        if self._engine.closing or self.means is None:
            return
        if execution.record.parent is not None:
            self._shelf.descend(execution.record.parent, execution.id)
        execution.driver = self.keep(Drive(execution, self.means).run())

    def _ended(self, execution: Execution, state: str) -> None:
        self._engine.meters.ended[state] += 1
        self._shelf.end(execution)
        self._free_turn(execution)

    def _free_turn(self, execution: Execution) -> None:
        for following in self.turns.ended(execution):
            self._drive(following)

    def cancel(self, execution_id: str) -> None:
        """End one that runs here, as that is written."""
        execution = self._engine.running(execution_id)
        if execution is None or execution.record.cancel_requested is not None:
            return
        execution.record.cancel_requested = time()
        self.end(execution)

    def end(self, execution: Execution) -> None:
        """End one that is cancelled, also where it waits for its turn."""
        stop(execution, "cancel")
        if self.turns.leave(execution):
            self._drive(execution)

    # -- what waits ------------------------------------------------------------------------------

    def _fall_asleep(self, execution: Execution) -> None:
        if execution.dormant:  # else it was taken up again before that was committed
            self._shelf.open.pop(execution.id, None)
            self._dormant.add(execution)
            self._free_turn(execution)

    @property
    def _dormant(self) -> Dormant:
        return self._engine.dormant

    def made(
        self, record: ExecutionRecord, graph: Graph, inputs: Payload, runs: Sequence[NodeRun]
    ) -> Execution:
        """An execution that had not ended when it left memory."""
        engine = self._engine
        env = engine.options.environment(graph.settings, record, inputs.data, engine.states.read)
        execution = Execution(graph, record, inputs, env)
        adopt(execution, runs)
        execution.callback = engine.outbox.awaited(record.id)
        return execution

    def resume(self, execution: Execution, found: Found) -> None:
        """Go on with an execution that had not ended."""
        record, engine = execution.record, self._engine
        if engine.ownership is None:  # else it has been claimed already
            record.epoch += 1
            engine.journal.write(Statement.CLAIM, (record.epoch, engine.storage.owner, record.id))
        adopt_again(execution)
        for timer in restore_waits(execution, found):
            engine.journal.write(Statement.WOKEN, (timer.execution, timer.kind, timer.due))
        execution.dormant = False
        self._shelf.open[record.id] = execution
        if (why := stopped_before(execution)) is not None:
            stop(execution, why)
        runs = self._begin(execution)
        if record.state == "waiting":  # no more; a restart must know, as what woke it is deleted
            record.state = "running" if runs else "pending"
            engine.journal.write(Statement.START, (record.state, record.started, record.id))

    # -- what is lost to other servers -----------------------------------------------------------

    def lost(self, lost: Lost) -> None:
        """The journal has left out what is another server's now."""
        self.lose(lost.executions)
        if lost.owner is not None and self._engine.ownership is not None:
            self._engine.ownership.died(lost.owner)

    def lose(self, ids: Collection[str] | None) -> None:
        """Let go of executions that another server has now; null: of all."""
        engine = self._engine
        for execution_id in list(self._shelf.open) if ids is None else ids:
            execution = engine.running(execution_id)
            if execution is None:
                continue
            self._shelf.open.pop(execution_id)
            self.turns.leave(execution)
            execution.lose()
            engine.outbox.forget(execution_id)
            engine.meters.lease_losses += 1
            text = "the execution %s is another server's now: what it did here since is dropped"
            logging.getLogger(__name__).warning(text, execution_id)
            self._free_turn(execution)
            engine.follower.keep(execution)
