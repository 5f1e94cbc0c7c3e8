"""Notices whose delivery was cut off, and what is remembered of those to come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.core.flows import document, fail
from tests.core.telling import TOLD, URL, World, frail, quiet, ran

from caudal_core.engine.telling import delivery, outbox
from caudal_core.journal.notice import Notice


class Hangs(World):
    """Calls arrive, and their answer never does."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()

    async def call(self, notice: Notice, told: Mapping[str, Any] | None) -> None:
        """Remember a call, and stay in it."""
        self.called.append((notice, told))
        self.changed.set()
        await self.answers.wait()


async def test_a_call_that_was_cut_off_has_the_same_id(tmp_path: Path) -> None:
    """It is made again after a restart, and whoever has seen its id need not look."""
    world = Hangs()
    async with world.engine(tmp_path, on_failure=URL) as engine:
        await ran(engine, frail())
        await world.until(1)
    world.answers.set()
    async with world.engine(tmp_path, on_failure=URL) as engine:
        await world.until(2)
        await quiet(engine)
    first, second = world.called
    assert (first[0].id, first[1]) == (second[0].id, second[1])


async def test_what_comes_after_a_call_that_was_cut_off_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not counted in what may have been told: the same id would be passed over."""
    world = Hangs()
    async with world.engine(tmp_path, on_failure=URL) as engine:
        await ran(engine, frail())
        await world.until(1)
    world.answers.set()
    monkeypatch.setattr(delivery, "AT_ONCE", 0)  # the calls of the restart have to wait
    async with world.engine(tmp_path, on_failure=URL) as engine:
        await ran(engine, frail())
        assert engine.storage.history is not None
        found = [each for each in engine.storage.history.notices() if each.kind == "failure"]
        assert [1, 1] == [notice.count for notice in found]


async def test_failures_that_differ_in_numbers_are_one_burst(tmp_path: Path) -> None:
    """Rows, times and ids in an error do not make it another one; other words do."""
    world = World()
    errors = ("row 3 of a8f1: no volts", "row 17 of b2c9: no volts", "row 17 of b2c9: no amperes")
    async with world.engine(tmp_path, notice_seconds=3_600) as engine:
        for error in errors:
            await ran(engine, document({"f": fail(error)}, id="w", settings=TOLD["settings"]))
        assert engine.storage.history is not None
        assert [2, 1] == [notice.count for notice in engine.storage.history.notices()]


async def test_what_is_remembered_of_failures_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ever new workflows that fail the oldest are forgotten, on disk as well."""
    monkeypatch.setattr(outbox, "AILING", 3)
    world = World()
    async with world.engine(tmp_path, on_failure=URL) as engine:
        for number in range(6):
            await ran(engine, frail() | {"id": f"w{number}"})
        await quiet(engine)
        await engine.journal.flush()
        assert engine.storage.history is not None
        armed = [each.workflow_id for each in engine.storage.history.notices()]
        assert ["w3", "w4", "w5"] == armed
