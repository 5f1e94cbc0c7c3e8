"""From a workflow's JSON to a graph: what is wrong with it, and how its ports are found."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter
from typing import Any

import pytest
from tests.core.flows import HANDLERS, connection, document, give

from caudal_core import Config, Context, Field, handler
from caudal_core.errors import InvalidWorkflow
from caudal_core.graph import Graph, build_graph
from caudal_core.registry import Plugin, Registry


class Limits(Config):
    """Fields that refuse much."""

    count: int = Field(1, ge=0, aliases=["howMany"])
    name: str = "x"
    percent: float = Field(0.0, le=100)
    items: list[int] = Field(default_factory=list)
    needed: str | None = None


@handler("limits", effect="pure")
def limits(config: Limits, data: Any, ctx: Context) -> Any:
    """Hand on what came in."""
    return data


class Needs(Config):
    """A field without a default."""

    table_name: str


@handler("needs", effect="pure")
def needs(config: Needs, data: Any, ctx: Context) -> Any:
    """Hand on what came in."""
    return data


REGISTRY = Registry.of(*HANDLERS, limits, needs)


def graph(nodes: dict[str, Any], *connections: str, **rest: Any) -> Graph:
    """The checked graph of a small workflow."""
    return build_graph(document(nodes, *connections, **rest), REGISTRY)


def problems(workflow: Any, registry: Registry = REGISTRY) -> list[dict[str, Any]]:
    """Everything that is wrong with a workflow."""
    with pytest.raises(InvalidWorkflow) as caught:
        build_graph(workflow, registry)
    return caught.value.problems


def codes(workflow: Any) -> list[str]:
    """The codes of its problems."""
    return [found["code"] for found in problems(workflow)]


def only(workflow: Any, registry: Registry = REGISTRY) -> dict[str, Any]:
    """The one thing that is wrong with a workflow."""
    (found,) = problems(workflow, registry)
    return found


def ways(found: Graph) -> list[tuple[str, str, str, str]]:
    """Every connection as `(from, output port, to, input port)`."""
    ids = [node.id for node in found.nodes]
    return [
        (ids[edge.source], edge.output_port, ids[edge.target], edge.input_port)
        for node in found.nodes
        for edge in node.outgoing
    ]


def test_what_is_required_is_little() -> None:
    """Ids and types are enough; everything else has what stands in for it."""
    found = build_graph({"nodes": [{"id": "a", "type": "pass"}]}, REGISTRY)
    (node,) = found.nodes
    assert ("Unnamed Workflow", "pass", Config()) == (found.name, node.label, node.config)
    assert found.workflow_id.startswith("inline-")
    assert () == found.warnings


def test_an_id_stands_in_for_a_missing_one() -> None:
    """The id that a workflow was asked for by is its id where its JSON has none."""
    bare = document({"a": "pass"})
    assert "w7" == build_graph(bare, REGISTRY, workflow_id="w7").workflow_id
    assert "own" == build_graph({**bare, "id": "own"}, REGISTRY, workflow_id="w7").workflow_id


def test_the_document_is_left_alone() -> None:
    """Unknown keys are kept where they are, in the workflow, its nodes, connections and configs."""
    node = {
        "id": "a",
        "type": "pass",
        "x": 1.5,
        "config": {"editor": {"open": True}},
        "color": "#f",
    }
    workflow = {
        "nodes": [node],
        "viewport": [0, 1],
        "connections": [],
        "settings": {"theme": "dark"},
    }
    copy = {**workflow, "nodes": [{**node}]}
    assert copy == build_graph(workflow, REGISTRY).document


# -- every kind of problem ------------------------------------------------------------------------

ONE_PROBLEM: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "two nodes of one id": (
        {
            "nodes": [
                {"id": "a", "type": "pass"},
                {"id": "b", "type": "pass"},
                {"id": "a", "type": "pass"},
            ]
        },
        {"code": "DUPLICATE_NODE_ID", "nodeId": "a", "pointer": "/nodes/2/id"},
        ["'a'", "0 and 2"],
    ),
    "a connection to a ghost": (
        document({"meter": "pass"}, "meter metre"),
        {"code": "UNKNOWN_NODE", "pointer": "/connections/0/toNodeId"},
        ["'metre'", "did you mean 'meter'?"],
    ),
    "a connection from a ghost": (
        {
            "nodes": [{"id": "a", "type": "pass"}],
            "connections": [{"id": "c9", "fromNodeId": "zzz", "toNodeId": "a"}],
        },
        {"code": "UNKNOWN_NODE", "connectionId": "c9", "pointer": "/connections/0/fromNodeId"},
        ["c9", "'zzz'"],
    ),
    "an output port that is not there": (
        document({"a": "branch", "b": "pass"}, "a.maybe b"),
        {"code": "UNKNOWN_PORT", "nodeId": "a", "pointer": "/connections/0/outputType"},
        ["'maybe'", "'true', 'false'", "branch"],
    ),
    "an input port that is not there": (
        document({"a": "pass", "b": "join"}, "a b.C"),
        {"code": "UNKNOWN_PORT", "nodeId": "b", "pointer": "/connections/0/inputPort"},
        ["'C'", "'A', 'B'"],
    ),
    "an error port without onError": (
        document({"a": "pass", "b": "pass"}, "a.error b"),
        {"code": "UNKNOWN_PORT", "nodeId": "a", "pointer": "/connections/0/outputType"},
        ["'error'", "onError", "'branch'"],
    ),
    "a cycle": (
        document({"a": "pass", "b": "pass", "c": "pass", "d": "pass"}, "a b", "b c", "c d", "d b"),
        {"code": "CYCLE", "nodeId": "b", "pointer": "/nodes/1"},
        ["b → c → d → b"],
    ),
    "a node that waits for itself": (
        document({"a": "pass"}, "a a"),
        {"code": "CYCLE", "nodeId": "a", "pointer": "/nodes/0"},
        ["a → a"],
    ),
    "an unknown type": (
        document({"a": "brunch"}),
        {"code": "UNKNOWN_TYPE", "nodeId": "a", "pointer": "/nodes/0/type"},
        ["'brunch'", "did you mean 'branch'?"],
    ),
    "a config of the wrong kind": (
        document({"a": {"type": "limits", "config": {"count": "many"}}}),
        {"code": "INVALID_CONFIG", "nodeId": "a", "pointer": "/nodes/0/config/count"},
        ["count", "'many'"],
    ),
    "a config beyond its limits": (
        document({"a": {"type": "limits", "config": {"percent": 101}}}),
        {"code": "INVALID_CONFIG", "nodeId": "a", "pointer": "/nodes/0/config/percent"},
        ["percent", "100", "101"],
    ),
    "a config under an older key": (
        document({"a": {"type": "limits", "config": {"howMany": -1}}}),
        {"code": "INVALID_CONFIG", "nodeId": "a", "pointer": "/nodes/0/config/howMany"},
        ["howMany", "-1"],
    ),
    "something wrong inside a list": (
        document({"a": {"type": "limits", "config": {"items": [1, "two"]}}}),
        {"code": "INVALID_CONFIG", "nodeId": "a", "pointer": "/nodes/0/config/items/1"},
        ["items.1"],
    ),
    "a config that lacks a field": (
        document({"a": "needs"}),
        {"code": "INVALID_CONFIG", "nodeId": "a", "pointer": "/nodes/0/config/tableName"},
        ["tableName", "missing"],
    ),
    "a template in a number": (
        document({"a": {"type": "limits", "config": {"count": "{{n}}"}}}),
        {"code": "INVALID_CONFIG", "nodeId": "a", "pointer": "/nodes/0/config/count"},
        ["only text fields may hold a template"],
    ),
    "a template that cannot be read": (
        document({"a": {"type": "limits", "config": {"name": "{{price"}}}),
        {"code": "INVALID_TEMPLATE", "nodeId": "a", "pointer": "/nodes/0/config/name"},
        ["{{price", "never closed"],
    ),
    "a workflow without nodes": (
        {"nodes": []},
        {"code": "EMPTY_WORKFLOW", "pointer": "/nodes"},
        ["no node"],
    ),
    "a workflow of comments": (
        document({"a": "comment", "b": "comment"}),
        {"code": "EMPTY_WORKFLOW", "pointer": "/nodes"},
        ["no node"],
    ),
    "no list of nodes": (
        {"name": "x"},
        {"code": "INVALID_WORKFLOW", "pointer": "/nodes"},
        ["nodes", "missing"],
    ),
    "nodes that are no list": (
        {"nodes": {"a": "pass"}},
        {"code": "INVALID_WORKFLOW", "pointer": "/nodes"},
        ["nodes", "list"],
    ),
    "a node without a type": (
        {"nodes": [{"id": "a"}]},
        {"code": "INVALID_WORKFLOW", "nodeId": "a", "pointer": "/nodes/0/type"},
        ["type", "missing"],
    ),
    "a node that is no object": (
        {"nodes": [{"id": "a", "type": "pass"}, "b"]},
        {"code": "INVALID_WORKFLOW", "pointer": "/nodes/1"},
        ["'b'"],
    ),
    "a connection without an end": (
        {"nodes": [{"id": "a", "type": "pass"}], "connections": [{"fromNodeId": "a"}]},
        {"code": "INVALID_WORKFLOW", "pointer": "/connections/0/toNodeId"},
        ["toNodeId", "missing"],
    ),
    "an option beyond its limits": (
        document({"a": {"type": "pass", "retries": -1}}),
        {"code": "INVALID_WORKFLOW", "nodeId": "a", "pointer": "/nodes/0/retries"},
        ["retries", "-1"],
    ),
    "an onError that is not one": (
        document({"a": {"type": "pass", "onError": "ignore"}}),
        {"code": "INVALID_WORKFLOW", "nodeId": "a", "pointer": "/nodes/0/onError"},
        ["'fail'", "'continue'", "'branch'", "'ignore'"],
    ),
    "a setting of the wrong kind": (
        document({"a": "pass"}, settings={"maxConcurrency": 0}),
        {"code": "INVALID_WORKFLOW", "pointer": "/settings/maxConcurrency"},
        ["settings.maxConcurrency", "0"],
    ),
}


@pytest.mark.parametrize("case", ONE_PROBLEM)
def test_a_problem(case: str) -> None:
    """Each kind of problem has its code and its place, and says what is wrong and what to do."""
    workflow, expected, words = ONE_PROBLEM[case]
    found = only(workflow)
    assert expected == {key: value for key, value in found.items() if key != "message"}
    assert [] == [word for word in words if word not in found["message"]]


def test_a_workflow_that_is_no_object() -> None:
    """What is not an object at all is refused, not stumbled over."""
    assert {"code": "INVALID_WORKFLOW", "pointer": ""}.items() <= only([]).items()


EVERYTHING: dict[str, Any] = {
    "nodes": [
        {"id": "twice", "type": "pass"},
        {"id": "twice", "type": "pass"},
        {"id": "odd", "type": "teleport"},
        {"id": "wrong", "type": "limits", "config": {"count": "many", "percent": 200}},
        {"id": "a", "type": "pass"},
        {"id": "b", "type": "pass"},
        {"id": "j", "type": "join"},
    ],
    "connections": [
        connection("a b"),
        connection("b a"),
        connection("a ghost"),
        connection("twice.sideways j.A"),
        connection("twice j.Z"),
    ],
}


def test_all_problems_at_once() -> None:
    """Whoever mends a workflow sees everything that is wrong with it, not one thing a time."""
    expected = [
        "CYCLE",
        "DUPLICATE_NODE_ID",
        "INVALID_CONFIG",
        "INVALID_CONFIG",
        "UNKNOWN_NODE",
        "UNKNOWN_PORT",
        "UNKNOWN_PORT",
        "UNKNOWN_TYPE",
    ]
    assert expected == sorted(codes(EVERYTHING))


def test_the_wrong_shape_hides_nothing() -> None:
    """A node with an impossible option does not keep the other problems from being listed."""
    nodes = [
        {"id": "slow", "type": "pass", "retries": -1},
        {"type": "pass"},
        7,
        *EVERYTHING["nodes"],
    ]
    found = codes({**EVERYTHING, "name": 5, "nodes": nodes})
    assert sorted(codes(EVERYTHING) + ["INVALID_WORKFLOW"] * 4) == sorted(found)


def test_a_broken_node_is_no_ghost() -> None:
    """A connection to a node that is itself wrong is not blamed for it."""
    workflow = document({"a": {"type": 5}, "b": {"type": "nope"}, "c": "pass"}, "a c", "b c", "c a")
    assert ["INVALID_WORKFLOW", "UNKNOWN_TYPE"] == sorted(codes(workflow))


def test_every_cycle_is_printed() -> None:
    """Two cycles that have nothing to do with each other are two problems."""
    workflow = document(
        dict.fromkeys("abcdef", "pass"), "a b", "b a", "c d", "d c", "b e", "e f", "d f"
    )
    found = [found["message"] for found in problems(workflow)]
    assert ["the workflow has a cycle: a → b → a", "the workflow has a cycle: c → d → c"] == found


def test_a_long_cycle_is_cut_short() -> None:
    """A cycle through thousands of nodes is found quickly and named in one readable line."""
    names = [f"n{index}" for index in range(5_000)]
    edges = [f"{a} {b}" for a, b in zip(names, names[1:] + names[:1], strict=True)]
    message = only(document(dict.fromkeys(names, "pass"), *edges))["message"]
    assert message.startswith("the workflow has a cycle: n0 → n1 → ")
    assert message.endswith(" → n0")
    assert len(message) < 500


def test_the_summary_names_the_first_problems() -> None:
    """The error's own text counts all problems and quotes ten of them."""
    workflow = document({f"n{index}": "teleport" for index in range(14)})
    with pytest.raises(InvalidWorkflow) as caught:
        build_graph(workflow, REGISTRY)
    text = caught.value.text()
    assert text.startswith("the workflow has 14 problem(s): node 'n0'")
    assert text.endswith("and 4 more")


