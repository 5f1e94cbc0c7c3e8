"""How data moves through a workflow, and what becomes of nodes that depend on others."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest
from tests.core.flows import HANDLERS, document, fail, give

from caudal_core import Config, Context, Field, Handler, Outputs, Records, handler
from caudal_core.payload import LARGE
from caudal_core.testing import WorkflowRun, memory_engine, run_on, run_workflow

PASSES = pytest.mark.parametrize("kind", ["pass", "passThread", "passAsync"])
FAILS = pytest.mark.parametrize("kind", ["fail", "failThread", "failAsync"])


def run(
    nodes: dict[str, Any],
    *connections: str,
    inputs: dict[str, Any] | None = None,
    more: tuple[Handler, ...] = (),
    **rest: Any,
) -> WorkflowRun:
    """Run a small workflow to its end."""
    return run_workflow(document(nodes, *connections, **rest), inputs, *HANDLERS, *more)


def received(found: WorkflowRun, node_id: str) -> Any:
    """What came in at a node, by port."""
    return {port: load.data for port, load in (found.run(node_id).input or {}).items()}


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


def branch(*ports: str, **options: Any) -> dict[str, Any]:
    """A node that takes these ports."""
    return {"type": "branch", "config": {"take": list(ports)}, **options}


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


KINDS = pytest.mark.parametrize("kind", ["light", "thread", "async"])


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


# -- one record at a time -------------------------------------------------------------------------

ROWS = [{"n": 1}, {"n": "two"}, {"n": 3}]


@pytest.mark.parametrize("kind", ["double", "doubleAsync"])
@pytest.mark.parametrize(
    ("policy", "expected"),
    [(None, None), ("drop", [{"n": 2}, {"n": 6}]), ("keep", [{"n": 2}, {"n": "two"}, {"n": 6}])],
)
def test_bad_rows(kind: str, policy: str | None, expected: Any) -> None:
    """`onRowError` says what becomes of a record that the handler refuses."""
    found = run({"a": give(ROWS), "d": {"type": kind, "onRowError": policy}}, "a d")
    assert expected == found.output
    if policy is None:
        message = (
            f"{kind} (d): row 1: n is no number; mend the row, or set onRowError to drop or keep"
        )
        assert ("failed", message) == (found.status, found.error)


# -- values ---------------------------------------------------------------------------------------

VALUES: dict[str, tuple[Any, Any]] = {
    "a whole number of any size": (2**80, 2**80),
    "a decimal of many digits": (
        Decimal("0.12345678901234567890"),
        Decimal("0.12345678901234567890"),
    ),
    "a decimal of few": (Decimal("1.50"), 1.5),
    "not a number": ([nan, inf, -inf, 1.0], [None, None, None, 1.0]),
    "a date": (date(2026, 1, 31), "2026-01-31"),
    "a time without a zone": (datetime(2026, 3, 29, 2, 30), "2026-03-29T02:30:00"),  # noqa: DTZ001
    "a duration": (timedelta(hours=1), "PT3600S"),
    "bytes": (b"\x00\xff", "AP8="),
    "a tuple": ((1, 2), [1, 2]),
    "keys that are no text": ({1: "a"}, {"1": "a"}),
    "records of several kinds": (
        [{"a": 1}, {"a": "x"}, {"a": None, "b": [1]}],
        [{"a": 1}, {"a": "x"}, {"a": None, "b": [1]}],
    ),
}


@KINDS
@pytest.mark.parametrize("case", VALUES)
def test_values_are_normalised_at_the_border(case: str, kind: str) -> None:
    """What a handler returns is brought to JSON's own types before anybody else sees it."""
    value, expected = VALUES[case]

    def make(config: Config, data: Any, ctx: Context) -> Any:
        return {"v": value}

    async def make_async(config: Config, data: Any, ctx: Context) -> Any:
        return {"v": value}

    made = handler("make", light=kind == "light")(make_async if kind == "async" else make)
    found = run({"a": "make", "b": "pass"}, "a b", more=(made,))
    assert {"v": expected} == received(found, "b")["in"] == found.output
    assert type(expected) is type(received(found, "b")["in"]["v"])


def with_units(rows: list[dict[str, Any]]) -> Handler:
    """A handler that hands on a table whose price has a unit."""

    @handler("meter", effect="pure", light=True)
    def meter(config: Config, data: Any, ctx: Context) -> Records:
        return Records(rows, metadata={"price": {"unit": "€/MWh"}})

    return meter


@pytest.mark.parametrize(
    "through", ["rows", "double", "doubleAsync", "pass", "output", "passThread"]
)
@pytest.mark.parametrize("count", [2, 3_000])
def test_what_is_known_of_a_column_travels(through: str, count: int) -> None:
    """Unit, quality and zone of a column go along through every node that hands it on."""
    rows = [{"n": index, "price": 1.5} for index in range(count)]
    found = run({"m": "meter", "x": through}, "m x", more=(with_units(rows),))
    assert "completed" == found.status
    (payload,) = (found.run("x").outputs or {}).values()
    assert {"price": {"unit": "€/MWh"}} == payload.metadata


def test_what_is_known_of_a_column_is_merged() -> None:
    """Where tables are put together, what is known of each column stays."""
    nodes = {"m": "meter", "a": give([{"n": 1}]), "r": "rows"}
    found = run(nodes, "a r", "m r", more=(with_units([{"price": 1}]),))
    (payload,) = (found.run("r").outputs or {}).values()
    assert {"price": {"unit": "€/MWh"}} == payload.metadata


def test_what_is_known_of_a_column_in_a_join() -> None:
    """A handler of several ports sees it too, and hands it on."""
    nodes = {"m": "meter", "a": give([{"n": 1}]), "t": "table"}
    found = run(nodes, "a t.A", "m t.B", more=(with_units([{"price": 1}]),))
    (payload,) = (found.run("t").outputs or {}).values()
    assert {"price": {"unit": "€/MWh"}} == payload.metadata


def test_siblings_do_not_see_each_other() -> None:
    """A handler that changes what it got changes nobody else's data."""

    @handler("vandal", light=True)
    def vandal(config: Config, data: Any, ctx: Context) -> Any:
        data[0]["a"]["b"] = "changed"
        data.clear()
        return data

    nodes = {"a": give([{"a": {"b": 1}}]), "x": "vandal", "y": "pass"}
    found = run(nodes, "a x", "a y", more=(vandal,))
    assert {"x": [], "y": [{"a": {"b": 1}}]} == found.output


def test_the_config_is_not_the_output() -> None:
    """A value of the config that is handed on can be changed without changing the config."""

    @handler("add", light=True)
    def add(config: Config, data: Any, ctx: Context) -> Any:
        data.append(len(data))
        return data

    async def twice() -> list[Any]:
        async with memory_engine(*HANDLERS, add) as engine:
            workflow = document({"a": give([1]), "b": "add"}, "a b")
            return [(await run_on(engine, workflow)).output for _ in range(2)]

    assert [[1, 1], [1, 1]] == asyncio.run(twice())


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
