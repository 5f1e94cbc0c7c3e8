"""Triggers: each event starts one execution, both on disk before the trigger hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.core.clocks import SetClock
from tests.core.engines import Gate
from tests.core.listening import ID, NOON, Tap, TapConfig, listening, tapped

from caudal_core import Event, TriggerContext
from caudal_core.journal.history import Filter
from caudal_core.journal.leases import SoleHolder
from caudal_core.triggers.roster import Roster
from caudal_core.values import decode, to_wire

pytestmark = pytest.mark.usefixtures("both")


class Planned(Tap):
    """A tap that is planned for each minute and must begin in one."""

    def tolerance(self, config: TapConfig) -> float:  # noqa: ARG002 - the same for all
        """A minute."""
        return 60

    def planned(self, config: TapConfig, ctx: TriggerContext) -> Iterator[datetime]:  # noqa: ARG002
        """The next minute."""
        yield ctx.now() + timedelta(minutes=1)


HELD = {"id": "h", "type": "held"}


async def test_an_event_starts_an_execution(tmp_path: Path) -> None:
    """It gets the event's inputs, says what started it, and is acknowledged once on disk."""
    tap = Tap()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped())
        tap.queue.put_nowait(Event("k1", {"n": 1}, planned=NOON))
        (event,) = await found.events(1)
        execution = await found.execution(event)
        about = {"type": "tap", "nodeId": "in", "key": "k1", "plannedAt": NOON.isoformat()}
        assert {"n": 1, "_trigger": about} == decode(execution.record.final or b"")
        assert {"trigger": ID} == execution.record.labels
        assert ("k1", NOON.timestamp(), None) == (event.key, event.planned, event.skipped)
        await tap.until_acknowledged(1)


async def test_a_key_starts_nothing_twice(tmp_path: Path) -> None:
    """A key that was seen before is acknowledged and starts nothing; after a restart neither."""
    for _ in range(2):
        tap = Tap()
        async with listening(tmp_path, tap) as found:
            await found.save(tapped())
            for key in ("a", "a", "b"):
                tap.queue.put_nowait(Event(key))
            await found.events(2)
            tap.queue.put_nowait(Event("a"))
            await tap.until_acknowledged(4)
            assert 2 == len(await found.events(2))
            history = found.engine.storage.history
            assert history is not None
            assert 2 == history.count(Filter())


async def test_keys_are_each_triggers_own(tmp_path: Path) -> None:
    """The same key of another workflow is another event."""
    tap = Tap()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped())
        await found.save(tapped(), "other")
        for _ in range(2):
            tap.queue.put_nowait(Event("same"))
        while True:
            views = await found.service.views()
            if all(view.last for view in views):
                break
        ids = {view.last.execution for view in views if view.last}
        assert 2 == len(ids)


async def test_many_at_once_start_one(tmp_path: Path) -> None:
    """Whoever fires a key while it is under way gets the first one's execution."""
    tap = Tap()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped())
        target = (await found.view()).wanted.target
        firing = found.service.firing
        fired = await asyncio.gather(*(firing.fire(target, Event("k")) for _ in range(20)))
        assert 1 == len({one.execution_id for one in fired})
        assert 1 == sum(not one.repeated for one in fired)


# -- one that fails --------------------------------------------------------------------------------


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


async def test_what_cannot_be_taken_now_waits(tmp_path: Path) -> None:
    """Where too many executions wait the event waits too, and is not lost."""
    tap, gate = Tap(), Gate()
    async with listening(tmp_path, tap, handlers=[gate.handler], max_queued=1) as found:
        await found.save(tapped(HELD))
        tap.queue.put_nowait(Event("a"))
        await gate.entered.wait()
        tap.queue.put_nowait(Event("b"))
        await found.clock.wait_for_sleeper()
        assert "executions are waiting" in str((await found.view()).error)
        gate.open.set()
        (first,) = await found.events(1)
        await found.execution(first)
        await found.clock.tick()
        await found.execution((await found.events(2))[1])


# -- what runs already -----------------------------------------------------------------------------


