"""Keeps one listener for each trigger of the workflows that are kept here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from time import monotonic

from caudal_core.engine import Engine
from caudal_core.errors import NotFound, Unavailable
from caudal_core.journal.statements import Statement
from caudal_core.journal.triggers import StoredState, TriggerStore
from caudal_core.trigger import Clock, Event, WallClock
from caudal_core.triggers.firing import Fired, Firing
from caudal_core.triggers.late import LateStart, LateStarts
from caudal_core.triggers.listener import Listener
from caudal_core.triggers.pauses import Pauses
from caudal_core.triggers.roster import Roster
from caudal_core.triggers.wanted import Place, Wanted
from caudal_core.triggers.watching import (
    TriggerState,
    TriggerView,
    late_one,
    late_start,
    moment_of,
    view_of,
)

LOOK_AGAIN = 5.0
"""Seconds between two looks at what nobody tells of: files, other servers, leases."""

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
        self._late = LateStarts()
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
        with suppress(Unavailable):  # then others have them once the leases have run out
            await self._engine.read(lambda: self._engine.storage.leases.release(held))

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
        return self._late.listen(listener)

    # -- what is listened to ---------------------------------------------------------------------

    async def look(self) -> None:
        """See which triggers there are now, and listen to just those."""
        async with self._looking:
            self._woken.clear()
            store = self._engine.storage.triggers
            if store is None:
                return  # nothing could be recorded
            await self._roster.read()
            await self._pauses.read(store)
            if self.enabled and not self._engine.closing:
                await self._apply(store)
                await self._watch()

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
            if key not in held or ready[key].mark != listener.wanted.mark
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
        """Take or renew the leases; where they run out unrenewed, nobody here listens any more."""
        leases, begun = self._engine.storage.leases, monotonic()
        try:
            held: set[str] = await self._engine.read(lambda: leases.hold(keys))
        except Exception:
            if begun - self._renewed > leases.seconds:
                await self._stop(list(self._listeners))
            raise
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

    def _begin(self, wanted: Wanted, state: StoredState | None) -> None:
        if state is None or state.config != wanted.mark:
            now = self.clock.now().timestamp()
            state = StoredState(wanted.id, wanted.mark, now, None)
            row = (state.trigger, state.config, state.since, state.last)
            self._engine.journal.write(Statement.TRIGGER_STATE, row)
        last = None if state.last is None else moment_of(state.last)
        ctx = wanted.context(self.clock, moment_of(state.since), last)
        listener = Listener(wanted, ctx, self._engine, self.firing, self._took)
        self._listeners[wanted.id] = listener
        listener.start()

    async def _stop(self, keys: Iterable[str]) -> None:
        stopped = [self._listeners.pop(key) for key in keys]
        await asyncio.gather(*(listener.stop() for listener in stopped))

    # -- what is late ----------------------------------------------------------------------------

    async def _watch(self) -> None:
        listeners = list(self._listeners.values())
        found = await self._engine.read(lambda: [late_one(item, self.clock) for item in listeners])
        for late in filter(None, found):
            self._late.tell(late)

    def _took(self, listener: Listener, event: Event, fired: Fired) -> None:
        wanted = listener.wanted
        tolerance = wanted.tolerance
        if tolerance is None or event.planned is None:
            return
        lag = (self.clock.now() - event.planned).total_seconds()
        if lag > tolerance or (fired.skipped and listener.error):
            why = fired.skipped or f"it began {lag:.0f} s late"
            self._late.tell(late_start(wanted, event.planned, fired.execution_id, why))

    # -- what is shown, and asked for --------------------------------------------------------------

    async def views(self, workflow_id: str | None = None) -> Sequence[TriggerView]:
        """How each trigger is, by workflow; those of one workflow where one is named."""
        if self._woken.is_set():
            await self.look()
        async with self._looking:  # one that has begun may be about what was saved just now
            pass
        chosen = [
            wanted
            for wanted in self._roster.wanted.values()
            if workflow_id is None or wanted.workflow.id == workflow_id
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
        for found in await self.views():
            if found.wanted.id == trigger:
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
        """Pause one, those of a workflow, or all; it is on disk when this returns."""
        self._check_open()
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
