"""From a workflow's JSON to a graph: ports, warnings, what is left out."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter
from typing import Any

import pytest
from tests.core.flows import document, give
from tests.core.graphs import REGISTRY, graph, only, problems, ways

from caudal_core import Config, Context, handler
from caudal_core.graph import build_graph
from caudal_core.registry import Registry


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
