"""URLs that are called when a workflow fails or an execution ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import time

import pytest
from tests.core.engines import LONG, STORED, ended
from tests.core.flows import document, give
from tests.core.telling import URL, World, frail, quiet, ran

from caudal_core.engine.telling import delivery as module
from caudal_core.errors import CallRefused
from caudal_core.journal.notice import FAILURE, Notice


async def test_a_url_is_called(tmp_path: Path) -> None:
    """Where the engine tells a URL it is called for failures and for the recovery after them."""
    world = World()
    async with world.engine(tmp_path, on_failure=URL) as engine:
        await ran(engine, frail())
        world.mended = True
        await ran(engine, frail())
        await world.until(2)
        await quiet(engine)
        assert [(URL, "failure"), (URL, "recovery")] == [
            (notice.target, (told or {})["kind"]) for notice, told in world.called
        ]
        assert engine.storage.history is not None
        assert [] == engine.storage.history.notices()


@STORED
async def test_a_callback_is_called_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, stored: bool
) -> None:
    """It is called until it answers; how that goes is told beside the execution."""
    monkeypatch.setattr(module, "FIRST_WAIT", 0.001)
    world = World()
    world.refusals = [OSError("no route"), OSError("no route")]
    async with world.engine(tmp_path if stored else None) as engine:
        prepared = await engine.prepare(document({"h": "held"}), callback=URL)
        execution = await engine.enter(prepared)
        await world.gate.entered.wait()
        view = await engine.view(execution.id)
        assert view.callback is not None
        assert ("armed", 0) == (view.callback.state, view.callback.attempts)
        assert [] == world.called
        world.gate.open.set()
        await world.until(3)
        await quiet(engine)
        assert [None] * 3 == [told for _, told in world.called]
        assert 1 == len({notice.id for notice, _ in world.called})
        view = await engine.view(execution.id)
        assert view.callback is not None
        assert ("delivered", 3, None) == (
            view.callback.state,
            view.callback.attempts,
            view.callback.error,
        )
    if stored:
        async with world.engine(tmp_path) as engine:
            view = await engine.view(execution.id)
            assert view.callback is not None
            assert ("delivered", 3) == (view.callback.state, view.callback.attempts)


async def test_a_callback_survives_the_engine(tmp_path: Path) -> None:
    """It is called although the engine closed before the execution ended."""
    world = World()
    async with world.engine(tmp_path) as engine:
        prepared = await engine.prepare(document({"h": "held"}), callback=URL)
        execution = await engine.enter(prepared)
        await world.gate.entered.wait()
    world.gate.open.set()
    async with world.engine(tmp_path) as engine:
        await world.until(1)
        await quiet(engine)
        assert [execution.id] == [notice.execution for notice, _ in world.called]
    async with world.engine(tmp_path) as engine:
        await quiet(engine)
        assert 1 == len(world.called)


async def test_what_will_never_be_taken_is_given_up(tmp_path: Path) -> None:
    """A refusal for good ends the attempts, and so does the last of them."""
    world = World()
    world.refusals = [CallRefused(message="gone")]
    async with world.engine(tmp_path) as engine:
        prepared = await engine.prepare(document({"a": give(1)}), callback=URL)
        execution = await ended(await engine.enter(prepared))
        await world.until(1)
        await quiet(engine)
        view = await engine.view(execution.id)
        assert view.callback is not None
        assert ("failed", 1, "gone") == (
            view.callback.state,
            view.callback.attempts,
            view.callback.error,
        )


@pytest.mark.parametrize(
    ("before", "state", "least"),
    [(0, "due", 1), (1, "due", 2), (11, "due", 2_048), (12, "due", 3_600), (35, "failed", None)],
)
async def test_attempts_follow_at_longer_and_longer_waits(
    tmp_path: Path, before: int, state: str, least: float | None
) -> None:
    """A second, then twice as long each time up to an hour; the 36th is the last."""
    world = World()
    world.refusals = [OSError("nobody is there")]
    async with world.engine(tmp_path) as engine:
        notice = Notice.new(FAILURE, URL, None, "due")
        notice.attempts = before
        began = time()
        engine.outbox.delivery.add(notice)
        await world.until(1)
        async with asyncio.timeout(LONG):
            while notice.attempts == before:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.005)
        assert (state, before + 1) == (notice.state, notice.attempts)
        assert (notice.due is None) == (least is None)
        if least is not None and notice.due is not None:
            assert least <= notice.due - began <= least * 1.1 + 5
