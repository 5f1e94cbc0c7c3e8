"""What a workflow is on the wire: what it may leave out, what it may carry, where it connects."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.flows import chain, field, flow, link, made, node, table
from tests.acceptance.serving import Server

EVERYTHING: dict[str, Any] = {
    "id": "everything",
    "name": "Everything",
    "organizationId": "acme",
    "description": "Todo lo que puede llevar",
    "tags": ["energy", 7],
    "settings": {"timezone": "Europe/Madrid", "theme": "dark"},
    "viewport": {"zoom": 1.5, "x": -20},
    "nodes": [
        {
            "id": "n1",
            "type": "addField",
            "label": "Add field",
            "x": 0,
            "y": 12.5,
            "color": "#ff0000",
            "config": {"fieldName": "a", "fieldValue": 1, "editorOpen": True, "big": 2**60},
        },
        {"id": "n2", "type": "output"},
    ],
    "connections": [
        {"id": "c1", "fromNodeId": "n1", "toNodeId": "n2", "bend": [1, 2], "animated": None}
    ],
}


def test_a_node_needs_only_id_and_type(server: Server) -> None:
    """Only `nodes[].id` and `nodes[].type` are required; `connections` may be missing."""
    run = server.completed({"nodes": [{"id": "n1", "type": "trigger"}]}, {"a": 1})
    assert {"a": 1} == run.final


def test_a_connection_needs_only_its_ends(server: Server) -> None:
    """Only `fromNodeId` and `toNodeId` are required of a connection."""
    nodes = [{"id": "n1", "type": "trigger"}, {"id": "n2", "type": "output"}]
    connections = [{"fromNodeId": "n1", "toNodeId": "n2"}]
    run = server.completed({"nodes": nodes, "connections": connections}, {"a": 1})
    assert {"a": 1} == run.output("n2")


def test_connections_may_be_null(server: Server) -> None:
    """What is optional may also be null, as many writers of JSON put it."""
    workflow = {
        "id": None,
        "name": None,
        "connections": None,
        "settings": None,
        "nodes": [{"id": "n1", "type": "trigger", "config": None, "label": None}],
    }
    assert "completed" == server.run(workflow).state


@pytest.mark.parametrize(
    ("workflow", "place"),
    [
        ({"nodes": [{"type": "trigger"}]}, "/nodes/0/id"),
        ({"nodes": [{"id": "a"}]}, "/nodes/0/type"),
        (flow([node("a", "trigger")], [{"toNodeId": "a"}]), "/connections/0/fromNodeId"),
        (flow([node("a", "trigger")], [{"fromNodeId": "a"}]), "/connections/0/toNodeId"),
        ({"name": "Nothing"}, "/nodes"),
    ],
)
def test_what_is_required_is_missed(server: Server, workflow: Any, place: str) -> None:
    """A required key that is missing is a problem at its place."""
    [problem] = server.refused(workflow)["problems"]
    assert place == problem["pointer"]


def test_a_missing_id_is_made(server: Server) -> None:
    """A workflow that is saved or run without an id gets one."""
    saved = server.post("/api/workflows", flow([node("a", "trigger")]), 201)
    assert saved["id"]
    run = server.completed(flow([node("a", "trigger")]))
    assert run.status["workflowId"]


def test_a_missing_name_is_said_to_be_none(server: Server) -> None:
    """A missing name is «Unnamed Workflow»."""
    run = server.completed({"nodes": [{"id": "a", "type": "trigger"}]})
    assert "Unnamed Workflow" == run.status["workflowName"]


def test_an_inline_workflow_is_not_stored(server: Server) -> None:
    """An inline workflow runs under its own id without being stored."""
    run = server.completed(chain(node("a", "trigger"), id="only-inline"))
    assert "only-inline" == run.status["workflowId"]
    server.get("/api/workflows/only-inline", 404)


def test_unknown_keys_survive(server: Server) -> None:
    """Keys of editors in workflow, node, connection and config come back untouched, in order."""
    saved = server.ask("PUT", "/api/workflows/everything", EVERYTHING)
    assert saved.status in {200, 201}
    found = server.get("/api/workflows/everything")
    assert EVERYTHING["nodes"][0]["config"].keys() == found["nodes"][0]["config"].keys()
    big = found["nodes"][0]["config"].pop("big")
    assert 2**60 == int(big)
    expected = {**EVERYTHING, "nodes": [dict(item) for item in EVERYTHING["nodes"]]}
    config = expected["nodes"][0]["config"]
    expected["nodes"][0]["config"] = {key: config[key] for key in config if key != "big"}
    assert expected == {key: found[key] for key in expected}
    assert list(EVERYTHING["nodes"][0]) == list(found["nodes"][0])


def test_unknown_keys_hinder_nothing(server: Server) -> None:
    """A workflow with keys that nobody knows runs."""
    assert {"a": 1} == server.completed(EVERYTHING).final


def test_an_unknown_config_key_is_a_warning(server: Server) -> None:
    """Validation warns of it with the nearest known key; the workflow is valid."""
    config = {"fieldName": "a", "fieldValu": 1}
    found = server.post("/api/workflows/validate", flow([node("n", "addField", config)]))
    assert (True, []) == (found["valid"], found["problems"])
    [warning] = found["warnings"]
    assert {"code", "message", "nodeId", "pointer"} == warning.keys()
    assert ("n", "/nodes/0/config/fieldValu") == (warning["nodeId"], warning["pointer"])
    assert "did you mean 'fieldValue'?" in warning["message"]


def test_an_unknown_config_key_is_told_in_the_nodes_log(server: Server) -> None:
    """An execution goes on, and the node's log has the warning with the nearest key."""
    config = {"fieldName": "a", "fieldValu": 1}
    run = server.completed(flow([node("n", "addField", config)]), {"b": 2})
    [line] = run.entries["n"]["log"]
    assert "warning" == line["level"]
    assert "did you mean 'fieldValue'?" in line["message"]