def test_the_package_of_an_unknown_type() -> None:
    """A type that a known package brings names the package."""
    registry = Registry(known_types={"opcua": "caudal-ot"})
    message = only(document({"a": "opcua"}), registry)["message"]
    assert "it comes with the package caudal-ot" in message


def test_the_installed_package_of_an_unknown_type() -> None:
    """If that package is there and lacks the type, its version is named."""
    plugins = (Plugin("caudal-ot", "1.0.0", "ok"), Plugin("broken-one", "2", "failed"))
    registry = Registry(known_types={"opcua": "caudal-ot"}, plugins=plugins)
    message = only(document({"a": "opcua"}), registry)["message"]
    assert "of which 1.0.0 is installed and does not have it" in message
    assert "(not taken in: broken-one)" in message


@pytest.mark.parametrize(
    ("key", "step"), [("a/b", "a~1b"), ("a~b", "a~0b"), ("~/", "~0~1"), ("ñ €", "ñ €"), ("", "")]
)
def test_pointers_are_json_pointers(key: str, step: str) -> None:
    """A key with `/` or `~` in it is escaped as a JSON Pointer asks for."""
    found = build_graph(document({"a": {"type": "pass", "config": {key: 1}}}), REGISTRY)
    assert [f"/nodes/0/config/{step}"] == [warning["pointer"] for warning in found.warnings]


