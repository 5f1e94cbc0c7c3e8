"""Workflows of any shape against a plain evaluator that says what must come out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from caudal_core import Config, Context, Field, Handler, HandlerError, Outputs, handler
from caudal_core.testing import WorkflowRun, run_workflow

MOST = 9
"""Nodes at most: small enough for a person to read what failed."""

PORTS = ("out", "other")


class Act(Config):
    """What a node does: fail, or hand on a value or what came in by some of its ports."""

    fails: int = Field(0)
    take: list[str] = Field(default_factory=list)
    value: Any = Field(None, template=False)


def act(config: Act, data: Any, ctx: Context) -> Outputs:
    """Do as the config says."""
    if ctx.attempt <= config.fails:
        message = f"failure {ctx.attempt}"
        raise HandlerError(message)
    return Outputs(**dict.fromkeys(config.take, data if config.value is None else config.value))


@cache
def handlers() -> tuple[Handler, ...]:
    """The same node, called on the spot, in a thread and as a task, with one input and with two."""

    async def act_async(config: Act, data: Any, ctx: Context) -> Any:
        await asyncio.sleep(0)
        return act(config, data, ctx)

    made = []
    for inputs in (("in",), ("A", "B")):
        count = len(inputs)
        made += [
            handler(f"light{count}", inputs=inputs, outputs=PORTS, light=True)(act),
            handler(f"thread{count}", inputs=inputs, outputs=PORTS)(act),
            handler(f"async{count}", inputs=inputs, outputs=PORTS)(act_async),
        ]
    return tuple(made)


@dataclass
class Expected:
    """What becomes of each node, by the rules as one reads them."""

    errors: dict[str, Any]
    states: dict[str, str] = field(default_factory=dict)
    left: dict[str, dict[str, Any]] = field(default_factory=dict)
    poisoned: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)


Connection = tuple[str, str, str, str]


def evaluate(
    nodes: dict[str, dict[str, Any]],
    connections: list[Connection],
    inputs: Any,
    errors: dict[str, Any],
) -> Expected:
    """The nodes one after the other, in an order in which each follows those it depends on.

    `errors` are those that were recorded; what they say is tested elsewhere.
    """
    found = Expected(errors)
    for name, node in nodes.items():
        arriving = [c for c in connections if c[2] == name]
        if any(c[0] in found.poisoned for c in arriving):
            found.states[name] = "skipped"
            found.poisoned.add(name)
            continue
        delivered = [c for c in arriving if c[1] in found.left.get(c[0], {})]
        if arriving and not delivered:
            found.states[name] = "skipped"
            continue
        came = merged(node, delivered, found.left) if arriving else ({first(node): inputs}, True)
        settle(name, node, came, found)
    return found


def first(node: dict[str, Any]) -> str:
    """The first input port."""
    return "A" if node["type"].endswith("2") else "in"


def merged(
    node: dict[str, Any], delivered: list[Connection], left: dict[str, dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """By port what came in, and whether it goes together; what does not is a list of it all."""
    ports = ("A", "B") if node["type"].endswith("2") else ("in",)
    found: dict[str, Any] = {}
    together = True
    for port in ports:
        parts = [left[c[0]][c[1]] for c in delivered if c[3] == port]
        if len(parts) == 1:
            found[port] = parts[0]
        elif parts and all(type(part) is list for part in parts):
            found[port] = [item for part in parts for item in part]
        elif parts and all(type(part) is dict for part in parts):
            found[port] = {key: value for part in parts for key, value in part.items()}
        elif parts:
            found[port], together = parts, False
    return found, together


def settle(
    name: str, node: dict[str, Any], given: tuple[dict[str, Any], bool], found: Expected
) -> None:
    """What a node that runs hands on."""
    config, policy = node["config"], node.get("onError", "fail")
    tries = 1 + node.get("retries", 0)
    came, together = given
    data = came if len(came) > 1 else next(iter(came.values()), None)
    if together and config["fails"] < tries:
        data = came if node["type"].endswith("2") else came["in"]
        value = data if config["value"] is None else config["value"]
        found.states[name] = "completed"
        found.left[name] = dict.fromkeys(config["take"], value)
        return
    found.states[name] = "failed"
    if policy == "fail":
        found.failed.append(name)
        found.poisoned.add(name)
    elif policy == "continue":
        found.left[name] = {"out": data}
    else:
        error = {"error": found.errors[name], "node": name, "input": data}
        found.left[name] = {"error": error}


# -- any workflow ---------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.lists(st.fixed_dictionaries({"n": st.integers(0, 3)}), max_size=3),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3),
)


@st.composite
def some_nodes(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Nodes in an order in which connections go forward."""
    count = draw(st.integers(1, MOST))
    found = {}
    for number in range(count):
        kind = draw(st.sampled_from(["light", "light", "thread", "async"]))
        config = {
            "fails": draw(st.sampled_from([0, 0, 0, 0, 1, 2, 9])),
            "take": draw(st.sampled_from([["out"], ["out"], ["other"], ["out", "other"], []])),
            "value": draw(VALUES),
        }
        node: dict[str, Any] = {"type": f"{kind}{draw(st.sampled_from([1, 1, 2]))}"}
        node["config"] = config
        if policy := draw(st.sampled_from([None, None, "fail", "continue", "branch"])):
            node["onError"] = policy
        if retries := draw(st.sampled_from([0, 0, 1, 2])):
            node["retries"] = retries
        found[f"n{number}"] = node
    return found


