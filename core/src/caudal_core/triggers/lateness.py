"""How late starts are: told where it is too much, and counted."""

from __future__ import annotations

from collections.abc import Iterable

from caudal_core.engine import Engine
from caudal_core.trigger import Clock, Event
from caudal_core.triggers.firing import Fired
from caudal_core.triggers.late import LateStarts
from caudal_core.triggers.listener import Listener
from caudal_core.triggers.watching import late_one, late_start, overdue


class Lateness:
    """Looks at listeners; `starts` tells whoever wants to know of those that are too late."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.starts = LateStarts()
        self._engine = engine
        self._clock = clock

    async def watch(self, listeners: Iterable[Listener]) -> None:
        """Tell of planned times that should have started by now and have not."""
        listed = list(listeners)
        found = await self._engine.read(lambda: [late_one(item, self._clock) for item in listed])
        for late in filter(None, found):
            self.starts.tell(late)

    async def overdue(self, listeners: Iterable[Listener]) -> float:
        """How many seconds ago the earliest planned time was that has not been told of; or 0."""
        listed = list(listeners)
        found: float = await self._engine.read(
            lambda: max((overdue(item, self._clock) for item in listed), default=0.0)
        )
        return found

    def took(self, listener: Listener, event: Event, fired: Fired) -> None:
        """An event was recorded: count how late it began, and tell of it where that is too late."""
        if event.planned is None:
            return
        lag = (self._clock.now() - event.planned).total_seconds()
        if fired.execution_id is not None and not fired.repeated:
            self._engine.meters.schedule_lag.add(max(0.0, lag))
        wanted = listener.wanted
        if wanted.tolerance is None:
            return
        if lag > wanted.tolerance or (fired.skipped and listener.error):
            why = fired.skipped or f"it began {lag:.0f} s late"
            self.starts.tell(late_start(wanted, event.planned, fired.execution_id, why))
