"""Triggers: each event starts one execution, both on disk before the trigger hears of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import Gate
from tests.core.listening import HELD, ID, NOON, Tap, listening, tapped

from caudal_core import Event
from caudal_core.journal.history import Filter
from caudal_core.triggers.names import execution_id
from caudal_core.values import decode

pytestmark = pytest.mark.usefixtures("both")


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


@pytest.mark.parametrize("case", ["started", "skipped", "told of again"])
async def test_nothing_is_acknowledged_before_it_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Whoever told of an event hears that it was taken only once a crash cannot lose it."""
    tap, disk = Tap(), asyncio.Event()
    async with listening(tmp_path, tap) as found:
        await found.save(tapped())
        target = (await found.view()).wanted.target
        engine, firing = found.engine, found.service.firing
        commit = engine.journal._sink.commit  # noqa: SLF001 - a slow disk

        async def slow(*rows: Any) -> Any:
            await disk.wait()
            return await commit(*rows)

        monkeypatch.setattr(engine.journal._sink, "commit", slow)  # noqa: SLF001
        event, tasks = Event("k", planned=NOON), []
        identity = execution_id(ID, "k")
        if case == "told of again":  # by whoever did not wait for the first answer
            first = engine.submit(target.workflow, workflow_id="w", execution_id=identity)
            tasks.append(asyncio.create_task(first))
            while engine.live(identity) is None:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.005)
        taken = (
            firing.skip(target, event, "why") if case == "skipped" else firing.fire(target, event)
        )
        tasks.append(asyncio.create_task(taken))
        _, waiting = await asyncio.wait(tasks, timeout=0.2)
        assert set(tasks) == waiting
        disk.set()
        *_, fired = await asyncio.gather(*tasks)
        expected = (
            (None, "why", False) if case == "skipped" else (identity, None, case != "started")
        )
        assert expected == (fired.execution_id, fired.skipped, fired.repeated)


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
