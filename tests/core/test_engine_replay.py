"""Executions that are done anew, from any node and with other inputs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.engines import ended
from tests.core.flows import branch, document, give
from tests.core.repeating import CHAIN, World, final, ran, replayed, reused

from caudal_core.engine import Replay
from caudal_core.errors import Conflict, InvalidRequest


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
