"""What a schedule tells of, by a clock that the test sets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.core.clocks import SetClock, utc

from caudal_builtin.schedules.schedule import MOST, Schedule
from caudal_builtin.trigger import TriggerConfig
from caudal_core import Event, TriggerContext

NOON = utc("2026-06-01 12:00")


class Heard:
    """A schedule that is listened to: what it has told of."""

    def __init__(self, clock: SetClock, config: dict[str, Any], last: datetime | None) -> None:
        self.clock = clock
        self.events: list[Event] = []
        self.held = asyncio.Event()
        self.held.set()
        ctx = TriggerContext("w", "t", "Europe/Madrid", NOON, last, clock)
        self._listening = Schedule().listen(TriggerConfig.model_validate(config), ctx)

    async def listen(self) -> None:
        """Take what comes while `held` is set."""
        async for event in self._listening:
            self.events.append(event)
            await self.held.wait()

    async def at(self, moment: datetime) -> list[Event]:
        """What it tells of when the clock is set so, until it sleeps again."""
        count = len(self.events)
        await self.clock.set(moment)
        await self.clock.wait_for_sleeper()
        return self.events[count:]


@asynccontextmanager
async def heard(
    now: datetime = NOON, last: datetime | None = None, **config: Any
) -> AsyncIterator[Heard]:
    """A schedule of every ten minutes unless the config says otherwise, that sleeps."""
    clock = SetClock(now)
    found = Heard(clock, {"scheduleEnabled": True, "scheduleInterval": "10m", **config}, last)
    task = asyncio.create_task(found.listen())
    try:
        await clock.wait_for_sleeper()
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def keys(events: list[Event]) -> list[str | None]:
    """Hours and minutes of the planned times; a skipped one in brackets."""
    return [f"({e.key[11:16]})" if e.skipped else e.key[11:16] for e in events if e.key]


async def test_a_tick_at_each_planned_time() -> None:
    """The first comes one interval after the schedule was switched on; its key is its time."""
    async with heard() as found:
        assert [] == found.events
        (event,) = await found.at(NOON + timedelta(minutes=10))
        assert "2026-06-01T12:10:00Z" == event.key
        assert event.planned is not None
        assert "2026-06-01T14:10:00+02:00" == event.planned.isoformat()
        assert ["12:20"] == keys(await found.at(NOON + timedelta(minutes=20)))


async def test_it_goes_on_behind_the_last_one() -> None:
    """After a restart the next time is counted from the last that was recorded."""
    async with heard(NOON + timedelta(minutes=4), NOON - timedelta(minutes=3)) as found:
        assert ["12:07"] == keys(await found.at(NOON + timedelta(minutes=7)))


async def test_a_short_absence_loses_nothing() -> None:
    """A planned time within its tolerance starts, however short the absence was."""
    async with heard(NOON + timedelta(minutes=10, seconds=45), NOON) as found:
        assert ["12:10"] == keys(found.events)


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("skip", ["(12:30)"]),
        ("once", ["(12:20)", "12:30"]),
        ("all", ["12:10", "12:20", "12:30"]),
    ],
)
async def test_missed_times(policy: str, told: list[str]) -> None:
    """Of times that passed while nobody listened: none starts, or the last one, or each."""
    async with heard(NOON + timedelta(minutes=35), NOON, scheduleCatchUp=policy) as found:
        assert told == keys(found.events)
        assert ["12:40"] == keys(await found.at(NOON + timedelta(minutes=40)))


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("skip", ["(12:20)", "12:30"]),
        ("once", ["(12:20)", "12:30"]),
        ("all", ["12:10", "12:20", "12:30"]),
    ],
)
async def test_missed_times_before_one_that_is_due(policy: str, told: list[str]) -> None:
    """The last of several starts where it is in time; it is the one start for `once` too."""
    async with heard(
        NOON + timedelta(minutes=30, seconds=5), NOON, scheduleCatchUp=policy
    ) as found:
        assert told == keys(found.events)


async def test_caught_up_one_after_the_other() -> None:
    """Missed starts wait for each other where they would be skipped beside a running one."""
    async with heard(NOON + timedelta(minutes=35), NOON, scheduleCatchUp="all") as found:
        assert ["queue"] * 3 == [event.overlap for event in found.events]


async def test_a_machine_that_slept() -> None:
    """Times that passed while the machine slept are missed like those of a restart."""
    async with heard() as found:
        events = await found.at(NOON + timedelta(hours=2, minutes=5))
        assert ["(14:00)"] == keys(events)
        assert "missed: 12 planned times" in str(events[0].skipped)
        assert "2026-06-01T12:10:00Z to 2026-06-01T14:00:00Z" in str(events[0].skipped)


async def test_a_queue_is_late_not_missed() -> None:
    """What came due while the one before was waited for starts after it."""
    async with heard(scheduleOverlap="queue") as found:
        found.held.clear()
        await found.clock.set(NOON + timedelta(minutes=10))
        await asyncio.sleep(0)
        await found.clock.set(NOON + timedelta(minutes=35))
        found.held.set()
        await found.clock.wait_for_sleeper(NOON + timedelta(minutes=40))
        assert ["12:10", "12:20", "12:30"] == keys(found.events)


async def test_too_many_missed_times_are_bounded() -> None:
    """Of a year of missed seconds the last thousand start, and the one that is due."""
    async with heard(
        NOON + timedelta(days=365), NOON, scheduleInterval="1s", scheduleCatchUp="all"
    ) as found:
        assert found.events[0].skipped is not None
        assert MOST + 1 == sum(event.skipped is None for event in found.events)


@pytest.mark.parametrize(
    ("night", "planned"),
    [("2026-10-24 23:00", "2026-10-25 00:30"), ("2026-03-28 23:00", "2026-03-29 01:00")],
    ids=["autumn", "spring"],
)
async def test_half_past_two_at_the_clock_changes(night: str, planned: str) -> None:
    """A job of 2:30 starts once in the night with two of them, and in the one without."""
    async with heard(utc(night), utc(night), cron="30 2 * * *", scheduleType="cron") as found:
        assert utc(planned) == await found.clock.wait_for_sleeper()
        (event,) = await found.at(utc(planned))
        assert event.planned is not None
        assert utc(planned).timestamp() == event.planned.timestamp()
        assert utc(planned) + timedelta(hours=23) < await found.clock.wait_for_sleeper()


def test_a_schedule_that_is_off_is_not_wanted() -> None:
    """Nothing is listened to, whatever else the config says; one that is on must make sense."""
    assert not Schedule().wanted(TriggerConfig.model_validate({"cron": "nonsense"}))
    with pytest.raises(ValueError, match="no cron expression"):
        Schedule().wanted(TriggerConfig.model_validate({"cron": "x", "scheduleEnabled": True}))