# -- warnings -------------------------------------------------------------------------------------


def test_an_unknown_config_key_is_a_warning() -> None:
    """A key that means nothing is kept, and a warning names the nearest that does."""
    found = graph({"a": {"type": "limits", "config": {"cuont": 3, "x": 1}}})
    messages = [warning.pop("message") for warning in map(dict, found.warnings)]
    assert ["node 'a': the config key 'cuont' is not known; did you mean 'count'?"] == messages[:1]
    assert "node 'a': the config key 'x' is not known" == messages[1]
    assert {"code": "UNKNOWN_CONFIG_KEY", "nodeId": "a"}.items() <= found.warnings[0].items()
    assert "/nodes/0/config/cuont" == found.warnings[0]["pointer"]
    assert 1 == found.nodes[0].config.model_dump()["x"]


def test_older_keys_are_no_warning() -> None:
    """Every key that is understood is known: camelCase, the Python name, an alias."""
    config = {"howMany": 2, "name": "a"}
    assert () == graph({"a": {"type": "limits", "config": config}}).warnings
    assert () == graph({"a": {"type": "needs", "config": {"table_name": "t"}}}).warnings


def test_warnings_reach_the_node() -> None:
    """A node knows its own warnings, so that its log can show them."""
    found = graph({"a": "pass", "b": {"type": "pass", "config": {"k": 1}}})
    assert [(), ("node 'b': the config key 'k' is not known",)] == [n.notices for n in found.nodes]


