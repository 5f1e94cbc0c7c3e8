"""Workflows that are refused before anything runs, with every problem at once."""

from __future__ import annotations

from typing import Any

import pytest
from tests.acceptance.flows import chain, flow, link, node
from tests.acceptance.serving import Server

CYCLE = flow(
    [node("a", "addField"), node("b", "addField"), node("c", "addField")],
    [link("a", "b"), link("b", "c"), link("c", "a")],
)


def only(server: Server, workflow: Any) -> Any:
    """The one problem of a workflow; the body's `detail` says it too."""
    body = server.refused(workflow)
    [problem] = body["problems"]
    assert {"code", "message", "pointer"} <= problem.keys()
    assert problem.keys() <= {"code", "message", "pointer", "nodeId", "connectionId"}
    assert all(isinstance(text, str) for text in problem.values())
    assert problem["message"] in body["detail"]
    return problem


def test_two_nodes_of_one_id(server: Server) -> None:
    """Duplicate ids of nodes are refused, and both places are told."""
    problem = only(server, flow([node("a", "trigger"), node("b", "output"), node("a", "output")]))
    assert ("DUPLICATE_NODE_ID", "a", "/nodes/2/id") == (
        problem["code"],
        problem["nodeId"],
        problem["pointer"],
    )
    assert "0 and 2" in problem["message"]


@pytest.mark.parametrize("key", ["fromNodeId", "toNodeId"])
def test_a_connection_to_nowhere(server: Server, key: str) -> None:
    """A connection to a node that does not exist is refused, with the nearest id."""
    connection = {"id": "c7", "fromNodeId": "start", "toNodeId": "end", key: "strat"}
    problem = only(server, flow([node("start", "trigger"), node("end", "output")], [connection]))
    assert ("UNKNOWN_NODE", "c7", f"/connections/0/{key}") == (
        problem["code"],
        problem["connectionId"],
        problem["pointer"],
    )
    assert "'strat'" in problem["message"]
    assert "did you mean 'start'?" in problem["message"]


@pytest.mark.parametrize(
    ("connection", "place", "there"),
    [
        ({"outputType": "true"}, "/connections/0/outputType", "'out'"),
        ({"fromPort": "C"}, "/connections/0/outputType", "'out'"),
        ({"outputType": "error"}, "/connections/0/outputType", "onError"),
        ({"inputPort": "C"}, "/connections/0/inputPort", "'A', 'B'"),
    ],
)
def test_a_port_that_is_not_there(server: Server, connection: Any, place: str, there: str) -> None:
    """A port that the handler does not have is refused; the ports that it has are named."""
    ends = {"id": "c1", "fromNodeId": "a", "toNodeId": "j"}
    problem = only(server, flow([node("a", "trigger"), node("j", "join")], [ends | connection]))
    assert ("UNKNOWN_PORT", "c1", place) == (
        problem["code"],
        problem["connectionId"],
        problem["pointer"],
    )
    assert there in problem["message"]


def test_a_cycle_is_printed(server: Server) -> None:
    """A cycle is refused, and its text shows the way round."""
    problem = only(server, CYCLE)
    assert "CYCLE" == problem["code"]
    assert "a → b → c → a" in problem["message"]


def test_a_node_that_follows_itself_is_a_cycle(server: Server) -> None:
    """The smallest cycle has one node."""
    problem = only(server, flow([node("a", "output")], [link("a", "a")]))
    assert "a → a" in problem["message"]


def test_an_unknown_type_names_the_nearest(server: Server) -> None:
    """An unknown type is refused with the nearest known one."""
    problem = only(server, flow([node("a", "addFeild")]))
    assert ("UNKNOWN_TYPE", "a", "/nodes/0/type") == (
        problem["code"],
        problem["nodeId"],
        problem["pointer"],
    )
    assert "did you mean 'addField'?" in problem["message"]


def test_an_unknown_type_names_its_package(server: Server) -> None:
    """Where it is known which package would bring an unknown type, that is said."""
    problem = only(server, flow([node("a", "modbus")]))
    assert "UNKNOWN_TYPE" == problem["code"]
    assert "caudal-ot" in problem["message"]


