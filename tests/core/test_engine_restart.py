"""What an engine goes on with that finds executions which had not ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.core.databases import query
from tests.core.flows import document
from tests.core.lives import LONG, Life, committed, ended, final, interrupted, life, statuses

from caudal_core import Config, Context, Handler, handler
from caudal_core.errors import Unavailable

pytestmark = pytest.mark.usefixtures("both")


async def test_what_was_accepted_is_finished(tmp_path: Path) -> None:
    """An execution that had not ended is finished by the next engine."""
    workflow = document({"a": "count", "h": "hold", "z": "count"}, "a h", "h z", id="w", name="W")
    state, view = await interrupted(tmp_path, workflow, {"day": 1}, ready=committed("a"))
    assert ("completed", {"day": 1}, "W") == (
        view.record.state,
        final(view),
        view.record.workflow_name,
    )
    assert ["a", "h", "h", "z"] == state.calls


async def test_what_was_recorded_is_not_run_again(tmp_path: Path) -> None:
    """A node whose result was recorded is never run again, and its record is as it was."""
    nodes: dict[str, Any] = {f"n{n}": "count" for n in range(20)}
    chain = [f"n{n} n{n + 1}" for n in range(19)]
    workflow = document({**nodes, "h": "hold", "z": "count"}, *chain, "n19 h", "h z")
    state, view = await interrupted(tmp_path, workflow, ready=committed("n19"))
    assert [1] * 20 == [state.calls.count(f"n{n}") for n in range(20)]
    assert (2, 1) == (state.calls.count("h"), state.calls.count("z"))
    assert (22, 22, 100) == (len(view.runs), view.record.completed_nodes, view.record.percentage)
    assert len(view.runs) == len({run.id for run in view.runs})


async def test_what_was_said_survives(tmp_path: Path) -> None:
    """Message, report and log of a node are there after the restart, under the same id."""
    workflow = document({"v": "values", "h": "hold", "z": "count"}, "v h", "h z")
    _, view = await interrupted(tmp_path, workflow, ready=committed("v"))
    run = next(run for run in view.runs if run.node_id == "v")
    assert ("many", b'{"rowCount":1}', 1) == (run.message, run.report, run.attempt)


@pytest.mark.parametrize("kind", ["values", "table"])
async def test_outputs_survive_whole(tmp_path: Path, kind: str) -> None:
    """What follows the restart sees the very value that was handed on before it."""
    workflow = document({"v": kind, "h": "hold", "z": "pass"}, "v h", "h z")
    state, view = await interrupted(tmp_path, workflow, ready=committed("v"))
    assert (1, "completed") == (state.calls.count("v"), view.record.state)
    async with life(tmp_path / "whole", *state.handlers) as engine:
        plain = await engine.submit(document({"v": kind, "z": "pass"}, "v z"))
        assert await plain.finished(LONG)
        assert (plain.record.final, plain.record.final_info is None) == (
            view.record.final,
            kind == "values",
        )
    (payload,) = (next(run for run in view.runs if run.node_id == "v").outputs or {}).values()
    assert ({"f": {"unit": "€/MWh"}} if kind == "values" else {}) == payload.metadata


async def test_failures_and_branches_survive(tmp_path: Path) -> None:
    """A recorded failure is a result as well: it is not repeated, and counts as before."""
    nodes = {
        "x": "countFailure",
        "after": "pass",
        "c": {"type": "branch", "config": {"take": ["true"]}},
        "t": "count",
        "f": "count",
        "on": {"type": "countFailure", "onError": "continue"},
        "on2": "pass",
        "br": {"type": "countFailure", "onError": "branch"},
        "br2": "pass",
        "h": "hold",
        "end": "join",
    }
    ways = ["x after", "c.true t", "c.false f", "on on2", "br.error br2", "h end.A", "f end.B"]
    settled = committed("x", "after", "c", "t", "f", "on", "on2", "br", "br2")
    state, view = await interrupted(tmp_path, document(nodes, *ways), {"i": 1}, ready=settled)
    assert ["br", "h", "h", "on", "t", "x"] == sorted(state.calls)
    assert {
        "x": "failed",
        "after": "skipped",
        "c": "completed",
        "t": "completed",
        "f": "skipped",
        "on": "failed",
        "on2": "completed",
        "br": "failed",
        "br2": "completed",
        "h": "completed",
        "end": "completed",
    } == statuses(view)
    assert ("failed", "countFailure (x): ValueError: no answer") == (
        view.record.state,
        view.record.error,
    )
    found = final(view)
    assert ({"i": 1}, {"A": {"i": 1}}, "br") == (found["on2"], found["end"], found["br2"]["node"])


async def test_retries_go_on(tmp_path: Path) -> None:
    """A node that still had attempts left gets those, each once, at the moment they were due."""
    attempts: list[int] = []

    def flaky(*, second: bool) -> Handler:
        @handler("flaky", light=True)
        def made(config: Config, data: Any, ctx: Context) -> Any:
            attempts.append(ctx.attempt)
            if not second:
                raise ValueError
            return "done"

        return made

    workflow = document({"x": {"type": "flaky", "retries": 3, "retryDelaySeconds": 1000}})
    async with life(tmp_path, flaky(second=False)) as engine:
        execution = await engine.submit(workflow)
        async with asyncio.timeout(LONG):
            while not execution.committed:
                await execution.change(execution.version, LONG)
    ((due,),) = query(tmp_path, "SELECT due FROM timer WHERE kind = 'retry'")
    assert 1000 <= due - (execution.committed[0].started or 0) <= 1101
    query(tmp_path, "UPDATE timer SET due = 1")
    async with life(tmp_path, flaky(second=True)) as engine:
        view = await ended(engine, execution.id)
    assert ([1, 2], "completed", "done") == (attempts, view.record.state, final(view))
    assert [(1, "failed"), (2, "completed")] == [(run.attempt, run.state) for run in view.runs]
    assert (1, 0) == (view.record.completed_nodes, view.record.failed_nodes)


async def test_an_effect_with_a_key_is_repeated(tmp_path: Path) -> None:
    """An effect that carries its key was cut off: it is tried again with the same key."""
    workflow = document({"h": "holdKeyed"})
    state, view = await interrupted(tmp_path, workflow)
    assert ("completed", 2, 1) == (view.record.state, len(state.keys), len(set(state.keys)))
    assert [1] == [run.attempt for run in view.runs]


async def test_an_effect_that_must_not_be_repeated(tmp_path: Path) -> None:
    """One that was cut off is interrupted, as nobody knows whether it happened."""
    workflow = document({"h": "holdOnce", "z": "count"}, "h z")
    state, view = await interrupted(tmp_path, workflow)
    assert ["h"] == state.calls
    assert ("failed", {"h": "interrupted", "z": "skipped"}) == (view.record.state, statuses(view))
    assert "nobody knows how that went" in (view.record.error or "")


async def test_a_cancelled_execution_does_not_come_back(tmp_path: Path) -> None:
    """If somebody cancelled before the end, the next engine does not go on."""
    state = Life()
    async with life(tmp_path, *state.handlers) as engine:
        execution = await engine.submit(document({"a": "count", "h": "hold"}, "a h"))
        await asyncio.wait_for(state.held.wait(), LONG)
    query(tmp_path, "UPDATE execution SET cancel_requested = 1")
    state.second = True
    async with life(tmp_path, *state.handlers) as engine:
        found = engine.live(execution.id)
        assert found is not None
        assert await found.finished(LONG)
        assert "cancelled" == found.record.state
    assert ["a", "h"] == state.calls


async def test_a_finished_execution_is_left_alone(tmp_path: Path) -> None:
    """What had ended is not touched, however often the server starts."""
    state = Life()
    async with life(tmp_path, *state.handlers) as engine:
        execution = await engine.submit(document({"a": "count"}))
        assert await execution.finished(LONG)
        before = execution.record.completed
    for _ in range(2):
        async with life(tmp_path, *state.handlers) as engine:
            assert [] == list(engine.unfinished)
            view = await engine.view(execution.id)
            assert ("completed", before) == (view.record.state, view.record.completed)
    assert ["a"] == state.calls


async def test_what_was_being_ended_is_ended(tmp_path: Path) -> None:
    """An execution that timed out never becomes completed, whenever its server died."""
    state = Life()
    workflow = document({"h": "hold", "z": "count"}, "h z", settings={"timeoutSeconds": 600})
    async with life(tmp_path, *state.handlers) as engine:
        execution = await engine.submit(workflow)
        await asyncio.wait_for(state.held.wait(), LONG)
        await engine.cancel(execution.id)
        await execution.finished(LONG)
    text = "UPDATE execution SET state='running', completed=NULL, cancel_requested=NULL, "
    query(tmp_path, f"{text}started=started - 3600")
    async with life(tmp_path, *state.handlers) as engine:
        view = await ended(engine, execution.id)
    assert ("failed", {"h": "cancelled", "z": "cancelled"}) == (view.record.state, statuses(view))
    assert "the execution timed out after 600 s" == view.record.error


async def test_whoever_waits_is_told_that_the_engine_closed(tmp_path: Path) -> None:
    """`finished()` of an execution that goes on at the next start ends with an error."""
    state = Life()
    async with life(tmp_path, *state.handlers) as engine:
        execution = await engine.submit(document({"h": "hold"}))
        await asyncio.wait_for(state.held.wait(), LONG)
        waiting = asyncio.create_task(execution.finished())
    with pytest.raises(Unavailable, match="the engine has closed"):
        await asyncio.wait_for(waiting, LONG)
