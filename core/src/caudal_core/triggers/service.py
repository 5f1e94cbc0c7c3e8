"""Keeps one listener for each trigger of the workflows that are kept here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from time import monotonic

from caudal_core.engine import Engine
from caudal_core.errors import NotFound, Unavailable
from caudal_core.journal.statements import Statement
from caudal_core.journal.triggers import StoredState, TriggerStore
from caudal_core.trigger import Clock, WallClock
from caudal_core.triggers.firing import Firing
from caudal_core.triggers.late import LateStart
from caudal_core.triggers.lateness import Lateness
from caudal_core.triggers.listener import Listener
from caudal_core.triggers.pauses import Pauses
from caudal_core.triggers.roster import Roster
from caudal_core.triggers.wanted import Place, Wanted
from caudal_core.triggers.watching import (
    TriggerState,
    TriggerView,
    moment_of,
    view_of,
)

LOOK_AGAIN = 5.0
"""Seconds between two looks at what nobody tells of: files, other servers, leases."""

SET_BACK = 60.0
"""Seconds by which the clock must have been set back for planned times to begin anew."""

_log = logging.getLogger(__name__)


class TriggerService:
    """Listens while it is started; `enabled=False` shows triggers and listens to none.

    ::

        triggers = TriggerService(engine, place)
        await triggers.start()   # the engine has been started
        ...
        await triggers.close()   # before the engine
    """

    def __init__(
        self, engine: Engine, place: Place, *, clock: Clock | None = None, enabled: bool = True
    ) -> None:
        self.enabled = enabled
        self.clock: Clock = clock or WallClock()
        self.firing = Firing(engine, self.clock)
        self._engine = engine
        self._roster = Roster(engine, place)
        self._lateness = Lateness(engine, self.clock)
        self._pauses = Pauses(engine, self.clock)
        self._held: set[str] = set()
        self._listeners: dict[str, Listener] = {}
        self._renewed = monotonic()
        self._looking = asyncio.Lock()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unlisten: Callable[[], None] = lambda: None

    # -- its life --------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to listen; what is saved, changed or deleted from now on is heeded at once."""
        self._unlisten = self._engine.library.listen(lambda _: self.wake())
        self.wake()
        self._task = asyncio.create_task(self._work(), name="triggers")

    def wake(self) -> None:
        """Look at once which triggers there are: workflows or plugins have changed."""
        self._woken.set()

    async def close(self) -> None:
        """Stop listening. What was recorded stays, and the next one goes on behind it."""
        self._unlisten()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._stop(list(self._listeners))
        await self.firing.close()
        held = set(self._held)
        try:
            await self._engine.read(lambda: self._engine.storage.leases.release(held))
        except Exception:  # noqa: BLE001 - whoever closes this has more to close
            _log.warning("the leases of triggers could not be given back; they run out")

    async def _work(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_AGAIN):
                    await self._woken.wait()
            except TimeoutError:
                pass
            try:
                await self.look()
            except Unavailable as error:
                _log.warning("the triggers could not be looked after: %s", error.text())
            except Exception:  # noqa: BLE001 - whatever it is, the next look may go well
                _log.exception("the triggers could not be looked after; they are again soon")

    def listen(self, listener: Callable[[LateStart], None]) -> Callable[[], None]:
        """Call `listener` for each start that was not in its tolerance; returns what ends that."""
        return self._lateness.starts.listen(listener)

    # -- what is listened to ---------------------------------------------------------------------

    async def look(self) -> None:
        """See which triggers there are now, and listen to just those."""
        async with self._looking:
            self._woken.clear()
            store = self._engine.storage.triggers
            if store is None:
                return  # nothing could be recorded
            try:
                await self._look(store)
            except Exception:
                if not self._holds():
                    await self._stop(list(self._listeners))
                raise

    async def _look(self, store: TriggerStore) -> None:
        await self._roster.read()
        await self._pauses.read(store)
        if self.enabled and not self._engine.closing:
            await self._apply(store)
            await self._lateness.watch(self._listeners.values())

    def _holds(self) -> bool:
        """Whether the leases are good that were renewed last."""
        return monotonic() - self._renewed < self._engine.storage.leases.seconds

    async def _apply(self, store: TriggerStore) -> None:
        ready = {
            key: wanted
            for key, wanted in self._roster.wanted.items()
            if wanted.problem is None and not self._pauses.of(wanted)
        }
        leases = self._engine.storage.leases
        held = await self._hold(set(ready))
        left = {
            key
            for key, listener in self._listeners.items()
            if key not in held
            or ready[key].mark != listener.wanted.mark
            or self._ahead(listener.reached)
        }
        await self._stop(left)
        states = await self._engine.read(store.states)
        self._forget(states, set(ready), had=self._held | left)
        if gone := self._held - held - set(ready):
            await self._engine.read(lambda: leases.release(gone))
        self._held = held
        for key in held:
            if key in self._listeners:
                self._listeners[key].wanted = ready[key]
            else:
                self._begin(ready[key], states.get(key))

    async def _hold(self, keys: set[str]) -> set[str]:
        """Take or renew the leases."""
        leases, begun = self._engine.storage.leases, monotonic()
        held: set[str] = await self._engine.read(lambda: leases.hold(keys))
        self._renewed = begun
        return held

    def _forget(
        self, states: Mapping[str, StoredState], ready: set[str], had: Iterable[str]
    ) -> None:
        """What is not listened to any more has nothing to catch up with when it is again."""
        mine = set(states) if self._engine.storage.leases.alone else set(had)
        now = self.clock.now().timestamp()
        for key, state in states.items():
            if key in mine - ready and state.config:
                self._engine.journal.write(Statement.TRIGGER_STATE, (key, "", now, None))

    def _ahead(self, reached: datetime) -> bool:
        """Whether the clock has been set back behind what a trigger has reached.

        It begins anew then, or it would be silent until the clock is there again. Of what was
        planned and is planned again nothing starts twice, by its key.
        """
        return (reached - self.clock.now()).total_seconds() > SET_BACK

    def _begin(self, wanted: Wanted, state: StoredState | None) -> None:
        reached = None if state is None else moment_of(state.last or state.since)
        if reached is not None and self._ahead(reached):
            _log.warning("the clock was set back: %s begins anew", wanted.id)
            self._lateness.starts.forget(wanted.id)
            state = None
        if state is None or state.config != wanted.mark:
            now = self.clock.now().timestamp()
            state = StoredState(wanted.id, wanted.mark, now, None)
            row = (state.trigger, state.config, state.since, state.last)
            self._engine.journal.write(Statement.TRIGGER_STATE, row)
        last = None if state.last is None else moment_of(state.last)
        ctx = wanted.context(self.clock, moment_of(state.since), last)
        listener = Listener(
            wanted, ctx, self._engine, self.firing, self._lateness.took, holds=self._holds
        )
        self._listeners[wanted.id] = listener
        listener.start()

    async def _stop(self, keys: Iterable[str]) -> None:
        stopped = {key: self._listeners[key] for key in keys}
        await asyncio.gather(*(listener.stop() for listener in stopped.values()))
        for key in stopped:  # cut off before this, it is stopped again when all are
            self._listeners.pop(key, None)

    # -- what is late ----------------------------------------------------------------------------

    async def overdue(self) -> float:
        """How many seconds ago the earliest planned time was that has not begun here; or 0."""
        return await self._lateness.overdue(self._listeners.values())

    # -- what is shown, and asked for --------------------------------------------------------------

    async def views(
        self, workflow_id: str | None = None, trigger: str | None = None
    ) -> Sequence[TriggerView]:
        """How each trigger is, by workflow; those of one workflow, or the one that is named."""
        if self._woken.is_set():
            await self.look()
        async with self._looking:  # one that has begun may be about what was saved just now
            pass
        chosen = [
            wanted
            for wanted in self._roster.wanted.values()
            if workflow_id in (None, wanted.workflow.id) and trigger in (None, wanted.id)
        ]
        store, now = self._engine.storage.triggers, self.clock.now()

        def made() -> list[TriggerView]:
            last = store.latest([wanted.id for wanted in chosen]) if store else {}
            states = store.states() if store else {}
            return [
                view_of(
                    wanted,
                    self._listeners.get(wanted.id),
                    states.get(wanted.id),
                    state=self._state(wanted),
                    paused_by=self._pauses.of(wanted),
                    now=now,
                    last=last.get(wanted.id),
                )
                for wanted in chosen
            ]

        found: Sequence[TriggerView] = await self._engine.read(made)
        return found

    async def view(self, trigger: str) -> TriggerView:
        """How one trigger is; `NotFound`."""
        for found in await self.views(trigger=trigger):
            return found
        raise NotFound(kind="Schedule", id=trigger)

    def _state(self, wanted: Wanted) -> TriggerState:
        if not self.enabled:
            return "off"
        if self._pauses.of(wanted):
            return "paused"
        if wanted.problem is not None:
            return "broken"
        return "listening" if wanted.id in self._listeners else "elsewhere"

    async def pause(self, *, trigger: str | None = None, workflow_id: str | None = None) -> None:
        """Pause one, those of a workflow, or all; it is on disk when this returns.

        `NotFound` where there is no such workflow.
        """
        self._check_open()
        if self._woken.is_set():
            await self.look()
        if workflow_id is not None and not self._roster.knows(workflow_id):
            raise NotFound(kind="Workflow", id=workflow_id)
        await self._pauses.add(trigger, workflow_id)
        await self.look()

    async def resume(self, *, trigger: str | None = None, workflow_id: str | None = None) -> None:
        """Take back a pause of the same scope. What was planned meanwhile is not caught up with."""
        self._check_open()
        await self._pauses.remove(trigger, workflow_id)
        await self.look()

    def _check_open(self) -> None:
        if self._engine.storage.triggers is None:
            raise Unavailable(message="nothing is kept on disk, so nothing can be paused")
        if self._engine.closing:
            raise Unavailable(message="the engine is stopping")