# -- ports ----------------------------------------------------------------------------------------


def test_no_port_named_means_the_first() -> None:
    """A connection that names no port leaves the first output and enters the first input."""
    found = graph({"a": "branch", "b": "pass"}, "a b")
    assert [("a", "true", "b", "in")] == ways(found)


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_port_of_nothing_is_no_port(nothing: Any) -> None:
    """Null and an empty text name no port, as editors store either."""
    plain = {"fromNodeId": "a", "toNodeId": "b", "outputType": nothing, "inputPort": nothing}
    workflow = {**document({"a": "branch", "b": "pass"}), "connections": [plain]}
    assert [("a", "true", "b", "in")] == ways(build_graph(workflow, REGISTRY))


@pytest.mark.parametrize("also", [{}, {"outputType": None}])
def test_from_port_is_an_alias(also: dict[str, Any]) -> None:
    """`fromPort` is an older name of `outputType`, which null does not take the place of."""
    plain = {"fromNodeId": "a", "toNodeId": "b", "fromPort": "false", **also}
    workflow = {**document({"a": "branch", "b": "pass"}), "connections": [plain]}
    assert [("a", "false", "b", "in")] == ways(build_graph(workflow, REGISTRY))


@pytest.mark.parametrize(
    ("connections", "expected"),
    [
        (["x j", "y j"], ["A", "B"]),
        (["y j", "x j"], ["A", "B"]),
        (["x j.B", "y j"], ["B", "A"]),
        (["x j", "y j.B"], ["A", "B"]),
        (["x j", "y j.A"], ["A", "A"]),
        (["x j"], ["A"]),
        (["x j", "y j", "z j"], ["A", "B", "A"]),
    ],
)
def test_the_ports_of_a_join(connections: list[str], expected: list[str]) -> None:
    """If no connection into a join names a port the first enters A and the second B."""
    workflow = document({"x": "pass", "y": "pass", "z": "pass", "j": "join"}, *connections)
    found = build_graph(workflow, REGISTRY)
    into = {(source, port) for source, _, _, port in ways(found)}
    sources = [text.split()[0] for text in connections]
    assert set(zip(sources, expected, strict=True)) == into


