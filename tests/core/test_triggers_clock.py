"""Triggers and the clock of the machine: set back, set forward, and asleep."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.core.clocks import SetClock
from tests.core.engines import Gate
from tests.core.listening import NOON, Listening, listening

from caudal_builtin.schedules.schedule import Schedule
from caudal_builtin.trigger import trigger
from caudal_core import Handler
from caudal_core.journal.triggers import StoredEvent

pytestmark = pytest.mark.usefixtures("both")


def scheduled(**config: Any) -> dict[str, Any]:
    """A workflow with a schedule of every ten minutes, unless the config says otherwise."""
    every = {"scheduleEnabled": True, "cron": "*/10 * * * *", "scheduleOverlap": "parallel"}
    node = {"id": "in", "type": "trigger", "config": every | config}
    return {"name": "S", "nodes": [node]}


def schedules(folder: Path, *handlers: Handler, **more: Any) -> Any:
    """A service with schedules."""
    return listening(folder, Schedule(), handlers=[trigger, *handlers], **more)


async def keys(found: Listening, count: int) -> list[str]:
    """Hours and minutes of its ticks, oldest first; a skipped one in brackets."""
    events = await found.events(count)
    return [f"({e.key[11:16]})" if e.skipped else e.key[11:16] for e in by_plan(events)]


def by_plan(events: list[StoredEvent]) -> list[StoredEvent]:
    """In the order of their planned times."""
    return sorted(events, key=lambda event: event.planned or 0)


async def tick_until(found: Listening, moment: datetime) -> None:
    """Set the clock and look, as the service does every five seconds."""
    await found.clock.set(moment)
    await found.service.look()
    await asyncio.sleep(0)


@pytest.mark.parametrize("again", [False, True], ids=["while it listens", "before a restart"])
async def test_a_clock_that_was_far_ahead(tmp_path: Path, *, again: bool) -> None:
    """A machine that began in a wrong year is not silent until that year comes."""
    wrong = NOON.replace(year=2040)
    async with schedules(tmp_path) as found:
        await found.clock.set(wrong)
        await found.save(scheduled())
        await found.clock.wait_for_sleeper()
        await tick_until(found, wrong + timedelta(minutes=10))
        await found.execution((await found.events(1))[0])
        if not again:
            await tick_until(found, NOON)
            await tick_until(found, NOON + timedelta(minutes=10))
            assert ["12:10", "12:10"] == await keys(found, 2)
            assert found.late == []
    if again:
        async with schedules(tmp_path) as found:
            await found.service.views()
            await found.clock.wait_for_sleeper()
            await tick_until(found, NOON + timedelta(minutes=10))
            assert ["12:10", "12:10"] == await keys(found, 2)


async def test_a_clock_that_is_set_back_an_hour(tmp_path: Path) -> None:
    """What was started is not started again; what comes after it is."""
    async with schedules(tmp_path) as found:
        await found.save(scheduled())
        await found.clock.wait_for_sleeper()
        for minutes in (10, 20):
            await tick_until(found, NOON + timedelta(minutes=minutes))
            await found.events(minutes // 10)
        await tick_until(found, NOON + timedelta(minutes=-35))
        for minutes in (-30, 10, 20, 30):
            await found.clock.wait_for_sleeper()
            await tick_until(found, NOON + timedelta(minutes=minutes))
        assert ["11:30", "12:10", "12:20", "12:30"] == [
            key for key in await keys(found, 5) if not key.startswith("(")
        ]


async def test_a_clock_that_is_set_forward_an_hour(tmp_path: Path) -> None:
    """What was planned in the hour that never was is missed, in one row, and told."""
    async with schedules(tmp_path) as found:
        await found.save(scheduled())
        await found.clock.wait_for_sleeper()
        await tick_until(found, NOON + timedelta(minutes=65))
        assert ["(13:00)"] == await keys(found, 1)
        await found.clock.wait_for_sleeper()
        assert "missed: 6 planned times" in found.late[-1].why


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("skip", ["12:10", "(12:30)", "12:40"]),
        ("once", ["12:10", "(12:20)", "12:30", "12:40"]),
        ("all", ["12:10", "12:20", "12:30", "12:40"]),
    ],
)
async def test_what_waits_for_its_turn_over_a_restart(
    tmp_path: Path, policy: str, told: list[str]
) -> None:
    """Each planned time has started once or is in a row that says it was missed; none is lost."""
    workflow = scheduled(scheduleOverlap="queue", scheduleCatchUp=policy)
    workflow["nodes"].append({"id": "h", "type": "held"})
    workflow["connections"] = [{"fromNodeId": "in", "toNodeId": "h"}]
    clock, gate = SetClock(NOON), Gate()
    async with schedules(tmp_path, gate.handler, clock=clock) as found:
        await found.save(workflow)
        await clock.tick()
        await gate.entered.wait()
        await clock.tick()
        await clock.set(NOON + timedelta(minutes=35))
        await asyncio.sleep(0.05)
        assert ["12:10"] == await keys(found, 1)
    gate = Gate()
    gate.open.set()
    async with schedules(tmp_path, gate.handler, clock=clock) as found:
        await found.service.views()
        await clock.wait_for_sleeper(NOON + timedelta(minutes=40))
        await clock.set(NOON + timedelta(minutes=40))
        assert told == await keys(found, len(told))
        for event in await found.events(len(told)):
            if event.execution is not None:
                await until_ended(found, event.execution)


async def until_ended(found: Listening, execution: str) -> None:
    """Return once it has completed, in memory or not."""
    async with asyncio.timeout(30):
        while True:
            record = (await found.engine.view(execution, last=0)).record
            if record.state == "completed":
                return
            await asyncio.sleep(0.01)
