"""Which triggers are listened to, where, and from when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import pytest
from tests.core.clocks import SetClock
from tests.core.listening import ID, NOON, Tap, TapConfig, listening, tapped

from caudal_core import Event, TriggerContext
from caudal_core.journal.leases import SoleHolder
from caudal_core.triggers.roster import Roster

pytestmark = pytest.mark.usefixtures("both")


async def test_changes_are_heeded_at_once(tmp_path: Path) -> None:
    """Saving begins and ends the listening; nothing else of the workflow disturbs it."""
    tap = Tap()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped(number=1))
        assert 1 == len(tap.contexts)
        await found.save(tapped({"id": "more", "type": "pass"}, number=1, editorsOwn="folded"))
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
        if self.broken:
            message = "the database is gone"
            raise OSError(message)
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


async def test_leases_that_cannot_be_given_back_run_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who closes goes on: what else there is to close must not depend on it."""
    leases = Counter()
    async with listening(tmp_path, Tap()) as found:
        found.engine.storage.leases = leases
        await found.save(tapped())
        leases.broken = True
        await found.service.close()
        leases.broken = False
        assert "could not be given back" in caplog.text


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