def test_the_order_of_the_connections_is_kept() -> None:
    """What enters one port does so in the order of the connections, not of the nodes."""
    found = graph({"a": "pass", "b": "pass", "c": "pass"}, "b c", "a c")
    ((port, edges),) = found.nodes[2].incoming
    assert ("in", ["b", "a"]) == (port, [found.nodes[edge.source].id for edge in edges])


def test_two_connections_between_the_same_nodes() -> None:
    """Both are kept, and the second node waits for both."""
    found = graph({"a": "branch", "b": "join"}, "a.true b.A", "a.false b.B")
    assert 2 == found.nodes[1].waits
    assert [("a", "true", "b", "A"), ("a", "false", "b", "B")] == ways(found)


def test_the_error_port_of_a_branch() -> None:
    """`onError: branch` gives any node an output port `error`, after its own."""
    nodes = {"a": {"type": "pass", "onError": "branch"}, "b": "pass", "c": "pass"}
    found = graph(nodes, "a.error b", "a c")
    assert [("a", "error", "b", "in"), ("a", "out", "c", "in")] == ways(found)


def test_the_options_of_a_node() -> None:
    """What stands beside the config says how the node is run; nothing said is the default."""
    said = {"retries": 2, "retryDelaySeconds": 0.5, "timeoutSeconds": 3, "onError": "continue"}
    found = graph({"a": {"type": "pass", **said}, "b": "pass"}).nodes
    options = found[0].options
    assert (2, 0.5, 3.0, "continue") == (
        options.retries,
        options.retry_delay,
        options.timeout,
        options.on_error,
    )
    assert (0, 0.0, None, "fail") == (
        found[1].options.retries,
        found[1].options.retry_delay,
        found[1].options.timeout,
        found[1].options.on_error,
    )


