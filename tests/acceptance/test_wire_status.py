"""How an execution is told: its status, its final output and its log, field by field."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.acceptance.client import NOBODY, TIME
from tests.acceptance.flows import chain, field, flow, link, made, node, table, waiting
from tests.acceptance.serving import Server

STATUS = {
    "executionId",
    "workflowId",
    "status",
    "createdAt",
    "startedAt",
    "completedAt",
    "currentNodeId",
    "error",
    "progress",
    "logs",
    "finalOutput",
}


def test_the_status_of_one_that_runs(server: Server, tmp_path: Path) -> None:
    """While a node runs, its id is told, and there is no end, error or final output yet."""
    identity = server.start(waiting(tmp_path), workflowId="runs")
    status = server.status_until(identity, lambda found: found["currentNodeId"])
    assert status.keys() >= STATUS
    assert identity == status["executionId"]
    assert ("runs", "running", "a") == tuple(
        status[key] for key in ("workflowId", "status", "currentNodeId")
    )
    assert [None, None, None] == [status[key] for key in ("completedAt", "error", "finalOutput")]
    assert all(TIME.fullmatch(status[key]) for key in ("createdAt", "startedAt"))
    assert {"totalNodes": 2, "completedNodes": 0, "failedNodes": 0, "percentage": 0} == status[
        "progress"
    ]
    (tmp_path / "go").touch()
    server.ended(identity)


def test_the_status_of_one_that_completed(server: Server) -> None:
    """In the end there is a time, 100 per cent and the final output, and no node runs."""
    status = server.completed(chain(made("a", {"x": 1}), node("o", "output"))).status
    assert status.keys() >= STATUS
    assert TIME.fullmatch(status["completedAt"])
    assert status["createdAt"] <= status["startedAt"] <= status["completedAt"]
    assert [None, None, {"x": 1}] == [
        status[key] for key in ("currentNodeId", "error", "finalOutput")
    ]
    assert {"totalNodes": 2, "completedNodes": 2, "failedNodes": 0, "percentage": 100} == status[
        "progress"
    ]
    assert all(type(count) is int for count in status["progress"].values())


def test_the_status_of_one_that_failed(server: Server) -> None:
    """A failed one has an error and an end, and its failed nodes are counted."""
    workflow = chain(node("f", "trialFail", label="Tank"), node("o", "output"))
    status = server.run(workflow).status
    assert "failed" == status["status"]
    assert "Tank (f): the tank is empty; fill it" == status["error"]
    assert 1 == status["progress"]["failedNodes"]
    assert TIME.fullmatch(status["completedAt"])
    assert status["finalOutput"] is None


def test_the_node_started_last_is_the_current_one(server: Server, tmp_path: Path) -> None:
    """Among several that run `currentNodeId` is the one started last."""
    config = {"folder": str(tmp_path), "others": ["go"]}
    nodes = [
        node("first", "trialMeet", config),
        node("s", "trialMeet", {"folder": str(tmp_path), "stay": 0.2}),
        node("second", "trialMeet", config),
    ]
    identity = server.start(flow(nodes, [link("s", "second")]))
    server.status_until(identity, lambda found: found["currentNodeId"] == "second")
    (tmp_path / "go").touch()
    assert server.ended(identity).status["currentNodeId"] is None


def test_the_status_has_the_last_ten_logs(server: Server) -> None:
    """`logs` are the last 10 entries, in time order, without `inputData`."""
    nodes = [field(f"n{number:02}", "x", number) for number in range(15)]
    run = server.completed(chain(*nodes))
    shown = run.status["logs"]
    assert [f"n{number:02}" for number in range(5, 15)] == [entry["nodeId"] for entry in shown]
    whole = [entry["id"] for entry in run.logs]
    assert whole[5:] == [entry["id"] for entry in shown]
    assert all("inputData" not in entry for entry in shown)
    assert {"x": 14} == shown[-1]["outputData"]["outputData"]


@pytest.mark.parametrize("path", ["", "/logs", "/nodes/a", "/nodes/a/data"])
def test_an_unknown_execution(server: Server, path: str) -> None:
    """What is asked of an execution that is not there is 404 with `detail`."""
    body = server.get(f"/api/executions/{NOBODY}{path}", 404)
    assert f"Execution {NOBODY} not found" == body["detail"]


# -- finalOutput -----------------------------------------------------------------------------------


def test_the_final_output_is_the_output_nodes(server: Server) -> None:
    """With one `output` node the final output is its data, whatever else ends beside it."""
    nodes = [made("a", {"x": 1}), node("o", "output"), field("leaf", "y", 2)]
    assert {"x": 1} == server.completed(flow(nodes, [link("a", "o"), link("a", "leaf")])).final


def test_several_output_nodes_are_an_object(server: Server) -> None:
    """With several `output` nodes it is an object by node id; a skipped one is missing."""
    decide = node("c", "condition", {"conditionField": "x", "conditionValue": 1})
    nodes = [made("a", {"x": 1}), decide, node("yes", "output"), node("no", "output")]
    connections = [link("a", "c"), link("c", "yes", "true"), link("c", "no", "false")]
    assert {"yes": {"x": 1}} == server.completed(flow(nodes, connections)).final


def test_without_an_output_node_the_leaves_count(server: Server) -> None:
    """Without an `output` node it is the leaf nodes' data, by the same rule."""
    one = chain(made("a", {"x": 1}), field("b", "y", 2))
    assert {"x": 1, "y": 2} == server.completed(one).final
    two = flow([*one["nodes"], field("c", "z", 3)], [*one["connections"], link("a", "c")])
    assert {"b": {"x": 1, "y": 2}, "c": {"x": 1, "z": 3}} == server.completed(two).final


