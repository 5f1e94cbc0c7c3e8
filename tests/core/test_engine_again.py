"""Executions that are run again, from what failed or from any node."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import Gate, ended, states
from tests.core.flows import HANDLERS, branch, document, give

from caudal_core import Config, Context, Handler, HandlerError, handler
from caudal_core.engine import Engine, Execution, FolderStorage, Replay
from caudal_core.engine.view import ExecutionView
from caudal_core.errors import Conflict, InvalidRequest, NotAvailable, NotFound
from caudal_core.registry import Registry
from caudal_core.values import decode


class World:
    """Handlers that remember their calls, and of which some fail until the world is mended."""

    def __init__(self) -> None:
        self.mended = False
        self.calls: list[str] = []
        self.keys: list[str] = []
        self.gate = Gate()

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """`count` hands on what came in, `frail` too once the world is mended, `many` is large."""

        @handler("count", light=True)
        def count(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            ctx.log.info("counted")
            return data

        @handler("frail", effect="keyed")
        def frail(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            self.keys.append(ctx.idempotency_key)
            if not self.mended:
                raise HandlerError("the tank is empty")
            return data

        @handler("many")
        def many(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            return [{"n": n, "text": "x" * 100} for n in range(2_000)]

        return (*HANDLERS, count, frail, many, self.gate.handler)

    @asynccontextmanager
    async def engine(self, folder: Path | None) -> AsyncIterator[Engine]:
        """An engine with these handlers."""
        storage = FolderStorage(folder) if folder else None
        async with Engine(Registry.of(*self.handlers), storage=storage) as engine:
            yield engine


async def ran(engine: Engine, flow: dict[str, Any], inputs: Any = None, **more: Any) -> Execution:
    """An execution that has ended."""
    return await ended(await engine.submit(flow, inputs, **more))


async def retried(engine: Engine, execution_id: str) -> Execution:
    """Its retry, once that has ended."""
    return await ended(await engine.enter(await engine.again.retry(execution_id)))


async def replayed(engine: Engine, execution_id: str, *given: Any, **more: Any) -> Execution:
    """A replay of it, once that has ended."""
    prepared = await engine.again.replay(execution_id, Replay(*given, **more))
    return await ended(await engine.enter(prepared))


def reused(execution: Execution | ExecutionView) -> dict[str, str]:
    """By node the execution from which its run was taken over."""
    return {run.node_id: run.reused for run in execution.runs if run.reused is not None}


def final(execution: Execution | ExecutionView) -> Any:
    """The final output."""
    found = execution.record.final
    return None if found is None else decode(found)


CHAIN = document({"a": "count", "b": "frail", "c": "count"}, "a b", "b c", id="w", name="W")


# -- retry -----------------------------------------------------------------------------------------


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


# -- replay ----------------------------------------------------------------------------------------


async def test_a_replay_runs_all_again(tmp_path: Path) -> None:
    """Without a node everything runs again, with the same inputs or with others."""
    world = World()
    world.mended = True
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, CHAIN, {"x": 1})
        same = await replayed(engine, first.id)
        assert ({"x": 1}, {}) == (final(same), reused(same))
        other = await replayed(engine, first.id, inputs={"x": 2})
        assert {"x": 2} == final(other)
        assert [*"abc"] * 3 == world.calls
        assert (same.id, other.id) == (await engine.view(first.id)).retries


async def test_a_replay_from_a_node(tmp_path: Path) -> None:
    """The node and what comes after it run again; side branches and what led to it do not."""
    world = World()
    world.mended = True
    flow = document(
        {"a": "count", "b": "frail", "c": "count", "side": "count"}, "a b", "b c", "a side"
    )
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, flow, {"x": 1})
        world.calls.clear()
        again = await replayed(engine, first.id, "b")
        assert ["b", "c"] == world.calls
        assert {"a", "side"} == set(reused(again))
        assert {"c": {"x": 1}, "side": {"x": 1}} == final(again)


async def test_a_replay_with_another_input_of_a_node(tmp_path: Path) -> None:
    """The node gets what it is given instead of what leads to it, after a restart too."""
    world = World()
    world.mended = True
    flow = document({"a": "count", "h": "held", "c": "count"}, "a h", "h c")
    world.gate.open.set()
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, flow, {"x": 1})
        world.gate.open.clear()
        world.gate.entered.clear()
        prepared = await engine.again.replay(first.id, Replay("h", [{"y": 2}]))
        again = await engine.enter(prepared)
        await world.gate.entered.wait()
    world.gate.open.set()
    async with world.engine(tmp_path) as engine:
        live = engine.live(again.id)
        assert live is not None
        assert [{"y": 2}] == final(await ended(live))
    async with world.engine(tmp_path) as engine:
        view = await engine.view(again.id)
        inputs = {run.node_id: (run.input or {})["in"].data for run in view.runs}
        assert {"a": {"x": 1}, "h": [{"y": 2}], "c": [{"y": 2}]} == inputs


async def test_an_input_may_be_given_by_port(tmp_path: Path) -> None:
    """Of a node with several ports an object that has their names is taken by port."""
    world = World()
    flow = document({"a": give(1), "b": give(2), "j": "join"}, "a j.A", "b j.B")
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, flow)
        assert {"A": 1, "B": 2} == final(first)
        again = await replayed(engine, first.id, "j", {"A": 3, "B": 4})
        assert {"A": 3, "B": 4} == final(again)


async def test_a_replay_from_a_node_that_no_branch_led_to(tmp_path: Path) -> None:
    """It needs an input, and runs with it."""
    world = World()
    flow = document({"s": branch("true"), "no": "count"}, "s.false no")
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, flow, {"x": 1})
        with pytest.raises(InvalidRequest, match="give it one as inputs"):
            await engine.again.replay(first.id, Replay("no"))
        again = await replayed(engine, first.id, "no", {"y": 2})
        assert {"y": 2} == final(again)


async def test_a_replay_of_another_version(tmp_path: Path) -> None:
    """What is the same by its id and type is taken over, as far as nothing before it is new."""
    world = World()
    world.mended = True
    newer = document(
        {"a": "count", "new": "count", "b": "frail", "c": "count", "d": "count"},
        "a b",
        "a new",
        "new c",
        "b d",
        id="w",
    )
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, CHAIN, {"x": 1})
        world.calls.clear()
        again = await replayed(engine, first.id, "d", document=newer)
        assert {"a", "b"} == set(reused(again))
        assert ["c", "d", "new"] == sorted(world.calls)
        other = document({"a": give(7), "b": "frail", "c": "count"}, "a b", "b c", id="w")
        again = await replayed(engine, first.id, "c", document=other)
        assert {} == reused(again)
        assert 7 == final(again)


async def test_a_node_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error names the node, and what it is perhaps meant to be."""
    world = World()
    async with world.engine(tmp_path) as engine:
        first = await ran(engine, document({"count": "count"}))
        with pytest.raises(InvalidRequest, match=r"no node 'cuont'.*did you mean 'count'"):
            await engine.again.replay(first.id, Replay("cuont"))
        newer = document({"x": "count"})
        with pytest.raises(InvalidRequest, match=r"newest version .* has no node 'count'"):
            await engine.again.replay(first.id, Replay("count", document=newer))
        held = await engine.submit(document({"h": "held"}))
        with pytest.raises(Conflict):
            await engine.again.replay(held.id, Replay("h"))
