"""A service whose schedules go by a clock that the test sets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.core.clocks import SetClock, utc
from tests.server.serving import HANDLERS, Service, flow, node, service

from caudal_builtin.trigger import trigger

NOON = utc("2026-06-01 12:00")


NIGHTLY = {"scheduleEnabled": True, "cron": "30 2 * * *", "timezone": "Europe/Madrid"}


def nightly(**config: Any) -> dict[str, Any]:
    """A workflow that starts each night."""
    return flow(node("start", "trigger", **{**NIGHTLY, **config}), node("out", "output"), name="N")


def with_schedules(folder: Path, test: Any, **settings: Any) -> None:
    """Run a test against a service whose schedules go by a clock that the test sets."""

    async def run() -> None:
        clock = SetClock(NOON)
        async with service(folder, trigger, *HANDLERS, clock=clock, **settings) as found:
            await test(found, clock)

    asyncio.run(run())


async def save(found: Service, workflow: Any, workflow_id: str = "n") -> Any:
    """Save a workflow; its schedules."""
    answer = await found.http.put(f"/api/workflows/{workflow_id}", json=workflow)
    assert answer.is_success, answer.text
    return (await found.get(f"/api/schedules?workflowId={workflow_id}"))["schedules"]


async def ticks(found: Service, schedule: str, count: int) -> Any:
    """The ticks of a schedule, once there are so many."""
    while True:
        shown = (await found.get(f"/api/schedules/{schedule}/ticks"))["ticks"]
        if len(shown) >= count:
            return shown
        await asyncio.sleep(0.005)