@pytest.mark.parametrize(
    ("type_", "config", "key"),
    [
        ("splitColumns", {"columnsOutputA": {"a": 1}}, "columnsOutputA"),
        ("condition", {"conditionField": "a", "conditionOperator": "near"}, "conditionOperator"),
        ("join", {"joinType": 7}, "joinType"),
        ("join", {"maxRows": "many"}, "maxRows"),
        ("webhookResponse", {"webhookResponseStatusCode": "99"}, "webhookResponseStatusCode"),
        ("addField", {"fieldName": "a", "expression": "1 +"}, "expression"),
    ],
)
def test_a_config_that_does_not_fit(server: Server, type_: str, config: Any, key: str) -> None:
    """A config that fails the handler's schema is refused at its key, with what was given."""
    problem = only(server, flow([node("a", type_, config)]))
    assert ("INVALID_CONFIG", "a", f"/nodes/0/config/{key}") == (
        problem["code"],
        problem["nodeId"],
        problem["pointer"],
    )
    assert key in problem["message"]


@pytest.mark.parametrize("config", [[], "text", 7, True])
def test_a_config_that_is_no_object(server: Server, config: Any) -> None:
    """A config of another kind than an object is refused."""
    problem = only(server, {"nodes": [{"id": "a", "type": "trigger", "config": config}]})
    assert ("a", "/nodes/0/config") == (problem["nodeId"], problem["pointer"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("retries", -1),
        ("retries", "often"),
        ("retryDelaySeconds", -1),
        ("timeoutSeconds", 0),
        ("onError", "ignore"),
        ("onInterrupted", "again"),
    ],
)
def test_an_option_that_does_not_fit(server: Server, option: str, value: Any) -> None:
    """A node's option of the wrong kind is refused at its place."""
    problem = only(server, flow([node("a", "trigger", **{option: value})]))
    assert ("a", f"/nodes/0/{option}") == (problem["nodeId"], problem["pointer"])


@pytest.mark.parametrize("workflow", [{"nodes": []}, flow([node("c", "comment")])])
def test_a_workflow_without_work(server: Server, workflow: Any) -> None:
    """A workflow in which nothing could run is refused."""
    assert "EMPTY_WORKFLOW" == only(server, workflow)["code"]


def test_every_problem_is_listed(server: Server) -> None:
    """All problems stand in one answer, each with its own place, and `detail` sums them up."""
    workflow = flow(
        [
            node("a", "trigger"),
            node("a", "output"),
            node("b", "addFeild"),
            node("x", "addField", {"fieldName": ""}),
            node("y", "output"),
            node("z", "output", retries=-1),
        ],
        [
            link("a", "ghost"),
            link("x", "y", "true"),
            link("x", "y"),
            link("y", "x"),
        ],
    )
    body = server.refused(workflow)
    found = {problem["code"]: problem["pointer"] for problem in body["problems"]}
    assert {
        "INVALID_WORKFLOW": "/nodes/5/retries",
        "DUPLICATE_NODE_ID": "/nodes/1/id",
        "UNKNOWN_TYPE": "/nodes/2/type",
        "UNKNOWN_NODE": "/connections/0/toNodeId",
        "UNKNOWN_PORT": "/connections/1/outputType",
        "CYCLE": "/nodes/3",
        "INVALID_CONFIG": "/nodes/3/config/fieldName",
    } == found
    assert all(problem["message"] in body["detail"] for problem in body["problems"])


def test_nothing_runs_of_what_is_refused(server: Server) -> None:
    """A refused workflow leaves no execution behind."""
    workflow = chain(node("a", "trigger"), node("b", "unheardOf"), id="refused")
    server.refused(workflow)
    assert [] == server.get("/api/executions?workflowId=refused")["executions"]


def test_validation_lists_the_same(server: Server) -> None:
    """`POST /api/workflows/validate` answers 200 with the problems that execution would refuse."""
    found = server.post("/api/workflows/validate", CYCLE)
    assert not found["valid"]
    assert server.refused(CYCLE)["problems"] == found["problems"]
