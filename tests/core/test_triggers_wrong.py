"""Triggers that fail, are late, or make no sense: shown, tried again, harming no other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import Gate
from tests.core.listening import HELD, NOON, Tap, TapConfig, listening, tapped

from caudal_core import Event, TriggerContext
from caudal_core.values import to_wire

pytestmark = pytest.mark.usefixtures("both")


class Planned(Tap):
    """A tap that is planned for each minute and must begin in one."""

    def tolerance(self, config: TapConfig) -> float:  # noqa: ARG002 - the same for all
        """A minute."""
        return 60

    def planned(self, config: TapConfig, ctx: TriggerContext) -> Iterator[datetime]:  # noqa: ARG002
        """The next minute."""
        yield ctx.now() + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (RuntimeError("the line is dead"), "RuntimeError: the line is dead"),
        (SystemExit(3), "SystemExit: 3"),
        (asyncio.CancelledError(), "CancelledError"),
        ("an event", "is no Event"),
        (Event(None), "the event has no key"),
        (Event("k", {"n": {1, 2}}), "set"),
    ],
)
async def test_a_broken_trigger_is_shown_and_tried_again(
    tmp_path: Path, told: Any, said: str
) -> None:
    """It is shown with its cause, started again later and later, and harms no other trigger."""
    tap = Tap()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped())
        for delay in (1, 2, 4):
            tap.queue.put_nowait(told)
            until = await found.clock.wait_for_sleeper()
            assert delay == (until - found.clock.now()).total_seconds()
            view = await found.view()
            assert "broken" == view.state
            assert view.error is not None
            assert said in view.error
            assert until == view.retry_at
            await found.clock.tick()
        assert 3 == tap.closed
        tap.queue.put_nowait(Event("well"))
        await tap.until_acknowledged(1)
        assert "listening" == (await found.view()).state
        tap.queue.put_nowait(told)
        until = await found.clock.wait_for_sleeper()
        assert 1 == (until - found.clock.now()).total_seconds()


async def test_a_config_that_makes_no_sense(tmp_path: Path) -> None:
    """It is shown with what is wrong; once mended it is listened to."""
    tap = Tap()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped(number="many"))
        view = await found.view()
        assert ("broken", []) == (view.state, tap.contexts)
        assert "node 'in', config number" in str(view.error)
        await found.save(tapped(number="5"))
        assert "listening" == (await found.view()).state


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"key": "\ud800"}, "surrogate"),
        ({"key": "a\x00"}, "NUL"),
        ({"key": "k" * 256}, "1 to 255"),
        ({"planned": datetime.max.replace(tzinfo=UTC)}, "1970 to 9000"),
        ({"planned": datetime.min.replace(tzinfo=UTC)}, "1970 to 9000"),
        ({"planned": NOON.replace(tzinfo=None)}, "no time zone"),
        ({"skipped": "x" * 1_001}, "1 to 1000"),
        ({"skipped": object()}, "1 to 1000"),
        ({"overlap": "whatever"}, "skip, queue"),
        ({"inputs": [1]}, "no mapping"),
    ],
)
def test_an_event_that_cannot_be_recorded_is_none(odd: dict[str, Any], said: str) -> None:
    """Its author hears of it at once; recorded, it would be in the way of all that reads it."""
    with pytest.raises((ValueError, TypeError), match=said):
        Event(**{"key": "k", **odd})


class Odd(Tap):
    """Says of itself what it should not."""

    def __init__(self, tolerance: Any = 60, shown: Any = None, planned: Any = ()) -> None:
        super().__init__()
        self.odd = tolerance, shown or {}, planned

    def tolerance(self, config: TapConfig) -> float:  # noqa: ARG002 - the same for all
        """What the test wants."""
        if isinstance(self.odd[0], Exception):
            raise self.odd[0]
        given: float = self.odd[0]
        return given

    def shown(self, config: TapConfig) -> Any:  # noqa: ARG002 - the same for all
        """What the test wants."""
        return self.odd[1]

    def planned(self, config: TapConfig, ctx: TriggerContext) -> Iterator[datetime]:  # noqa: ARG002
        """What the test wants."""
        return iter(self.odd[2])


@pytest.mark.parametrize("odd", [RuntimeError("none"), 1e300, float("nan"), -1, "60", True])
async def test_a_tolerance_that_makes_no_sense(tmp_path: Path, odd: Any) -> None:
    """It breaks its own trigger, and neither the list nor the look at the others."""
    async with listening(tmp_path, Odd(odd)) as found:
        await found.save(tapped())
        await found.service.look()
        view = await found.view()
        assert ("broken", None) == (view.state, view.wanted.tolerance)
        assert ("RuntimeError: none" if isinstance(odd, Exception) else "tolerance is") in str(
            view.error
        )


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"shown": ["a", "list"]}, "ValueError"),
        ({"shown": {"a": object()}}, "object"),
        ({"planned": ["soon"]}, "AttributeError"),
        ({"planned": [NOON.replace(tzinfo=None)]}, "has no time zone"),
        ({"planned": [datetime.max.replace(tzinfo=UTC)]}, None),
    ],
)
async def test_what_a_trigger_says_of_itself_is_checked(
    tmp_path: Path, odd: dict[str, Any], said: str | None
) -> None:
    """What is no JSON or no moment is shown as its error; it is looked after all the same."""
    async with listening(tmp_path, Odd(**odd)) as found:
        await found.save(tapped())
        await found.service.look()
        view = await found.view()
        assert (said or "None") in str(view.error)
        to_wire(dict(view.shown or {}))


async def test_a_workflow_that_cannot_run(tmp_path: Path) -> None:
    """An event is not acknowledged until it can be run; a planned time passes, with the reason."""
    tap = Tap()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped({"id": "x", "type": "nothing"}))
        tap.queue.put_nowait(Event("a"))
        await found.clock.wait_for_sleeper()
        assert "nothing" in str((await found.view()).error)
        assert [] == tap.acknowledged
        tap.queue.put_nowait(Event("b", planned=NOON))
        await found.clock.tick()
        (event,) = await found.events(1)
        assert event.execution is None
        assert "it cannot run" in str(event.skipped)


async def test_a_late_start_is_told(tmp_path: Path) -> None:
    """A planned time that began too late or not at all is told once, with the reason."""
    tap = Planned()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped())
        await found.clock.set(NOON + timedelta(minutes=5))
        await found.service.look()
        (late,) = found.late
        assert ("w", "in", None) == (late.workflow_id, late.node_id, late.execution_id)
        assert (NOON + timedelta(minutes=1), 60) == (late.planned, late.tolerance)
        assert "it has not begun yet" == late.why
        await found.service.look()
        for minute in (1, 2, 5):
            planned = NOON + timedelta(minutes=minute)
            tap.queue.put_nowait(Event(str(minute), planned=planned))
        events = await found.events(3)
        _, told = found.late
        assert (NOON + timedelta(minutes=2), events[1].execution) == (
            told.planned,
            told.execution_id,
        )
        assert "it began 180 s late" == told.why
        assert (NOON + timedelta(minutes=6),) == tuple((await found.view()).next)


async def test_a_planned_time_that_could_not_run_is_told(tmp_path: Path) -> None:
    """A workflow that cannot run is late at once; one that is still running is as it should be."""
    tap, gate = Planned(), Gate()
    async with listening(tmp_path, tap, handlers=[gate.handler]) as found:
        await found.save(tapped(HELD))
        tap.queue.put_nowait(Event("a", planned=NOON))
        await gate.entered.wait()
        tap.queue.put_nowait(Event("b", planned=NOON, overlap="skip"))
        await found.events(2)
        assert [] == found.late
        await found.save(tapped({"id": "x", "type": "nothing"}))
        tap.queue.put_nowait(Event("c", planned=NOON))
        await found.events(3)
        assert "it cannot run" in found.late[0].why
        gate.open.set()
