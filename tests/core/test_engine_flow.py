"""How data moves through a workflow, and which nodes run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.core.flows import HANDLERS, branch, document, fail, give, received, run

from caudal_core import Config, Context, handler
from caudal_core.testing import memory_engine, run_on

PASSES = pytest.mark.parametrize("kind", ["pass", "passThread", "passAsync"])


class Gather:
    """Handlers that wait until as many of them run as there are, so that they run at one time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.inside = 0
        self.together = asyncio.Event()

        @handler("together")
        async def together(config: Config, data: Any, ctx: Context) -> Any:
            self.inside += 1
            if self.inside == self.count:
                self.together.set()
            await self.together.wait()
            return data

        self.handler = together


# -- roots and connections ------------------------------------------------------------------------


@PASSES
@pytest.mark.parametrize("inputs", [{}, {"day": "2026-01-31", "n": [1, {"a": None}]}])
def test_roots_receive_the_inputs(kind: str, inputs: dict[str, Any]) -> None:
    """Every node that nothing leads to receives the execution's inputs, an empty object if none."""
    found = run({"a": kind, "b": kind}, inputs=inputs)
    assert {"a": inputs, "b": inputs} == found.output


@PASSES
@pytest.mark.parametrize(
    "value", [None, True, 0, 1.5, "", "ñ €", [], {}, [1, "a", None], [{"a": 1}, {"b": 2}]], ids=repr
)
def test_one_connection_hands_on_the_output(kind: str, value: Any) -> None:
    """With one incoming connection the input is what the other node handed on."""
    found = run({"a": give(value), "b": kind}, "a b")
    assert ("completed", value) == (found.status, found.output)
    assert {"in": value} == received(found, "b")


def test_a_workflow_of_one_node() -> None:
    """A workflow may be a single node."""
    assert 7 == run({"a": give(7)}).output


def test_values_of_manual_inputs_are_theirs_alone() -> None:
    """Keys of the inputs that are ids of `manualInput` nodes do not reach the roots."""

    @handler("manualInput")
    def manual(config: Config, data: Any, ctx: Context) -> Any:
        return ctx.inputs.get(ctx.node_id)

    nodes = {"m": "manualInput", "p": "pass"}
    found = run(nodes, inputs={"m": 5, "day": 1, "_webhookData": 2}, more=(manual,))
    assert {"m": 5, "p": {"day": 1, "_webhookData": 2}} == found.output


def test_records_are_concatenated() -> None:
    """Lists into one port follow each other in the order of the connections."""
    nodes = {"a": give([{"n": 1}]), "b": give([{"n": 2}, {"n": 3}]), "c": give([]), "m": "pass"}
    assert [{"n": 2}, {"n": 3}, {"n": 1}] == run(nodes, "b m", "c m", "a m").output


def test_objects_are_merged() -> None:
    """Objects into one port become one, the later connection winning."""
    nodes = {"a": give({"x": 1, "y": 1}), "b": give({"y": 2, "z": 2}), "m": "pass"}
    assert {"x": 1, "y": 2, "z": 2} == run(nodes, "a m", "b m").output
    assert {"x": 1, "y": 1, "z": 2} == run(nodes, "b m", "a m").output


def test_merging_changes_nobody() -> None:
    """What was merged is still handed on as it was to everybody else."""
    nodes = {"a": give({"x": 1}), "b": give({"y": 2}), "m": "pass", "n": "pass"}
    found = run(nodes, "a m", "b m", "a n")
    assert {"m": {"x": 1, "y": 2}, "n": {"x": 1}} == found.output


def test_the_order_is_that_of_the_connections() -> None:
    """Which node ends first does not matter for the order in which lists are put together."""

    @handler("late")
    async def late(config: Config, data: Any, ctx: Context) -> Any:
        await asyncio.sleep(0.02)
        return [{"from": "late"}]

    nodes = {"slow": "late", "quick": give([{"from": "quick"}]), "m": "pass"}
    found = run(nodes, "slow m", "quick m", more=(late,))
    assert [{"from": "late"}, {"from": "quick"}] == found.output


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (([{"a": 1}], {"a": 1}), ["records", "an object"]),
        (({"a": 1}, [{"a": 1}]), ["records", "an object"]),
        (([{"a": 1}], None), ["records", "null"]),
        (([], "text"), ["records", "a text"]),
        (({"a": 1}, "text"), ["an object", "a text"]),
        (({"a": 1}, 5), ["an object", "a number"]),
        (("one", "two"), ["a text"]),
        ((None, None), ["null"]),
    ],
)
def test_what_cannot_be_merged(values: tuple[Any, Any], words: list[str]) -> None:
    """Records and anything else do not go together: the node fails, says so and suggests a join."""
    found = run({"a": give(values[0]), "b": give(values[1]), "m": "pass"}, "a m", "b m")
    error = found.run("m").error
    assert error is not None
    assert ("failed", "MIXED_MERGE") == (found.status, error["code"])
    assert [] == [word for word in [*words, "'in'"] if word not in error["message"]]
    assert ("records" in words) == ("records" in error["message"])
    assert "join" in error["hint"]


