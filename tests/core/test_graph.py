"""From a workflow's JSON to a graph: what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.core.flows import connection, document
from tests.core.graphs import REGISTRY, codes, graph, only, problems

from caudal_core.errors import InvalidWorkflow
from caudal_core.graph import build_graph
from caudal_core.graph.check import CYCLES
from caudal_core.graph.problems import SUGGESTIONS
from caudal_core.graph.reading import LONG
from caudal_core.registry import Plugin, Registry
from caudal_core.workflow import canonical

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
    "a time zone that does not exist": (
        document({"a": "pass"}, settings={"timezone": "Europe/Madird"}),
        {"code": "INVALID_WORKFLOW", "pointer": "/settings/timezone"},
        ["settings.timezone", "'Europe/Madird'", "Europe/Madrid"],
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


def test_many_cycles_are_counted() -> None:
    """Of very many cycles the first are printed, and the rest is counted."""
    names = [f"n{index}" for index in range(CYCLES + 7)]
    found = problems(document(dict.fromkeys(names, "pass"), *(f"{name} {name}" for name in names)))
    assert ["CYCLE"] * (CYCLES + 1) == [item["code"] for item in found]
    assert {"code": "CYCLE", "message": "and 7 more cycles", "pointer": "/nodes"} == found[-1]


def test_names_are_suggested_while_there_is_time() -> None:
    """Of thousands of unknown keys all are warned of, and the nearest named for the first ones."""
    config = {f"perzent{index}": 1 for index in range(SUGGESTIONS + 9)}
    warnings = graph({"a": {"type": "limits", "config": config}}).warnings
    hints = [warning for warning in warnings if "did you mean" in warning["message"]]
    assert (len(config), SUGGESTIONS) == (len(warnings), len(hints))


def test_an_endless_name_is_not_compared() -> None:
    """A name of a million letters is refused or warned of as any other, without a suggestion."""
    name = "percent" * 150_000
    unknown = {"type": "limits", "config": {name: 1}}
    found = [
        *problems(document({"a": name})),
        *problems(document({"a": "pass"}, f"a {name}")),
        *graph({"a": unknown}).warnings,
    ]
    assert ["UNKNOWN_TYPE", "UNKNOWN_NODE", "UNKNOWN_CONFIG_KEY"] == [it["code"] for it in found]
    assert [] == [it["code"] for it in found if "did you mean" in it["message"]]


def test_a_long_workflow_is_read_as_a_short_one() -> None:
    """Thousands of nodes and connections are read with all they have, and refused with a place."""
    nodes = {f"n{index}": {"type": "pass", "retries": 2} for index in range(LONG + 1)}
    workflow = document(nodes, *(["n0 n1"] * (LONG + 1)), name="Long")
    found = build_graph(workflow, REGISTRY)
    assert ("Long", LONG + 1) == (found.name, len(found.nodes))
    assert ({2}, LONG + 1) == ({n.options.retries for n in found.nodes}, found.nodes[1].waits)
    workflow["nodes"][LONG]["retries"] = -1
    del workflow["connections"][LONG]["toNodeId"]
    places = [item["pointer"] for item in problems(workflow)]
    assert [f"/nodes/{LONG}/retries", f"/connections/{LONG}/toNodeId"] == places


def test_the_size_of_a_graph() -> None:
    """A graph knows the bytes of the text that its hash is of."""
    workflow = document({"a": "pass"}, name="Año")
    assert len(canonical(workflow)) == build_graph(workflow, REGISTRY).size


def test_a_light_node() -> None:
    """Only what may begin before its start is on disk is called on the spot, however made."""
    assert [True] == [node.light for node in graph({"a": "pass"}).nodes]
    for changes in ({"effect": "keyed"}, {"is_async": True}, {"per_row": True}):
        changed = replace(REGISTRY.handlers["pass"].handler, **changes)
        (node,) = build_graph(document({"a": "pass"}), Registry.of(changed)).nodes
        assert not node.light


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