@pytest.mark.parametrize("again", [False, True], ids=["at once", "after a restart"])
async def test_overlap_skip(tmp_path: Path, again: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """While the execution before runs, or has been taken up again, an event is a row with why."""
    tap, gate = Tap(), Gate()
    if again:
        async with listening(tmp_path, tap, handlers=[gate.handler]) as found:
            await found.save(tapped(HELD))
            tap.queue.put_nowait(Event("a"))
            await gate.entered.wait()
        tap, gate = Tap(), Gate()
    async with listening(tmp_path, tap, handlers=[gate.handler]) as found:
        await found.save(tapped(HELD))
        if not again:
            tap.queue.put_nowait(Event("a"))
        await gate.entered.wait()
        tap.queue.put_nowait(Event("b", overlap="skip"))
        first, second = await found.events(2)
        assert second.execution is None
        assert f"the execution {first.execution} of the time before has not ended" == second.skipped
        gate.open.set()
        await found.execution(first)
        tap.queue.put_nowait(Event("c", overlap="skip"))
        assert (await found.events(3))[2].execution is not None


async def test_overlap_queue(tmp_path: Path) -> None:
    """An event waits for the end of what runs, and is not acknowledged before."""
    tap, gate = Tap(), Gate()
    async with listening(tmp_path, tap, handlers=[gate.handler]) as found:
        await found.save(tapped(HELD))
        tap.queue.put_nowait(Event("a"))
        await gate.entered.wait()
        tap.queue.put_nowait(Event("b", overlap="queue"))
        await asyncio.sleep(0.05)
        assert 1 == len(await found.events(1))
        gate.open.set()
        first, second = await found.events(2)
        await found.execution(second)
        ended = (await found.execution(first)).record.completed
        assert ended is not None
        begun = (await found.execution(second)).record.created
        assert ended <= begun


async def test_overlap_parallel_and_replace(tmp_path: Path) -> None:
    """Executions run beside one another, until one takes the place of all."""
    tap, gate = Tap(), Gate()
    async with listening(tmp_path, tap, handlers=[gate.handler]) as found:
        await found.save(tapped(HELD))
        for key in ("a", "b"):
            tap.queue.put_nowait(Event(key, overlap="parallel"))
        await found.events(2)
        tap.queue.put_nowait(Event("c", overlap="replace"))
        first, second, third = await found.events(3)
        for event in (first, second):
            assert "cancelled" == (await found.execution(event)).record.state
        gate.open.set()
        assert "completed" == (await found.execution(third)).record.state


# -- which are listened to -------------------------------------------------------------------------


async def test_changes_are_heeded_at_once(tmp_path: Path) -> None:
    """Saving begins and ends the listening; another part of the workflow does not disturb it."""
    tap = Tap()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped(number=1))
        assert 1 == len(tap.contexts)
        await found.save(tapped({"id": "more", "type": "pass"}, number=1))
        assert (1, 0) == (len(tap.contexts), tap.closed)
        tap.queue.put_nowait(Event("a"))
        execution = await found.execution((await found.events(1))[0])
        assert 2 == execution.record.total_nodes
        await found.save(tapped(number=2))
        assert (2, 1) == (len(tap.contexts), tap.closed)
        await found.save(tapped(number=2, on=False))
        assert ([], 2) == (await found.service.views(), tap.closed)
        await found.save(tapped(number=2))
        await found.engine.library.delete("w")
        assert ([], 3) == (await found.service.views(), tap.closed)


async def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    """The last planned time is known after a restart; a trigger that was off begins anew."""
    clock = SetClock(NOON)
    for expected in (None, NOON):
        tap = Tap()
        async with listening(tmp_path, tap, clock=clock) as found:
            await found.save(tapped())
            await asyncio.sleep(0)
            assert (NOON, expected) == (tap.contexts[0].since, tap.contexts[0].last)
            tap.queue.put_nowait(Event("a", planned=NOON))
            await found.events(1)
            await clock.forward(seconds=0)
    tap = Tap()
    async with listening(tmp_path, tap, clock=clock) as found:
        await found.save(tapped(on=False))
        await clock.forward(hours=1)
        await found.save(tapped())
        await asyncio.sleep(0)
        assert (clock.now(), None) == (tap.contexts[-1].since, tap.contexts[-1].last)


@pytest.mark.parametrize("scope", ["trigger", "workflow", "all"])
async def test_pause_and_resume(tmp_path: Path, scope: str) -> None:
    """Paused, nothing listens, also after a restart; resumed, it begins anew."""
    which: dict[str, Any] = {"trigger": {"trigger": ID}, "workflow": {"workflow_id": "w"}}.get(
        scope, {}
    )
    clock = SetClock(NOON)
    async with listening(tmp_path, Tap(), clock=clock) as found:
        await found.save(tapped())
        await found.service.pause(**which)
        view = await found.view()
        assert ("paused", [scope]) == (view.state, view.paused_by)
    tap = Tap()
    async with listening(tmp_path, tap, clock=clock) as found:
        assert "paused" == (await found.view()).state
        assert [] == tap.contexts
        await clock.forward(hours=3)
        await found.service.resume(**which)
        assert "listening" == (await found.view()).state
        await asyncio.sleep(0)
        assert clock.now() == tap.contexts[0].since


