"""What cannot be taken up again: handlers that are gone, records that are damaged."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.core.databases import query
from tests.core.flows import document, give
from tests.core.lives import LONG, Life, ended, life

from caudal_core.registry import Registry

pytestmark = pytest.mark.usefixtures("both")


async def stalled(folder: Path, state: Life) -> str:
    """The id of an execution that a second engine, without its handler, cannot go on with."""
    async with life(folder, *state.handlers) as engine:
        execution = await engine.submit(document({"h": "hold"}))
        await asyncio.wait_for(state.held.wait(), LONG)
    state.second = True
    return execution.id


async def test_a_handler_that_is_gone(tmp_path: Path) -> None:
    """An execution whose handlers are not installed any more waits, and says for which."""
    execution_id = await stalled(tmp_path, Life())
    async with life(tmp_path) as engine:
        view = await engine.view(execution_id)
        assert "running" == view.record.state
        assert "there is no handler for the type 'hold'" in (view.record.error or "")


@pytest.mark.parametrize("how", ["reload", "start"])
async def test_a_handler_that_is_back(tmp_path: Path, how: str) -> None:
    """What waits for a handler goes on once that is installed again, at once or at the start."""
    state = Life()
    execution_id = await stalled(tmp_path, state)
    async with life(tmp_path) as engine:
        if how == "reload":
            engine.reload(Registry.of(*state.handlers))
            assert "completed" == (await ended(engine, execution_id)).record.state
    async with life(tmp_path, *state.handlers) as engine:
        view = await ended(engine, execution_id)
        assert ("completed", None) == (view.record.state, view.record.error)


async def test_what_waits_for_a_handler_can_be_cancelled(tmp_path: Path) -> None:
    """An execution that cannot go on is cancelled as any other."""
    execution_id = await stalled(tmp_path, Life())
    async with life(tmp_path) as engine:
        assert (True, "running") == await engine.cancel(execution_id)
        assert (False, "cancelled") == await engine.cancel(execution_id)
        assert "cancelled" == (await engine.view(execution_id)).record.state


DAMAGE = {
    "inputs": "UPDATE execution SET inputs = X'7B'",
    "labels": "UPDATE execution SET labels = X'7B'",
    "workflow": "UPDATE workflow_version SET json = X'7B'",
    "no workflow": "DELETE FROM workflow_version",
    "output": "UPDATE node_run SET output = X'7B'",
}


@pytest.mark.parametrize("case", DAMAGE)
async def test_a_record_that_cannot_be_read(tmp_path: Path, case: str) -> None:
    """A damaged record costs its execution, which fails and says so; the engine starts."""
    state = Life()
    async with life(tmp_path, *state.handlers) as engine:
        execution = await engine.submit(document({"a": give(1), "h": "hold"}, "a h"), {"x": 1})
        await asyncio.wait_for(state.held.wait(), LONG)
    query(tmp_path, DAMAGE[case])
    column = "SELECT state, error FROM execution WHERE id = ?"
    async with life(tmp_path, *state.handlers) as engine, asyncio.timeout(LONG):
        found: tuple[Any, ...] = ("running", None)
        while found[0] == "running":
            await asyncio.sleep(0.005)
            [found] = query(tmp_path, column, execution.id)
        plain = await engine.submit(document({"a": give(1)}))
        assert await plain.finished(LONG)
    assert "failed" == found[0]
    assert "could not be taken up again" in (found[1] or "")


async def test_a_large_value_that_is_gone(tmp_path: Path) -> None:
    """If a blob is missing its execution fails, and the error names the blob."""
    state = Life()
    async with life(tmp_path, *state.handlers) as engine:
        execution = await engine.submit(document({"t": "table", "h": "hold"}, "t h"))
        await asyncio.wait_for(state.held.wait(), LONG)
    files = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    blob = max(files, key=lambda path: path.stat().st_size)
    blob.unlink()
    async with life(tmp_path, *state.handlers) as engine:
        view = await ended(engine, execution.id)
    assert "failed" == view.record.state
    assert blob.name in (view.record.error or "")