def test_from_port_is_an_older_name(server: Server) -> None:
    """`fromPort` is an older alias of `outputType`."""
    nodes = [
        made("a", {"n": 1}),
        node("c", "condition", {"conditionField": "n"}),
        node("o", "output"),
    ]
    old = {"fromNodeId": "c", "toNodeId": "o", "fromPort": "false"}
    run = server.completed(flow(nodes, [link("a", "c"), old]))
    assert {"n": 1} == run.final


def test_a_node_without_config_has_an_empty_one(server: Server) -> None:
    """A missing `config` is `{}`: the handler's defaults hold."""
    assert {"input": ""} == server.completed(flow([node("a", "manualInput")])).final


def test_a_node_without_label_is_called_by_its_type(server: Server) -> None:
    """A missing `label` is the type; one that is given is shown."""
    run = server.completed(flow([node("a", "trigger"), node("b", "trigger", label="Begin")]))
    assert ["trigger", "Begin"] == [run.entries[name]["nodeLabel"] for name in ("a", "b")]


# -- settings and versions -------------------------------------------------------------------------


def test_all_settings_are_taken(server: Server) -> None:
    """Every setting of a workflow is optional and accepted."""
    settings = {
        "timezone": "Atlantic/Canary",
        "locale": "es-ES",
        "language": "es",
        "onFailure": "other",
        "onRecovery": {"workflowId": "other"},
        "maxConcurrency": 2,
        "timeoutSeconds": 60,
    }
    workflow = flow([node("a", "trigger")], settings=settings)
    assert "completed" == server.run(workflow).state
    assert server.post("/api/workflows/validate", workflow)["valid"]


def test_settings_of_the_wrong_kind_are_problems(server: Server) -> None:
    """A setting that cannot be meant is refused at its place."""
    workflow = flow(
        [node("a", "trigger")], settings={"maxConcurrency": 0, "timeoutSeconds": "soon"}
    )
    found = {problem["pointer"] for problem in server.refused(workflow)["problems"]}
    assert {"/settings/maxConcurrency", "/settings/timeoutSeconds"} == found


def test_the_whole_workflow_may_have_a_limit(server: Server, tmp_path: Path) -> None:
    """`settings.timeoutSeconds` ends an execution as failed, and the error names the limit."""
    waiting = node("w", "trialMeet", {"folder": str(tmp_path), "others": ["never"]})
    run = server.run(flow([waiting], settings={"timeoutSeconds": 0.5}))
    assert "failed" == run.state
    assert "timed out after 0.5 s" in run.status["error"]