# -- comments and results -------------------------------------------------------------------------


def test_comments_are_left_out() -> None:
    """A comment that nothing is connected to is no node that runs."""
    assert ["a"] == [node.id for node in graph({"note": "comment", "a": "pass"}).nodes]


def test_a_connected_comment_runs() -> None:
    """A comment in the middle hands on what it gets, and one at the end is no result."""
    found = graph({"a": "pass", "c": "comment", "b": "pass", "d": "comment"}, "a c", "c b", "a d")
    assert ["a", "c", "b", "d"] == [node.id for node in found.nodes]
    assert ["b"] == [found.nodes[index].id for index in found.finals]


def test_outputs_are_the_results() -> None:
    """If there are output nodes they are the results, else the leaves are."""
    assert [1] == list(graph({"a": "pass", "o": "output", "b": "pass"}, "a o", "a b").finals)
    assert [1, 2] == list(graph({"a": "pass", "b": "pass", "c": "pass"}, "a b", "a c").finals)


# -- config and version ---------------------------------------------------------------------------


class Renamed(Config):
    """Since version 2 the field is called `to`."""

    to: str


def _migrate(config: dict[str, Any], version: int) -> dict[str, Any]:
    return {"to": config["target"]} if version == 1 else config


@handler("renamed", version=2, migrate=_migrate, effect="pure")
def renamed(config: Renamed, data: Any, ctx: Context) -> Any:
    """Hand on what came in."""
    return data


def test_a_config_of_an_older_version_is_lifted() -> None:
    """A node without `typeVersion` is of version 1; its handler brings its config up to date."""
    registry = Registry.of(renamed)
    old = document({"a": {"type": "renamed", "config": {"target": "x"}}})
    new = document({"a": {"type": "renamed", "typeVersion": 2, "config": {"to": "x"}}})
    assert [Renamed(to="x")] * 2 == [build_graph(w, registry).nodes[0].config for w in (old, new)]


def test_a_migration_that_stumbles_is_a_problem() -> None:
    """What a stranger's migration raises is a problem of that node, not of the server."""
    found = only(document({"a": {"type": "renamed", "config": {}}}), Registry.of(renamed))
    expected = {"code": "INVALID_CONFIG", "nodeId": "a", "pointer": "/nodes/0/config"}
    assert expected.items() <= found.items()
    assert "KeyError" in found["message"]


# -- size -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["chain", "fan", "joins", "parallel"])
def test_ten_thousand_nodes(kind: str) -> None:
    """A workflow of 10,000 nodes is checked in a few seconds, whatever its shape."""
    count = 10_000
    names = [f"n{index}" for index in range(count)]
    if kind == "chain":
        edges = [f"{a} {b}" for a, b in pairwise(names)]
    elif kind == "fan":
        edges = [f"n0 {name}" for name in names[1:]]
    elif kind == "joins":
        edges = [f"n0 {name}" for name in names[1:] for _ in range(2)]
    else:
        edges = []
    types = dict.fromkeys(names, "join" if kind == "joins" else "pass") | {"n0": give(1)}
    started = perf_counter()
    found = build_graph(document(types, *edges), REGISTRY)
    assert (count, len(edges)) == (len(found.nodes), len(ways(found)))
    assert perf_counter() - started < 10


def test_ten_thousand_problems() -> None:
    """A workflow in which everything is wrong is refused in a few seconds too."""
    nodes = {f"n{index}": "teleport" for index in range(2_000)}
    edges = [f"n{index} ghost{index}" for index in range(2_000)]
    started = perf_counter()
    assert 4_000 == len(problems(document(nodes, *edges)))
    assert perf_counter() - started < 10
