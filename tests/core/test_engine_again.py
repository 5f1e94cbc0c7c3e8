"""Executions that are run again, from what failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import ended, states
from tests.core.flows import branch, document
from tests.core.repeating import CHAIN, World, final, ran, retried, reused

from caudal_core.engine import Execution
from caudal_core.engine.view import ExecutionView
from caudal_core.errors import Conflict, NotAvailable, NotFound


async def test_a_retry_runs_what_failed_and_what_follows(tmp_path: Path) -> None:
    """What finished is taken over with its output; the ended execution stays as it was."""
    world = World()
    async with world.engine(tmp_path) as engine:
        more = {"organization": "north", "labels": {"day": "1"}}
        first = await ran(engine, CHAIN, {"x": 1}, **more)
        before = await engine.view(first.id)
        assert {"a": "completed", "b": "failed", "c": "skipped"} == states(before.runs)
        world.mended = True
        again = await retried(engine, first.id)
        assert ["a", "b", "b", "c"] == world.calls
        assert ("completed", {"x": 1}) == (again.record.state, final(again))
        assert {"a": first.id} == reused(again)
        assert ("north", {"day": "1"}, "w", first.id) == (
            again.record.organization,
            again.record.labels,
            again.record.workflow_id,
            again.record.parent,
        )
        assert (3, 0, 100) == (
            again.record.completed_nodes,
            again.record.failed_nodes,
            again.record.percentage,
        )
        assert "failed" == (await engine.view(first.id)).record.state
        assert (again.id,) == (await engine.view(first.id)).retries


async def test_what_is_told_of_a_retry_is_the_same_read_back(tmp_path: Path) -> None:
    """Runs, outputs, inputs and logs of a retry are the same in memory and from the database."""

    def told(view: ExecutionView | Execution) -> list[Any]:
        return [
            (
                run.id,
                run.seq,
                run.shown,
                run.reused,
                run.started,
                run.notes and [line["message"] for line in run.notes.log],
                {port: load.data for port, load in (run.outputs or {}).items()},
                {port: load.data for port, load in (run.input or {}).items()},
            )
            for run in view.runs
        ]

    world = World()
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, CHAIN, {"x": 1})
        world.mended = True
        again = await retried(engine, first.id)
        live = told(again)
    async with world.engine(tmp_path) as engine:
        view = await engine.view(again.id)
        assert live == told(view)
        assert [again.id] == list((await engine.view(first.id)).retries)


async def test_effects_of_a_retry_have_new_keys(tmp_path: Path) -> None:
    """What runs again is another execution's, so nobody answers its key with the old failure."""
    world = World()
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, CHAIN)
        await retried(engine, first.id)
        assert 2 == len(set(world.keys))


async def test_a_retry_of_a_retry(tmp_path: Path) -> None:
    """A retry may be retried; what was taken over twice names the execution in which it ran."""
    world = World()
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, CHAIN)
        second = await retried(engine, first.id)
        assert "failed" == second.record.state
        world.mended = True
        third = await retried(engine, second.id)
        assert "completed" == third.record.state
        assert {"a": first.id} == reused(third)
        assert second.id == third.record.parent
        assert ["a", "b", "b", "b", "c"] == world.calls


async def test_large_outputs_are_taken_over(tmp_path: Path) -> None:
    """A table that is kept by reference goes on by its name."""
    world = World()
    flow = document({"m": "many", "b": "frail", "o": "rows"}, "m b", "b o")
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, flow)
    world.mended = True
    async with world.engine(tmp_path) as engine:
        again = await retried(engine, first.id)
        assert "completed" == again.record.state
        runs = (await engine.view(again.id)).runs
        found = {run.node_id: next(iter((run.outputs or {}).values())) for run in runs}
        assert found["m"].ref == found["o"].ref
        assert 2_000 == len(await engine.data(found["o"]))
        assert ["m", "b", "b"] == world.calls


async def test_branches_are_taken_over(tmp_path: Path) -> None:
    """A branch not taken stays so, and what hangs on it; what completed behind a join stays too."""
    world = World()
    flow = document(
        {
            "s": branch("true"),
            "yes": "count",
            "no": "count",
            "after": "count",
            "b": "frail",
            "join": "count",
        },
        "s.true yes",
        "s.false no",
        "no after",
        "yes join",
        "after join",
        "yes b",
    )
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, flow, {"x": 1})
        world.mended = True
        again = await retried(engine, first.id)
        assert "completed" == again.record.state
        assert ["b", "b", "join", "yes"] == sorted(world.calls)
        assert {"s", "yes", "no", "after", "join"} == set(reused(again))
        assert "skipped" == states(again.runs)["after"]


async def test_a_failure_that_was_tolerated_is_taken_over(tmp_path: Path) -> None:
    """A node whose failure did not count is not run again, as others completed with its result."""
    world = World()
    flow = document(
        {"t": {"type": "fail", "onError": "branch"}, "c": "count", "b": "frail"},
        "t.error c",
        "c b",
    )
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, flow)
        world.mended = True
        again = await retried(engine, first.id)
        assert {"t", "c"} == set(reused(again))
        assert ["c", "b", "b"] == world.calls
        assert "broken" == final(again)["error"]["message"]
        assert 1 == again.record.failed_nodes


async def test_a_cancelled_execution_can_be_retried(tmp_path: Path) -> None:
    """What had completed before the cancel is taken over."""
    world = World()
    async with world.engine(tmp_path) as engine:
        flow = document({"a": "count", "h": "held"}, "a h")
        first = await engine.submit(flow, {"x": 1})
        await world.gate.entered.wait()
        await engine.cancel(first.id)
        await ended(first)
        world.gate.open.set()
        again = await retried(engine, first.id)
        assert ("completed", {"x": 1}) == (again.record.state, final(again))
        assert ["a"] == world.calls


async def test_a_retry_goes_on_after_a_restart(tmp_path: Path) -> None:
    """A retry is recorded with what it takes over: a restart neither forgets nor repeats that."""
    world = World()
    flow = document({"a": "count", "b": "frail", "h": "held"}, "a b", "b h")
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, flow, {"x": 1})
        world.mended = True
        again = await engine.enter(await engine.again.retry(first.id))
        await world.gate.entered.wait()
    world.gate.open.set()
    async with world.engine(tmp_path) as engine:
        live = engine.live(again.id)
        assert live is not None
        await ended(live)
        assert ("completed", {"x": 1}) == (live.record.state, final(live))
        assert {"a": first.id} == reused(live)
    assert ["a", "b", "b"] == world.calls


async def test_what_cannot_be_retried_is_refused(tmp_path: Path) -> None:
    """One that runs, one that completed, one that is not there."""
    world = World()
    world.mended = True
    async with world.engine(tmp_path) as engine:
        held = await engine.submit(document({"h": "held"}))
        with pytest.raises(Conflict, match="has not ended yet"):
            await engine.again.retry(held.id)
        world.gate.open.set()
        await ended(held)
        with pytest.raises(Conflict, match="nothing to retry"):
            await engine.again.retry(held.id)
        with pytest.raises(NotFound):
            await engine.again.retry("nobody")
    async with world.engine(None) as engine:
        done = await ran(engine, CHAIN)
        with pytest.raises(NotAvailable):
            await engine.again.retry(done.id)