# -- GET /api/executions/{id}/logs -----------------------------------------------------------------

ENTRY = {
    "id",
    "executionId",
    "nodeId",
    "nodeType",
    "nodeLabel",
    "status",
    "inputData",
    "outputData",
    "error",
    "duration",
    "timestamp",
}


def test_a_log_entry(server: Server) -> None:
    """An entry has its node, its data, the handler's whole result, seconds and a time in UTC."""
    nodes = [made("a", {"x": 1}), field("b", "y", 2, label="Add y")]
    run = server.completed(chain(*nodes))
    body = server.get(f"/api/executions/{run.status['executionId']}/logs")
    assert {"executionId", "logs"} == body.keys()
    entry = run.entries["b"]
    assert entry.keys() >= ENTRY
    assert run.status["executionId"] == entry["executionId"]
    assert ("addField", "Add y", "completed") == tuple(
        entry[key] for key in ("nodeType", "nodeLabel", "status")
    )
    assert {"x": 1} == entry["inputData"]
    result = entry["outputData"]
    assert (True, {"x": 1, "y": 2}) == (result["success"], result["outputData"])
    assert isinstance(result["message"], str)
    assert entry["error"] is None
    assert isinstance(entry["id"], str)
    assert isinstance(entry["duration"], int | float)
    assert TIME.fullmatch(entry["timestamp"])


def test_the_entry_of_a_failed_node(server: Server) -> None:
    """A failed node's entry has the error as text, and a result that is no success."""
    entry = server.run(chain(made("a", {"x": 1}), node("f", "trialFail"))).entries["f"]
    assert ("failed", "the tank is empty; fill it") == (entry["status"], entry["error"])
    assert entry["outputData"]["success"] is False
    assert {"x": 1} == entry["inputData"]


def test_an_entry_is_written_at_the_start_and_updated(server: Server, tmp_path: Path) -> None:
    """A node has one entry from its start on, which is filled in place under the same id."""
    identity = server.start(waiting(tmp_path))
    server.status_until(identity, lambda found: found["currentNodeId"] == "a")
    [before] = server.get(f"/api/executions/{identity}/logs")["logs"]
    assert ("running", None, None) == tuple(
        before[key] for key in ("status", "outputData", "duration")
    )
    (tmp_path / "go").touch()
    run = server.ended(identity)
    assert ["a", "o"] == [entry["nodeId"] for entry in run.logs]
    kept = ("id", "nodeId", "timestamp", "inputData")
    assert [before[key] for key in kept] == [run.logs[0][key] for key in kept]
    assert "completed" == run.logs[0]["status"]


def test_entries_are_in_the_order_of_time(server: Server) -> None:
    """Entries come in the order in which their nodes began."""
    run = server.completed(chain(*(field(name, name, 1) for name in "zyxwv")))
    assert list("zyxwv") == [entry["nodeId"] for entry in run.logs]
    times = [entry["timestamp"] for entry in run.logs]
    assert sorted(times) == times


def test_every_settled_node_has_an_entry(server: Server, tmp_path: Path) -> None:
    """Skipped and cancelled nodes have their entries too, without a result."""
    failed = server.run(chain(node("f", "trialFail"), node("o", "output")))
    assert ("skipped", None) == (failed.states["o"], failed.entries["o"]["outputData"])
    identity = server.start(waiting(tmp_path))
    server.status_until(identity, lambda found: found["currentNodeId"] == "a")
    server.post(f"/api/executions/{identity}/cancel")
    assert {"a": "cancelled", "o": "cancelled"} == server.ended(identity).states


def test_the_whole_result_is_shown(server: Server) -> None:
    """What a handler puts beside its output stands in `outputData` beside it."""
    decide = {"conditionField": "x", "conditionValue": 1, "processingMode": "perRow"}
    workflow = chain(table("t", [{"x": 1}, {"x": 2}]), node("c", "condition", decide))
    result = server.completed(workflow).entries["c"]["outputData"]
    assert result.keys() >= {"success", "message", "outputData", "conditionResult"}
    assert ([{"x": 1}], [{"x": 2}]) == (result["trueRecords"], result["falseRecords"])
    split = {"columnsOutputA": ["x"], "columnsOutputB": ["y"]}
    workflow = chain(table("t", [{"x": 1, "y": 2}]), node("s", "splitColumns", split))
    result = server.completed(workflow).entries["s"]["outputData"]
    assert ([{"x": 1}], [{"y": 2}]) == (result["outputA"], result["outputB"])
