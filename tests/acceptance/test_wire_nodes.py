"""`POST /api/nodes/execute`: one node by itself."""

from __future__ import annotations

from typing import Any

import pytest
from tests.acceptance.flows import node
from tests.acceptance.serving import Server


def execute(server: Server, type_: str, config: Any = None, data: Any = None) -> Any:
    """What the node `n1` of this type comes to."""
    body = {
        "workflowId": "nowhere",
        "nodeId": "n1",
        "nodeType": type_,
        "node": node("n1", type_, config, label="One", x=1, y=2),
    }
    given = {} if data is None else {"inputData": data}
    return server.post("/api/nodes/execute", {**body, **given})


def test_a_node_that_completes(server: Server) -> None:
    """The answer has the handler's whole result; the workflow need not exist."""
    found = execute(server, "addField", {"fieldName": "y", "expression": "[x] + 1"}, {"x": 1})
    assert {"success", "nodeId", "nodeType", "output", "message"} == found.keys()
    assert (True, "n1", "addField") == (found["success"], found["nodeId"], found["nodeType"])
    assert found["output"].keys() >= {"success", "message", "outputData"}
    assert (True, {"x": 1, "y": 2}) == (found["output"]["success"], found["output"]["outputData"])
    assert isinstance(found["message"], str)


def test_a_node_that_fails(server: Server) -> None:
    """A failure is 200 with `success` false and its cause."""
    found = execute(server, "trialFail")
    assert found.keys() >= {"success", "nodeId", "nodeType", "error", "message"}
    assert (False, "n1", "trialFail") == (found["success"], found["nodeId"], found["nodeType"])
    assert "the tank is empty; fill it" == found["error"]
    assert isinstance(found["message"], str)


def test_an_unknown_type(server: Server) -> None:
    """An unknown `nodeType` is `success` false, with the nearest known one."""
    found = execute(server, "addFeild")
    assert found["success"] is False
    assert "did you mean 'addField'?" in found["error"]


def test_a_config_that_does_not_fit(server: Server) -> None:
    """A wrong config is `success` false and says which key."""
    found = execute(server, "join", {"maxRows": "many"})
    assert found["success"] is False
    assert "maxRows" in found["error"]


@pytest.mark.parametrize("data", [None, {}, {"a": 1}, [{"a": 1}], [], "text", 7])
def test_the_input_is_any_value(server: Server, data: Any) -> None:
    """`inputData` may be missing or any JSON value."""
    found = execute(server, "output", data=data)
    assert found["success"]
    assert ({} if data is None else data) == found["output"]["outputData"]


def test_a_node_with_several_inputs(server: Server) -> None:
    """For a node with several input ports `inputData` is an object by port."""
    data = {"A": [{"n": 1}], "B": [{"n": 2}]}
    assert [{"n": 1}, {"n": 2}] == execute(server, "join", {}, data)["output"]["outputData"]


def test_all_that_a_handler_reports(server: Server) -> None:
    """What stands beside the output in a workflow stands there here."""
    config = {"conditionField": "a", "conditionValue": 1}
    output = execute(server, "condition", config, {"a": 1})["output"]
    assert ({"a": 1}, True) == (output["outputData"], output["conditionResult"])


def test_the_output_is_given_whole(server: Server) -> None:
    """`outputData` is never a preview, however large it is."""
    found = execute(server, "trialLarge", {"rows": 3_000, "characters": 100})
    assert 3_000 == len(found["output"]["outputData"])


def test_it_leaves_no_execution_behind(server: Server) -> None:
    """One node by itself is no execution."""
    execute(server, "trigger")
    assert [] == server.get("/api/executions?workflowId=nowhere")["executions"]
