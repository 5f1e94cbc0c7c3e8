"""What goes on counting over a restart: progress, times, restarts and limits."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.core.databases import query
from tests.core.flows import document, fail, give
from tests.core.lives import LONG, Life, ended, life

from caudal_core import Config, Context, Handler, handler

pytestmark = pytest.mark.usefixtures("both")


async def test_progress_goes_on_where_it_was(tmp_path: Path) -> None:
    """After a restart the counts begin with what was recorded before."""
    state = Life()
    nodes = {**{f"n{n}": "count" for n in range(10)}, "x": fail(), "h": "hold"}
    async with life(tmp_path, *state.handlers) as engine:
        execution = await engine.submit(document(nodes))
        await asyncio.wait_for(state.held.wait(), LONG)
        async with asyncio.timeout(LONG):
            while len(execution.committed) < 11:
                await execution.change(execution.version, LONG)
        before = execution.record
    async with life(tmp_path, *state.handlers) as engine:
        found = engine.live(execution.id)
        assert found is not None
        async with asyncio.timeout(LONG):
            while found.record.state != "running":
                await found.change(found.version, LONG)
        after = found.record
        assert (10, 1) == (before.completed_nodes, before.failed_nodes)
        assert (10, 1) == (after.completed_nodes, after.failed_nodes)
        assert before.percentage == after.percentage
        assert after.epoch > before.epoch


async def test_times_survive(tmp_path: Path) -> None:
    """When an execution was accepted and first began does not change by a restart."""
    state = Life()
    async with life(tmp_path, *state.handlers) as engine:
        execution = await engine.submit(document({"a": give(1), "h": "hold"}, "a h"))
        await asyncio.wait_for(state.held.wait(), LONG)
        created, started = execution.record.created, execution.record.started
    assert started is not None
    state.second = True
    async with life(tmp_path, *state.handlers) as engine:
        found = engine.live(execution.id)
        assert found is not None
        assert await found.finished(LONG)
        assert (created, started) == (found.record.created, found.record.started)


async def test_again_and_again(tmp_path: Path) -> None:
    """However often the server is restarted in the middle, each node runs to its end once."""
    done: list[str] = []

    def step(life_: int) -> Handler:
        @handler("step")
        async def made(config: Config, data: Any, ctx: Context) -> Any:
            if int(ctx.node_id) >= life_:
                await asyncio.sleep(1000)
            done.append(ctx.node_id)
            return data

        return made

    names = [str(n) for n in range(6)]
    workflow = document(dict.fromkeys(names, "step"), *(f"{n} {n + 1}" for n in range(5)))
    async with life(tmp_path, step(0)) as engine:
        execution = await engine.submit(workflow, {"x": 1})
    for turn in range(1, 7):
        async with life(tmp_path, step(turn)) as engine:
            found = engine.live(execution.id)
            assert found is not None
            async with asyncio.timeout(LONG):
                while len(found.committed) < turn:
                    await found.change(found.version, LONG)
            if turn == 6:
                assert await found.finished(LONG)
                assert ("completed", b'{"x":1}') == (found.record.state, found.record.final)
    assert names == done


async def test_a_restart_gives_no_more_time(tmp_path: Path) -> None:
    """`timeoutSeconds` of an execution counts from its start, whatever happened in between."""
    state = Life()
    workflow = document({"h": "hold"}, settings={"timeoutSeconds": 600})
    async with life(tmp_path, *state.handlers) as engine:
        execution = await engine.submit(workflow)
        await asyncio.wait_for(state.held.wait(), LONG)
    query(tmp_path, "UPDATE execution SET started = started - 3600")
    async with life(tmp_path, *state.handlers) as engine:
        view = await ended(engine, execution.id)
    assert ("failed", "the execution timed out after 600 s") == (
        view.record.state,
        view.record.error,
    )
