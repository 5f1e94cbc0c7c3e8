"""What an execution comes to, and what is told of it on the way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.core.flows import HANDLERS, branch, document, fail, give, run

from caudal_core import Config, Context, Outputs, handler
from caudal_core.payload import LARGE
from caudal_core.testing import memory_engine

# -- the result -----------------------------------------------------------------------------------


def test_the_output_node_is_the_result() -> None:
    """With one output node the final output is its data, whatever other leaves there are."""
    found = run({"a": give(1), "o": "output", "leaf": give(2)}, "a o", "a leaf")
    assert 1 == found.output


def test_several_output_nodes() -> None:
    """With several it is an object by node id, in which a skipped one is missing."""
    nodes = {"c": branch("true"), "o1": "output", "o2": "output", "o3": "output"}
    found = run(nodes, "c.true o1", "c.true o3", "c.false o2", inputs={"x": 1})
    assert {"o1": {"x": 1}, "o3": {"x": 1}} == found.output


def test_several_output_nodes_of_which_one_ran() -> None:
    """It is an object by node id also where all but one were skipped."""
    nodes = {"c": branch("true"), "o1": "output", "o2": "output"}
    assert {"o1": {}} == run(nodes, "c.true o1", "c.false o2").output


def test_an_output_node_that_was_skipped() -> None:
    """A single output node that was skipped leaves no final output."""
    found = run({"c": branch("true"), "o": "output", "leaf": "pass"}, "c.false o", "c.true leaf")
    assert ("completed", None) == (found.status, found.output)


def test_leaves_are_the_result() -> None:
    """Without an output node one leaf gives its data, several an object by node id."""
    assert 1 == run({"a": give(0), "b": give(1)}, "a b").output
    assert {"b": 1, "c": 2} == run({"a": give(0), "b": give(1), "c": give(2)}, "a b", "a c").output


def test_a_leaf_with_several_ports() -> None:
    """A leaf that took several ports gives an object by port; one that took one gives its data."""
    assert {"true": {}, "false": {}} == run({"c": branch("true", "false")}).output
    assert {} == run({"c": branch("false")}).output


def test_comments_are_no_result() -> None:
    """A comment at the end of a branch is no leaf, and a loose one is no node."""
    nodes = {"a": give(1), "b": give(2), "note": "comment", "loose": "comment"}
    found = run(nodes, "a b", "b note")
    assert (2, {"a", "b", "note"}) == (found.output, set(found.statuses))


def test_the_result_of_a_failed_execution() -> None:
    """What did get to the end is there also when something else failed."""
    assert {"a": 1} == run({"a": give(1), "x": fail()}).output


async def final(nodes: dict[str, Any], *connections: str) -> tuple[Any, Any]:
    """The final output and what is said of its size."""
    from caudal_core.values import decode

    async with memory_engine(*HANDLERS) as engine:
        execution = await engine.submit(document(nodes, *connections))
        assert await execution.finished(30)
        record = execution.record
        return (
            decode(record.final or b"null"),
            decode(record.final_info) if record.final_info else None,
        )


TABLE = [{"n": index, "text": "x" * 100} for index in range(1000)]


async def test_a_large_result_is_shown_in_part() -> None:
    """Above 64 kB the final output is its first 20 records, with the true size beside it."""
    output, info = await final({"a": give(TABLE), "o": "output"}, "a o")
    assert TABLE[:20] == output
    assert info is not None
    assert (True, 1000) == (info["truncated"], info["rows"])
    assert info["bytes"] > 100_000 > LARGE


async def test_a_result_that_is_just_small_enough() -> None:
    """Up to 64 kB it is whole."""
    text = "x" * (LARGE - 2)
    assert (text, None) == await final({"a": give(text)})


@pytest.mark.parametrize("other", [1, TABLE], ids=["small", "large"])
async def test_large_results_of_several(other: Any) -> None:
    """Of several results that are large together each is shown in part, and that is said."""
    output, info = await final({"a": give(TABLE), "b": give(other)})
    assert {"a", "b"} == set(output)
    assert TABLE[0] == output["a"][0]
    assert len(output["a"]) <= 20
    assert info is not None
    assert info["truncated"] is True


async def test_a_large_result_by_several_ports() -> None:
    """A leaf that took several ports says as well that what it shows is a part."""
    nodes = {"a": give(TABLE), "c": branch("true", "false")}
    output, info = await final(nodes, "a c")
    assert {"true": TABLE[:20], "false": TABLE[:20]} == output
    assert info is not None
    assert info["truncated"] is True


# -- how far it is --------------------------------------------------------------------------------


async def test_skipped_nodes_count_as_done() -> None:
    """A completed execution is at 100 %, with skipped nodes among the completed ones."""
    nodes = {"c": branch("true"), "t": "pass", "f": "pass", "f2": "pass"}
    async with memory_engine(*HANDLERS) as engine:
        execution = await engine.submit(document(nodes, "c.true t", "c.false f", "f f2"))
        assert await execution.finished(30)
        record = execution.record
        assert (4, 4, 0, 100) == (
            record.total_nodes,
            record.completed_nodes,
            record.failed_nodes,
            record.percentage,
        )
        assert (None, True) == (
            execution.current_node_id,
            (record.completed or 0) >= record.created,
        )


async def test_the_counts_of_a_failed_execution() -> None:
    """A failed execution is not at 100 %, and counts what failed."""
    async with memory_engine(*HANDLERS) as engine:
        execution = await engine.submit(document({"a": give(1), "x": fail(), "y": "pass"}, "x y"))
        assert await execution.finished(30)
        record = execution.record
        assert (3, 2, 1) == (record.total_nodes, record.completed_nodes, record.failed_nodes)
        assert record.percentage < 100


async def test_progress_never_falls() -> None:
    """Whoever looks at every change sees counts that only rise."""
    nodes: dict[str, Any] = {f"n{index}": "passAsync" for index in range(30)}
    chain = [f"n{index} n{index + 1}" for index in range(29)]
    seen: list[int] = []
    async with memory_engine(*HANDLERS) as engine:
        execution = await engine.submit(document(nodes, *chain))
        version = -1
        while not execution.record.finished:
            await execution.change(version, 30)
            version = execution.version
            seen.append(execution.record.percentage)
    assert (sorted(seen), 100) == (seen, seen[-1])


async def test_the_current_node() -> None:
    """The current node is the one started last among those that run."""
    gate = asyncio.Event()

    @handler("held")
    async def held(config: Config, data: Any, ctx: Context) -> Any:
        await gate.wait()

    async with memory_engine(*HANDLERS, held) as engine:
        execution = await engine.submit(document({"a": "held", "b": "held", "c": give(1)}))
        while len(execution.committed) < 1:
            await execution.change(execution.version, 30)
        assert ("running", "b") == (execution.record.state, execution.current_node_id)
        gate.set()
        assert await execution.finished(30)
        assert None is execution.current_node_id


# -- what a node says -----------------------------------------------------------------------------


def test_warnings_are_in_the_log_of_the_node() -> None:
    """A config key that means nothing is told in the node's own log."""
    found = run({"a": give(1) | {"config": {"value": 1, "vaule": 2}}})
    notes = found.run("a").notes
    assert notes is not None
    (line,) = notes.log
    assert "warning" == line["level"]
    assert "'vaule' is not known; did you mean 'value'?" in line["message"]


def test_what_a_node_says_is_kept() -> None:
    """Message, report and log of a node are with its record; a failed one keeps its log."""

    @handler("speaker", light=True)
    def speaker(config: Config, data: Any, ctx: Context) -> Any:
        ctx.log.info("read %d pages", 3)
        ctx.say("done", row_count=3)
        if data == "fail":
            raise ValueError
        return data

    found = run(
        {"a": give(1), "b": "speaker", "f": give("fail"), "g": "speaker"},
        "a b",
        "f g",
        more=(speaker,),
    )
    spoke = found.run("b")
    assert ("done", b'{"rowCount":3}') == (spoke.message, spoke.report)
    for key in ("b", "g"):
        notes = found.run(key).notes
        assert notes is not None
        assert [{"level": "info", "message": "read 3 pages"}] == notes.log


def test_a_port_that_is_not_there() -> None:
    """A typo in a port fails the node instead of leaving a branch untaken."""

    @handler("typo", outputs=("yes", "no"), light=True)
    def typo(config: Config, data: Any, ctx: Context) -> Outputs:
        return Outputs(ja=1)

    found = run({"a": "typo"}, more=(typo,))
    assert "failed" == found.status
    assert "returned the port 'ja'; it has 'yes', 'no'" in (found.error or "")
