"""What an engine goes on with that finds executions which had not ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.core.databases import query, storage_at
from tests.core.flows import HANDLERS, document, fail, give

from caudal_core import Config, Context, Handler, Records, handler
from caudal_core.engine import Engine, Execution
from caudal_core.engine.view import ExecutionView
from caudal_core.errors import Unavailable
from caudal_core.registry import Registry
from caudal_core.values import decode

LONG = 30.0
pytestmark = pytest.mark.usefixtures("both")


class Life:
    """Handlers that know which life of the server they run in, and remember their calls."""

    def __init__(self) -> None:
        self.second = False
        self.calls: list[str] = []
        self.keys: list[str] = []
        self.held = asyncio.Event()

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """`hold` stays where it is in the first life and goes through in the second."""

        async def hold(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            self.keys.append(ctx.idempotency_key)
            if not self.second:
                self.held.set()
                await asyncio.sleep(1000)
            return data

        @handler("count", light=True)
        def count(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            return data

        @handler("countFailure", light=True)
        def count_failure(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            message = "no answer"
            raise ValueError(message)

        @handler("values", light=True)
        def values(config: Config, data: Any, ctx: Context) -> Records:
            self.calls.append(ctx.node_id)
            ctx.say("many", row_count=1)
            row = {"big": 2**70, "exact": Decimal("0.12345678901234567890"), "t": "ñ", "f": 0.1}
            return Records([row], metadata={"f": {"unit": "€/MWh"}})

        @handler("table")
        def table(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            return [{"n": n, "text": "x" * 100} for n in range(2_000)]

        effects = {"hold": "idempotent", "holdKeyed": "keyed", "holdOnce": "at_most_once"}
        held = tuple(handler(key, effect=value)(hold) for key, value in effects.items())  # type: ignore[arg-type]
        return (*HANDLERS, *held, count, count_failure, values, table)


@asynccontextmanager
async def life(folder: Path, *handlers: Handler) -> AsyncIterator[Engine]:
    """One life of the server."""
    async with Engine(Registry.of(*handlers), storage=storage_at(folder)) as engine:
        yield engine


async def ended(engine: Engine, execution_id: str) -> ExecutionView:
    """The execution, once it has ended, whether the engine took it up or not."""
    async with asyncio.timeout(LONG):
        while not (view := await engine.view(execution_id)).record.finished:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return view


async def interrupted(
    folder: Path,
    workflow: dict[str, Any],
    inputs: dict[str, Any] | None = None,
    *,
    ready: Callable[[Execution], bool] = lambda _: True,
    handlers: tuple[Handler, ...] | None = None,
) -> tuple[Life, ExecutionView]:
    """Run a workflow until a node is held, close the engine, and let another one finish it."""
    state = Life()
    async with life(folder, *state.handlers) as engine:
        execution = await engine.submit(workflow, inputs)
        await asyncio.wait_for(state.held.wait(), LONG)
        async with asyncio.timeout(LONG):
            while not ready(execution):
                await execution.change(execution.version, LONG)
    state.second = True
    async with life(folder, *(state.handlers if handlers is None else handlers)) as engine:
        return state, await ended(engine, execution.id)


def statuses(view: ExecutionView) -> dict[str, str]:
    """The status of every node."""
    return {run.node_id: run.shown for run in view.runs}


def committed(*node_ids: str) -> Callable[[Execution], bool]:
    """Whether these nodes have been recorded."""
    return lambda execution: set(node_ids) <= {run.node_id for run in execution.committed}


def final(view: ExecutionView) -> Any:
    """The final output."""
    return None if view.record.final is None else decode(view.record.final)


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