@st.composite
def workflows(draw: st.DrawFn) -> tuple[dict[str, dict[str, Any]], list[Connection]]:
    """Nodes and connections, these in any order, several between the same nodes too."""
    nodes = draw(some_nodes())
    names = list(nodes)
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=14)) if pairs else []
    connections = []
    for source, target in chosen:
        leaves = [*PORTS, "error"] if nodes[source].get("onError") == "branch" else list(PORTS)
        enters = ["A", "B"] if nodes[target]["type"].endswith("2") else ["in"]
        output = draw(st.sampled_from(leaves))
        connections.append((source, output, target, draw(st.sampled_from(enters))))
    return nodes, connections


def run(
    nodes: dict[str, dict[str, Any]], connections: list[Connection], inputs: dict[str, Any]
) -> WorkflowRun:
    """What the engine makes of it; the nodes in another order than that of the evaluator."""
    names = ("fromNodeId", "outputType", "toNodeId", "inputPort")
    document = {
        "nodes": [{"id": name, **node} for name, node in reversed(nodes.items())],
        "connections": [dict(zip(names, c, strict=True)) for c in connections],
    }
    return run_workflow(document, inputs, *handlers())


@settings(max_examples=120)
@given(workflows(), st.dictionaries(st.sampled_from("xy"), st.integers(0, 9), max_size=2))
def test_any_workflow(
    workflow: tuple[dict[str, dict[str, Any]], list[Connection]], inputs: dict[str, Any]
) -> None:
    """Whatever the graph, every node ends as the rules say, with the outputs that they say."""
    nodes, connections = workflow
    found = run(nodes, connections, inputs)
    errors = {run.node_id: run.error for run in found.runs}
    expected = evaluate(nodes, connections, inputs, errors)
    assert expected.states == found.statuses
    assert expected.left == {name: found.outputs(name) for name in expected.left}
    silent = nodes.keys() - expected.left.keys()
    assert [] == [name for name in silent if found.outputs(name)]
    assert ("failed" if expected.failed else "completed") == found.status
    assert sorted(expected.failed) == sorted(
        line.split("(")[1].split(")")[0] for line in (found.error or "").splitlines()
    )


@settings(max_examples=40)
@given(workflows())
def test_attempts_are_counted(
    workflow: tuple[dict[str, dict[str, Any]], list[Connection]],
) -> None:
    """Every node has as many runs as it needed attempts, numbered from 1, the last one settling."""
    nodes, connections = workflow
    found = run(nodes, connections, {})
    for name, node in nodes.items():
        runs = [run for run in found.runs if run.node_id == name]
        assert list(range(1, len(runs) + 1)) == [run.attempt for run in runs]
        assert [False] * (len(runs) - 1) + [True] == [run.settles for run in runs]
        if found.statuses[name] == "completed":
            assert node["config"]["fails"] + 1 == len(runs)
        assert {"failed"} >= {run.state for run in runs[:-1]}


@settings(max_examples=40)
@given(workflows())
def test_nothing_is_recorded_out_of_order(
    workflow: tuple[dict[str, dict[str, Any]], list[Connection]],
) -> None:
    """A node is recorded after all that it depends on, and every record has a number of its own."""
    nodes, connections = workflow
    found = run(nodes, connections, {})
    last = {run.node_id: run.seq for run in found.runs}
    first_seen = {run.node_id: run.seq for run in reversed(found.runs)}
    assert all(last[c[0]] < first_seen[c[2]] for c in connections)
    numbers = [run.seq for run in found.runs]
    assert len(numbers) == len(set(numbers))
