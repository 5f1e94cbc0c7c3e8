"""A clock that a test sets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


def utc(text: str) -> datetime:
    """A moment in UTC: `2026-10-25 00:30` or with seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class SetClock:
    """Stands still until it is set; sleepers wake in the order of their moments."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []
        self._asleep = asyncio.Event()

    def now(self) -> datetime:
        """The moment at which it stands."""
        return self._now

    async def sleep_until(self, moment: datetime) -> None:
        """Wait until it is set to that moment or a later one."""
        if moment <= self._now:
            return
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((moment, future))
        self._asleep.set()
        await future

    async def wait_for_sleeper(self, moment: datetime | None = None) -> datetime:
        """Return when somebody sleeps (until this moment, if one is given); until when."""
        while True:
            waiting = sorted(until for until, future in self._sleepers if not future.done())
            if waiting and (moment is None or moment in waiting):
                return moment or waiting[0]
            self._asleep.clear()
            await self._asleep.wait()

    async def set(self, to: datetime) -> None:
        """Go to a moment at once, past all between, as a machine does that was asleep."""
        self._now = to
        due = sorted((pair for pair in self._sleepers if pair[0] <= to), key=lambda pair: pair[0])
        for pair in due:
            self._sleepers.remove(pair)
            if not pair[1].done():
                pair[1].set_result(None)
        await asyncio.sleep(0)

    async def tick(self) -> datetime:
        """Go to the moment that the first sleeper waits for."""
        moment = await self.wait_for_sleeper()
        await self.set(moment)
        return moment

    async def forward(self, **span: float) -> None:
        """Go forward at once by so much."""
        await self.set(self._now + timedelta(**span))
