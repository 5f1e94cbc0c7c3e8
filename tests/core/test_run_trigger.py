"""Listening with one trigger in a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.core.clocks import utc

from caudal_core import Config, Event, Field, Trigger, TriggerContext
from caudal_core.testing import run_trigger

NOON = utc("2026-06-01 12:00")


class BeatConfig(Config):
    """Seconds between two beats; none is no trigger."""

    every: float = Field(60.0)


class Beat(Trigger[BeatConfig]):
    """Tells of each beat by its moment, and notes what became of it."""

    name = "beat"
    config = BeatConfig

    def __init__(self) -> None:
        self.recorded: list[str | None] = []
        self.closed = False

    def wanted(self, config: BeatConfig) -> bool:
        """Whether it beats at all."""
        return config.every > 0

    async def listen(self, config: BeatConfig, ctx: TriggerContext) -> AsyncIterator[Event]:
        """One after the other."""
        try:
            while True:
                await ctx.sleep(config.every)
                event = Event(key=ctx.now().isoformat())
                yield event
                self.recorded.append(event.key)
        finally:
            self.closed = True


def test_the_clock_lets_no_time_pass_in_vain() -> None:
    """An hour of beats is there at once, each at its moment, and what was open is closed."""
    beat = Beat()
    events = run_trigger(beat, {"every": "600"}, now=NOON)
    assert [(NOON + timedelta(minutes=10 * n)).isoformat() for n in range(1, 7)] == [
        event.key for event in events
    ]
    assert [event.key for event in events] == beat.recorded
    assert beat.closed


def test_no_more_than_was_asked_for() -> None:
    """It ends with the last event, which nobody has acknowledged by then."""
    beat = Beat()
    assert 2 == len(run_trigger(beat, most=2))
    assert 1 == len(beat.recorded)
    assert beat.closed


def test_one_that_is_not_wanted_is_not_listened_to() -> None:
    """As the engine does."""
    beat = Beat()
    assert [] == run_trigger(beat, {"every": 0})
    assert not beat.closed


async def test_it_runs_within_an_event_loop_too() -> None:
    """The loop of an asynchronous test waits meanwhile."""
    assert 60 == len(run_trigger(Beat()))


def test_what_it_raises_is_raised() -> None:
    """What goes wrong in it is the test's to see."""

    class Broken(Trigger[Config]):
        name = "broken"

        async def listen(self, config: Config, ctx: TriggerContext) -> AsyncIterator[Event]:  # noqa: ARG002
            """Fail after the first event."""
            yield Event(key="1")
            raise OSError(ctx.timezone)

    with pytest.raises(OSError, match="Europe/Madrid"):
        run_trigger(Broken(), timezone="Europe/Madrid")


def test_who_waits_for_ever_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before that is given."""
    monkeypatch.setattr("caudal_core.testing.triggers.PATIENCE", 0.05)

    class Silent(Trigger[Config]):
        name = "silent"

        async def listen(self, config: Config, ctx: TriggerContext) -> AsyncIterator[Event]:  # noqa: ARG002
            """Wait for what never comes."""
            yield Event(key="1")
            await asyncio.Event().wait()

    assert ["1"] == [event.key for event in run_trigger(Silent())]
