"""Triggers where several servers share a PostgreSQL: one listens, and no key starts two."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.builtin.record_stores import schema
from tests.core.databases import URL, query
from tests.core.listening import Listening, Tap, listening, tapped

from caudal_core import Event
from caudal_core.journal.leases import SoleHolder


@pytest.fixture
def shared(tmp_path: Path) -> Any:
    """A folder whose journal is in an empty PostgreSQL."""
    with schema() as url:
        (tmp_path / URL).write_text(url)
        yield tmp_path


async def states(*services: Listening) -> list[str]:
    """How the one trigger is at each."""
    return [(await found.view()).state for found in services]


async def test_one_of_several_listens(shared: Path) -> None:
    """The other takes over at once where it ends, behind what was recorded."""
    taps = Tap(), Tap()
    async with listening(shared, taps[1]) as second:
        async with listening(shared, taps[0]) as first:
            await first.save(tapped())
            await second.service.look()
            assert ["listening", "elsewhere"] == await states(first, second)
            taps[0].queue.put_nowait(Event("a"))
            await taps[0].until_acknowledged(1)
        await second.service.look()
        assert ["listening"] == await states(second)
        for key in ("a", "b"):
            taps[1].queue.put_nowait(Event(key))
        await taps[1].until_acknowledged(2)
        assert ["a", "b"] == [event.key for event in await second.events(2)]


async def test_two_that_listen_at_once_start_nothing_twice(shared: Path) -> None:
    """Where a lease is no more than believed in, the key still decides: one row, one execution."""
    taps = Tap(), Tap()
    keys = [f"k{number}" for number in range(40)]
    async with listening(shared, taps[0]) as first, listening(shared, taps[1]) as second:
        for found in (first, second):
            found.engine.storage.leases = SoleHolder()
        await first.save(tapped({"id": "more", "type": "pass"}))
        await second.service.look()
        assert ["listening", "listening"] == await states(first, second)
        for key in keys:
            for tap in taps:
                tap.queue.put_nowait(Event(key))
        await asyncio.gather(*(tap.until_acknowledged(len(keys)) for tap in taps))
        ended = "SELECT count(*), count(DISTINCT id) FROM execution WHERE state = 'completed'"
        async with asyncio.timeout(30):
            while query(shared, ended) != [(40, 40)]:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)
        rows = query(shared, "SELECT key, count(*) FROM trigger_event GROUP BY key")
        assert dict.fromkeys(keys, 1) == dict(rows)
        settled = "SELECT count(*) FROM node_run WHERE state = 'completed'"
        assert [(80,)] == query(shared, settled)
