"""What becomes of nodes that fail or take too long, and of what depends on them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.core.flows import HANDLERS, KINDS, branch, document, fail, give, run

from caudal_core import Config, Context, Field, Handler, handler
from caudal_core.testing import memory_engine

FAILS = pytest.mark.parametrize("kind", ["fail", "failThread", "failAsync"])


# -- failures -------------------------------------------------------------------------------------


@FAILS
def test_a_failure_fails_the_execution(kind: str) -> None:
    """The execution ends failed, with «label (id): cause; what to do»."""
    node = {"type": kind, "label": "Read the meter", "config": {"message": "no answer"}}
    found = run({"m7": node})
    assert ("failed", "Read the meter (m7): no answer; mend it") == (found.status, found.error)
    assert {"code": "HANDLER", "message": "no answer", "hint": "mend it"}.items() <= (
        found.run("m7").error or {}
    ).items()


def test_every_failure_is_named() -> None:
    """Each failed node has a line of its own, and independent branches go on."""
    nodes = {"x": fail("first"), "y": fail("second", label="Why"), "a": give(1), "b": "passThread"}
    found = run(nodes, "a b")
    assert "fail (x): first; mend it\nWhy (y): second; mend it" == found.error
    assert {"x": "failed", "y": "failed", "a": "completed", "b": "completed"} == found.statuses
    assert {"b": 1} == found.output


@FAILS
def test_a_failure_poisons(kind: str) -> None:
    """What depends on a failed node is skipped even if another connection delivers."""
    nodes = {"x": kind, "a": give([1]), "m": "pass", "end": "pass", "j": "join"}
    found = run(nodes, "a m", "x m", "m end", "a j.A", "x j.B")
    assert {"x": "failed", "a": "completed", "m": "skipped", "end": "skipped", "j": "skipped"} == (
        found.statuses
    )


def test_poison_is_stronger_than_a_branch() -> None:
    """Behind a node that was skipped for a failure all is skipped, whatever else delivers."""
    nodes = {"x": fail(), "s": "pass", "c": branch("false"), "t": "pass", "end": "pass"}
    found = run(nodes, "x s", "c.true t", "s t", "t end", "c.false end")
    assert {"s": "skipped", "t": "skipped", "end": "skipped"}.items() <= found.statuses.items()


def test_a_branch_not_taken_does_not_poison() -> None:
    """Behind a node that was skipped for a branch, what another connection delivers to runs."""
    nodes = {"c": branch("false"), "s": "pass", "t": "pass", "a": give(1), "end": "pass"}
    found = run(nodes, "c.true s", "s t", "t end", "a end")
    assert ({"t": "skipped", "end": "completed"}.items() <= found.statuses.items(), 1) == (
        True,
        found.output,
    )


@FAILS
def test_on_error_continue(kind: str) -> None:
    """The input is handed on unchanged, the node is failed and the execution is not."""
    value = [{"a": 1}, {"b": None}]
    nodes = {"a": give(value), "x": {"type": kind, "onError": "continue"}, "b": "pass"}
    found = run(nodes, "a x", "x b")
    assert ("completed", None, value) == (found.status, found.error, found.output)
    assert {"a": "completed", "x": "failed", "b": "completed"} == found.statuses
    assert {"out": value} == found.outputs("x")


def test_on_error_continue_leaves_by_the_first_port() -> None:
    """A node with several ports hands its input on by the first of them."""

    @handler("failing", outputs=("yes", "no"))
    def failing(config: Config, data: Any, ctx: Context) -> Any:
        raise ValueError

    nodes = {"x": {"type": "failing", "onError": "continue"}, "y": "pass", "n": "pass"}
    found = run(nodes, "x.yes y", "x.no n", inputs={"i": 1}, more=(failing,))
    assert ("completed", {"y": {"i": 1}}) == (found.status, found.output)


@FAILS
def test_on_error_branch(kind: str) -> None:
    """Error, node and input leave by the port `error`; the other ports are not taken."""
    node = {"type": kind, "onError": "branch", "config": {"message": "no answer"}}
    nodes = {"a": give({"v": 1}), "x": node, "ok": "pass", "mend": "pass"}
    found = run(nodes, "a x", "x ok", "x.error mend")
    assert ("completed", None) == (found.status, found.error)
    assert {"x": "failed", "ok": "skipped", "mend": "completed"}.items() <= found.statuses.items()
    assert {"node": "x", "input": {"v": 1}}.items() <= found.output["mend"].items()
    assert "no answer" == found.output["mend"]["error"]["message"]


def test_on_error_branch_without_a_branch() -> None:
    """The execution does not fail either if nothing is connected to the port `error`."""
    nodes = {"x": fail(onError="branch"), "ok": "pass"}
    found = run(nodes, "x ok")
    assert ("completed", "skipped") == (found.status, found.statuses["ok"])


def test_on_error_branch_of_a_node_that_works() -> None:
    """If nothing fails the port `error` is a branch not taken."""
    nodes = {"a": give(1, onError="branch"), "ok": "pass", "mend": "pass"}
    found = run(nodes, "a ok", "a.error mend")
    assert ({"ok": 1}, "skipped") == (found.output, found.statuses["mend"])


def test_on_error_branch_of_a_join() -> None:
    """The input of a node with several ports is an object by port."""

    @handler("failing", inputs=("A", "B"))
    def failing(config: Config, data: Any, ctx: Context) -> Any:
        raise ValueError

    nodes = {"a": give(1), "b": give(2), "x": {"type": "failing", "onError": "branch"}, "m": "pass"}
    found = run(nodes, "a x.A", "b x.B", "x.error m", more=(failing,))
    assert {"A": 1, "B": 2} == found.output["input"]


@pytest.mark.parametrize("policy", ["continue", "branch"])
def test_a_mixed_merge_obeys_on_error(policy: str) -> None:
    """What cannot be merged is a failure of the node as any other."""
    nodes = {"a": give([1]), "b": give({}), "m": {"type": "pass", "onError": policy}, "e": "pass"}
    connections = ["a m", "b m", "m.error e"] if policy == "branch" else ["a m", "b m", "m e"]
    found = run(nodes, *connections)
    assert ("completed", "failed") == (found.status, found.statuses["m"])
    handed_on = found.output["input"] if policy == "branch" else found.output
    assert [[1], {}] == handed_on


def test_a_node_with_several_ports_that_continues() -> None:
    """With `continue` nothing of what came in by several ports is lost."""

    @handler("failing", inputs=("A", "B"))
    def failing(config: Config, data: Any, ctx: Context) -> Any:
        raise ValueError

    node = {"type": "failing", "onError": "continue"}
    nodes = {"a": give(1), "b": give(2), "x": node, "m": "pass"}
    found = run(nodes, "a x.A", "b x.B", "x m", more=(failing,))
    assert {"A": 1, "B": 2} == found.output


# -- retries and limits ---------------------------------------------------------------------------


class Times(Config):
    """How often to fail first."""

    failures: int = Field(0)


def flaky(calls: list[int], kind: str) -> Handler:
    """A handler that fails as often as its config says, then hands on its attempt."""

    def act(config: Times, data: Any, ctx: Context) -> Any:
        calls.append(ctx.attempt)
        if len(calls) <= config.failures:
            message = f"failure {len(calls)}"
            raise ValueError(message)
        return {"attempt": ctx.attempt, "key": ctx.idempotency_key, "data": data}

    async def act_async(config: Times, data: Any, ctx: Context) -> Any:
        return act(config, data, ctx)

    made = act_async if kind == "async" else act
    return handler("flaky", light=kind == "light")(made)


@KINDS
def test_retries_are_tries_after_the_first(kind: str) -> None:
    """`retries: 2` is three attempts, each with a record of its own."""
    calls: list[int] = []
    node = {"type": "flaky", "retries": 2, "config": {"failures": 9}}
    found = run({"a": node, "b": "pass"}, "a b", more=(flaky(calls, kind),))
    attempts = [run for run in found.runs if run.node_id == "a"]
    assert [1, 2, 3] == calls == [attempt.attempt for attempt in attempts]
    assert ["failed"] * 3 == [attempt.state for attempt in attempts]
    assert ["failure 1", "failure 2", "failure 3"] == [
        (attempt.error or {})["message"].removeprefix("ValueError: ") for attempt in attempts
    ]
    assert ("failed", "skipped") == (found.status, found.statuses["b"])
    assert 4 == len({attempt.id for attempt in found.runs})


@KINDS
def test_a_retry_that_helps(kind: str) -> None:
    """The attempt that works is the result; what failed before stays recorded."""
    calls: list[int] = []
    node = {"type": "flaky", "retries": 5, "config": {"failures": 2}}
    found = run({"a": give({"v": 1}), "x": node}, "a x", more=(flaky(calls, kind),))
    assert ("completed", None, 3) == (found.status, found.error, found.output["attempt"])
    assert {"v": 1} == found.output["data"]
    states = [(run.attempt, run.state) for run in found.runs if run.node_id == "x"]
    assert [(1, "failed"), (2, "failed"), (3, "completed")] == states


def test_attempts_have_one_key() -> None:
    """All attempts at a node carry the same idempotency key, another node another."""
    calls: list[int] = []
    keys: list[str] = []

    @handler("keys")
    def keyed(config: Config, data: Any, ctx: Context) -> Any:
        keys.append(ctx.idempotency_key)
        raise ValueError

    run({"a": {"type": "keys", "retries": 2}, "b": "keys"}, more=(keyed, flaky(calls, "light")))
    assert [1, 3] == sorted(keys.count(key) for key in set(keys))


def test_a_retry_waits() -> None:
    """Between two attempts lie at least the seconds that the node asks for."""
    calls: list[int] = []
    node = {"type": "flaky", "retries": 1, "retryDelaySeconds": 0.2, "config": {"failures": 1}}
    found = run({"a": node}, more=(flaky(calls, "light"),))
    first, second = found.runs
    assert first.started is not None
    assert second.started is not None
    assert second.started - first.started >= 0.2


def test_a_retried_failure_counts_once() -> None:
    """An attempt that another one follows is no failed node."""
    calls: list[int] = []
    node = {"type": "flaky", "retries": 3, "config": {"failures": 3}}

    async def counters() -> tuple[int, int, int]:
        async with memory_engine(*HANDLERS, flaky(calls, "light")) as engine:
            execution = await engine.submit(document({"a": node}))
            assert await execution.finished(30)
            record = execution.record
            return record.completed_nodes, record.failed_nodes, record.percentage

    assert (1, 0, 100) == asyncio.run(counters())


@handler("forever")
async def forever(config: Config, data: Any, ctx: Context) -> None:
    """Never end."""
    await asyncio.sleep(1000)


@handler("foreverThread")
def forever_thread(config: Config, data: Any, ctx: Context) -> None:
    """Not end as long as anybody waits."""
    while True:
        ctx.check()


@handler("foreverHolding")
async def forever_holding(config: Config, data: Any, ctx: Context) -> None:
    """Keep the event loop busy, but look at the clock."""
    while True:
        ctx.check()


@pytest.mark.parametrize(
    "made", [forever, forever_thread, forever_holding], ids=lambda made: made.type
)
@pytest.mark.parametrize("retries", [0, 2])
def test_a_time_limit(made: Handler, retries: int) -> None:
    """A node that takes too long fails with its limit in seconds, in each of its attempts."""
    node = {"type": made.type, "timeoutSeconds": 0.5 if not retries else 0.05, "retries": retries}
    found = run({"a": node}, more=(made,))
    limit = node["timeoutSeconds"]
    assert ("failed", 1 + retries) == (found.status, len(found.runs))
    for attempt in found.runs:
        error = attempt.error or {}
        assert ("TIMEOUT", f"timed out after {limit} s") == (error["code"], error["message"])


def test_a_light_node_with_a_limit() -> None:
    """A time limit holds for a light handler too: it is not called on the event loop then."""

    @handler("stuck", light=True)
    def stuck(config: Config, data: Any, ctx: Context) -> None:
        while not ctx.cancelled:
            pass

    found = run({"a": {"type": "stuck", "timeoutSeconds": 0.05}}, more=(stuck,))
    assert "stuck (a): timed out after 0.05 s" in (found.error or "")


def test_a_limit_that_is_kept() -> None:
    """A node that ends in time is not touched by its limit."""
    found = run({"a": {"type": "passThread", "timeoutSeconds": 30}}, inputs={"x": 1})
    assert ("completed", {"x": 1}) == (found.status, found.output)


def test_an_effect_that_timed_out_is_not_repeated() -> None:
    """An effect that must not be repeated and ran out of time is interrupted, not tried again."""
    calls: list[int] = []

    @handler("sms", effect="at_most_once")
    async def sms(config: Config, data: Any, ctx: Context) -> None:
        calls.append(ctx.attempt)
        await asyncio.sleep(1000)

    node = {"type": "sms", "timeoutSeconds": 0.05, "retries": 2}
    found = run({"a": node}, more=(sms,))
    assert ([1], "interrupted", "failed") == (calls, found.statuses["a"], found.status)


def test_the_limit_of_the_execution() -> None:
    """An execution that takes too long fails with its limit; what has not ended is cancelled."""
    nodes = {"a": give(1), "x": "forever", "y": "pass"}
    found = run(nodes, "x y", more=(forever,), settings={"timeoutSeconds": 0.1})
    assert ("failed", "the execution timed out after 0.1 s") == (found.status, found.error)
    assert {"a": "completed", "x": "cancelled", "y": "cancelled"} == found.statuses