async def test_what_two_pauses_hold_both_must_let_go(tmp_path: Path) -> None:
    """A trigger that is paused by itself stays so when all are resumed."""
    async with listening(tmp_path, Tap()) as found:
        await found.save(tapped())
        await found.service.pause(trigger=ID)
        await found.service.pause()
        assert ["trigger", "all"] == (await found.view()).paused_by
        await found.service.resume()
        assert ["trigger"] == (await found.view()).paused_by


async def test_switched_off_nothing_listens(tmp_path: Path) -> None:
    """Where the operator wants no schedules, triggers are shown and nothing is listened to."""
    tap = Tap()
    async with listening(tmp_path, tap, enabled=False) as found:
        await found.save(tapped())
        assert "off" == (await found.view()).state
        assert [] == tap.contexts


class Counter(SoleHolder):
    """Leases that the test takes away and gives."""

    alone = False

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.mine = True
        self.broken = False
        self.released: set[str] = set()

    def hold(self, triggers: Collection[str]) -> set[str]:
        """All or none."""
        if self.broken:
            message = "the database is gone"
            raise OSError(message)
        return set(triggers) if self.mine else set()

    def release(self, triggers: Collection[str]) -> None:
        """Note it."""
        self.released |= set(triggers)


async def test_only_the_holder_listens(tmp_path: Path) -> None:
    """Who loses the lease stops listening and forgets nothing; who cannot renew it stops too."""
    tap, leases = Tap(), Counter()
    async with listening(tmp_path, tap) as found:
        found.engine.storage.leases = leases
        await found.save(tapped())
        tap.queue.put_nowait(Event("a", planned=NOON))
        await tap.until_acknowledged(1)
        leases.mine = False
        await found.service.look()
        assert ("elsewhere", 1) == ((await found.view()).state, tap.closed)
        leases.mine = True
        await found.service.look()
        await asyncio.sleep(0)
        assert ("listening", NOON) == ((await found.view()).state, tap.contexts[-1].last)
        leases.broken, leases.seconds = True, 0.0
        with pytest.raises(OSError, match="the database is gone"):
            await found.service.look()
        assert 2 == tap.closed
        leases.broken = False
    assert {ID} == leases.released - {"notices"}  # where several servers are, one tells of failures


async def test_who_does_not_know_that_it_holds_starts_nothing(tmp_path: Path) -> None:
    """Once the lease may have run out, an event waits until it is renewed."""
    tap, leases = Tap(), Counter()
    async with listening(tmp_path, tap) as found:
        found.engine.storage.leases = leases
        await found.save(tapped())
        await asyncio.sleep(0)
        leases.seconds = 0.0
        tap.queue.put_nowait(Event("a"))
        await asyncio.sleep(0.05)
        assert [] == await found.events(0)
        leases.seconds = 1_000.0
        await tap.until_acknowledged(1)


class Nowhere:
    """A place that cannot be read."""

    async def all(self) -> Any:
        """Fail."""
        message = "the folder is gone"
        raise OSError(message)


async def test_a_place_that_fails_past_the_lease_ends_the_listening(tmp_path: Path) -> None:
    """Who cannot look cannot renew: then another server listens, and this one does not."""
    tap, leases = Tap(), Counter()
    async with listening(tmp_path, tap) as found:
        found.engine.storage.leases = leases
        await found.save(tapped())
        await asyncio.sleep(0)
        leases.seconds = 0.0
        found.service._roster = Roster(found.engine, Nowhere())  # noqa: SLF001 - as the disk does it
        with pytest.raises(OSError, match="the folder is gone"):
            await found.service.look()
        assert 1 == tap.closed


class Stubborn(Tap):
    """A tap that does not let itself be ended."""

    async def listen(self, config: TapConfig, ctx: TriggerContext) -> AsyncIterator[Event]:
        """What the test puts in, whoever cancels."""
        self.contexts.append(ctx)
        while config.on:
            try:
                event = await self.queue.get()
            except asyncio.CancelledError:
                event = Event("late")
            yield event


async def test_who_does_not_stop_is_not_heard_any_more(tmp_path: Path) -> None:
    """What a listener tells of after it was told to end starts nothing."""
    tap = Stubborn()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped())
        tap.queue.put_nowait(Event("a"))
        await found.events(1)
        await found.save(tapped(on=False))
        assert ["a"] == [event.key for event in await found.events(1)]
        assert [] == await found.service.views()