def test_two_connections_between_two_nodes() -> None:
    """Both count: the second node runs once, when both have delivered."""
    nodes = {"a": {"type": "branch", "config": {"take": ["true", "false"]}}, "j": "join"}
    found = run(nodes, "a.true j.A", "a.false j.B", inputs={"x": 1})
    assert {"A": {"x": 1}, "B": {"x": 1}} == found.output
    assert 2 == len(found.runs)


def test_the_ports_of_a_join_by_position() -> None:
    """Without named ports the first connection enters A and the second B."""
    nodes = {"a": give(1), "b": give(2), "j": "join"}
    assert {"A": 2, "B": 1} == run(nodes, "b j", "a j").output


# -- at what time ---------------------------------------------------------------------------------


async def test_independent_nodes_run_at_one_time() -> None:
    """Nodes that do not depend on each other are under way together."""
    gate = Gather(5)
    async with memory_engine(*HANDLERS, gate.handler) as engine:
        nodes = {f"n{index}": "together" for index in range(5)}
        assert "completed" == (await run_on(engine, document(nodes))).status


async def test_a_node_does_not_wait_for_its_layer() -> None:
    """A node runs as soon as all that it depends on has ended, however slow its neighbours are."""
    gate = asyncio.Event()

    @handler("slow")
    async def slow(config: Config, data: Any, ctx: Context) -> Any:
        await gate.wait()

    @handler("last")
    async def last(config: Config, data: Any, ctx: Context) -> Any:
        gate.set()

    nodes = {"a": "passAsync", "slow": "slow", "b": "passThread", "c": "pass", "d": "last"}
    async with memory_engine(*HANDLERS, slow, last) as engine:
        found = await run_on(engine, document(nodes, "a b", "b c", "c d"))
    assert "completed" == found.status


@pytest.mark.parametrize("most", [1, 3])
async def test_max_concurrency(most: int) -> None:
    """No more nodes of an execution are under way than its settings allow."""
    now: list[str] = []
    seen: list[int] = []

    @handler("count")
    async def count(config: Config, data: Any, ctx: Context) -> Any:
        now.append(ctx.node_id)
        seen.append(len(now))
        await asyncio.sleep(0.002)
        now.remove(ctx.node_id)

    nodes = {f"n{index}": "count" for index in range(9)}
    async with memory_engine(count) as engine:
        workflow = document(nodes, settings={"maxConcurrency": most})
        assert "completed" == (await run_on(engine, workflow)).status
    assert most == max(seen)


# -- branches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", ["true", "false"])
def test_the_branch_not_taken_is_skipped(taken: str) -> None:
    """What hangs only on a port that was not taken is skipped, and so is all behind it."""
    nodes = {"c": branch(taken), "t": "pass", "f": "pass", "t2": "pass", "f2": "pass"}
    found = run(nodes, "c.true t", "c.false f", "t t2", "f f2")
    other = {"true": "f", "false": "t"}[taken]
    skipped = {other, f"{other}2"}
    assert "completed" == found.status
    assert {key: "skipped" if key in skipped else "completed" for key in nodes} == found.statuses


def test_no_port_taken() -> None:
    """A node may take no port at all; then all that hangs on it is skipped."""
    found = run({"c": branch(), "t": "pass", "f": "pass"}, "c.true t", "c.false f")
    assert ("completed", {}) == (found.status, found.output)
    assert {"c": "completed", "t": "skipped", "f": "skipped"} == found.statuses


def test_branches_meet_again() -> None:
    """A node with several connections runs if one of them delivers."""
    nodes = {"c": branch("false"), "t": give(1), "f": give(2), "end": "pass"}
    found = run(nodes, "c.true t", "c.false f", "t end", "f end")
    assert ("completed", 2, "skipped") == (found.status, found.output, found.statuses["t"])


def test_a_join_of_which_one_side_was_skipped() -> None:
    """A join whose B was skipped runs and gets nothing for B."""
    nodes = {"a": give(1), "c": branch("true"), "b": give(2), "j": "join"}
    found = run(nodes, "a j.A", "c.false b", "b j.B")
    assert {"A": 1} == found.output


def test_a_join_of_which_both_sides_were_skipped() -> None:
    """If nothing delivers it is skipped, and not taken for a root."""
    nodes = {"c": branch("true"), "a": give(1), "b": give(2), "j": "join"}
    found = run(nodes, "c.false a", "c.false b", "a j.A", "b j.B", inputs={"x": 1})
    assert ("completed", "skipped") == (found.status, found.statuses["j"])


def test_a_skipped_node_says_why() -> None:
    """Why a node was skipped stands in its message."""
    nodes = {"c": branch("true"), "s": "pass", "x": fail(), "y": "pass"}
    found = run(nodes, "c.false s", "x y")
    assert "skipped, as no branch led here" == found.run("s").message
    assert "skipped, as something it depends on failed" == found.run("y").message