def test_how_many_nodes_run_at_once_may_be_limited(server: Server, tmp_path: Path) -> None:
    """With `settings.maxConcurrency` 1 a node begins when the one before it has ended."""
    config = {"folder": str(tmp_path), "stay": 0.1}
    nodes = [node(name, "trialMeet", config) for name in "abc"]
    run = server.completed(flow(nodes, settings={"maxConcurrency": 1}))
    a, b, c = [datetime.fromisoformat(entry["timestamp"]).timestamp() for entry in run.logs]
    assert b - a > 0.09
    assert c - b > 0.09


@pytest.mark.parametrize("more", [{}, {"typeVersion": 1}, {"typeVersion": None}])
def test_a_node_may_say_its_version(server: Server, more: dict[str, Any]) -> None:
    """`typeVersion` may be 1, and is 1 where it is missing."""
    assert "completed" == server.run(flow([node("a", "trigger", **more)])).state


def test_a_newer_version_is_a_warning(server: Server) -> None:
    """A `typeVersion` above the handler's is a warning at its place; it may still be understood."""
    workflow = flow([node("a", "trigger", typeVersion=7)])
    [warning] = server.post("/api/workflows/validate", workflow)["warnings"]
    assert ("a", "/nodes/0/typeVersion") == (warning["nodeId"], warning["pointer"])
    assert warning["message"] == server.completed(workflow).entries["a"]["log"][0]["message"]


# -- ports -----------------------------------------------------------------------------------------


def test_without_a_name_the_first_output_port_is_meant(server: Server) -> None:
    """A connection with no `outputType` leaves the node's first output port."""
    split = {"columnsOutputA": ["a"], "columnsOutputB": ["b"]}
    nodes = [table("t", [{"a": 1, "b": 2}]), node("s", "splitColumns", split), node("o", "output")]
    run = server.completed(flow(nodes, [link("t", "s"), link("s", "o")]))
    assert [{"a": 1}] == run.final


def test_output_ports_are_named(server: Server) -> None:
    """`outputType` names the port that a connection leaves: A and B, true and false."""
    split = {"columnsOutputA": ["a"], "columnsOutputB": ["b"]}
    is_one = {"conditionField": "b", "conditionValue": 1, "processingMode": "perRow"}
    nodes = [
        table("t", [{"a": 1, "b": 1}, {"a": 2, "b": 2}]),
        node("s", "splitColumns", split),
        node("c", "condition", is_one),
        *(node(name, "output") for name in ("a", "yes", "no")),
    ]
    connections = [
        link("t", "s"),
        link("s", "a", "A"),
        link("s", "c", "B"),
        link("c", "yes", "true"),
        link("c", "no", "false"),
    ]
    run = server.completed(flow(nodes, connections))
    assert {"a": [{"a": 1}, {"a": 2}], "yes": [{"b": 1}], "no": [{"b": 2}]} == run.final


def test_a_join_without_ports_takes_them_in_order(server: Server) -> None:
    """On a join without any `inputPort` the first connection of the list enters A, the second B."""
    nodes = [table("x", [{"n": 1}]), table("y", [{"n": 2}]), node("j", "join")]
    run = server.completed(flow(nodes, [link("y", "j"), link("x", "j")]))
    assert {"A": [{"n": 2}], "B": [{"n": 1}]} == run.input("j")
    assert [{"n": 2}, {"n": 1}] == run.final


def test_a_join_with_a_port_takes_the_others_at_its_first(server: Server) -> None:
    """Where one connection of a join names its `inputPort`, one without enters A."""
    nodes = [table("x", [{"n": 1}]), table("y", [{"n": 2}]), node("j", "join")]
    connections = [link("x", "j", into="B"), link("y", "j")]
    run = server.completed(flow(nodes, connections))
    assert {"A": [{"n": 2}], "B": [{"n": 1}]} == run.input("j")


def test_a_missing_input_port_is_the_first(server: Server) -> None:
    """A connection with no `inputPort` enters the node's first input port, as one that names it."""
    nodes = [made("a", {"x": 1}), field("f", "y", 2), field("g", "y", 2)]
    run = server.completed(flow(nodes, [link("a", "f"), link("a", "g", "out", "in")]))
    assert {"f": {"x": 1, "y": 2}, "g": {"x": 1, "y": 2}} == run.final
