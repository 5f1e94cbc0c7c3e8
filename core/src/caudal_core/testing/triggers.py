"""Listen with one trigger as the engine would, in one line of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from caudal_core.testing.handlers import waited_for
from caudal_core.trigger import Event, Trigger, TriggerContext

START = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE = 5.0
"""Seconds for what a trigger waits for beside the clock, such as a connection."""


class _Over(Exception):
    """The time of a test is over."""


class _FastClock:
    """Goes to the moment that is slept until, at once; past `end` it ends the listening."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self._now = start
        self._end = end

    def now(self) -> datetime:
        """The moment at which it stands."""
        return self._now

    async def sleep_until(self, moment: datetime) -> None:
        """Be there; others get their turn."""
        if moment > self._end:
            raise _Over
        self._now = max(self._now, moment)
        await asyncio.sleep(0)


def run_trigger(
    trigger: Trigger[Any],
    config: Mapping[str, Any] | None = None,
    *,
    most: int = 100,
    seconds: float = 3_600,
    now: datetime = START,
    timezone: str = "UTC",
    last: datetime | None = None,
) -> list[Event]:
    """What `trigger` tells of in its first `seconds`, `most` events at most; raises what it raises.

    `config` is as a workflow stores it. The clock of its context begins at `now`, and what sleeps
    by it wakes at once; what it waits for in another way gets 5 s in all. Each event is taken for
    recorded when the next one is asked for, as the engine does.
    """
    read = trigger.config.model_validate(dict(config or {}))
    clock = _FastClock(now, now + timedelta(seconds=seconds))
    ctx = TriggerContext("workflow", "node", timezone, since=now, last=last, clock=clock)
    found: list[Event] = []

    async def listen() -> None:
        with suppress(_Over, TimeoutError):
            async with asyncio.timeout(PATIENCE), aclosing(trigger.listen(read, ctx)) as events:  # type: ignore[type-var]
                async for event in events:
                    found.append(event)
                    if len(found) == most:
                        return

    if trigger.wanted(read):
        waited_for(listen)
    return found
