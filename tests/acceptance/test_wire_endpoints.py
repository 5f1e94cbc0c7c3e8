"""The endpoints that existing programs call: every field, and of which type it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.client import NOBODY, TIME
from tests.acceptance.flows import chain, flow, node, waiting
from tests.acceptance.serving import Server


def saved(server: Server, workflow: Any, workflow_id: str) -> str:
    """Keep a workflow in the store under this id."""
    answer = server.ask("PUT", f"/api/workflows/{workflow_id}", {**workflow, "id": workflow_id})
    assert answer.status in {200, 201}, answer.content
    return workflow_id


# -- GET / -----------------------------------------------------------------------------------------


def test_the_root_names_the_service(server: Server) -> None:
    """`GET /` is exactly service, status, version and a time in UTC."""
    found = server.get("/")
    assert ["service", "status", "version", "timestamp"] == list(found)
    assert "Workflow Orchestration Service" == found["service"]
    assert "running" == found["status"]
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", found["version"])
    assert TIME.fullmatch(found["timestamp"])


# -- POST /api/workflows/execute -------------------------------------------------------------------


@pytest.mark.parametrize("mode", [{}, {"mode": "background"}, {"mode": None}, {"mode": 3}])
def test_execute_by_id(server: Server, mode: dict[str, Any]) -> None:
    """An id starts the workflow; `mode` is accepted and has no effect."""
    workflow_id = saved(server, chain(node("t", "trigger"), name="By id"), "by-id")
    body = {"workflowId": workflow_id, "inputs": {"a": 1}, "organizationId": "acme", **mode}
    answer = server.post("/api/workflows/execute", body)
    identity = answer["executionId"]
    assert isinstance(identity, str)
    assert isinstance(answer["message"], str)
    fixed = ("success", "status", "workflowId", "workflowName")
    assert [True, "pending", "by-id", "By id"] == [answer[key] for key in fixed]
    assert {"success", "executionId", "status", "message", "workflowId", "workflowName"} == set(
        answer
    )
    assert {"a": 1} == server.ended(identity).final


@pytest.mark.parametrize("inputs", [{}, {"inputs": None}, {"inputs": {}}])
def test_execute_without_inputs(server: Server, inputs: dict[str, Any]) -> None:
    """`inputs` may be missing, null or empty."""
    workflow_id = saved(server, chain(node("t", "trigger")), "no-inputs")
    answer = server.post("/api/workflows/execute", {"workflowId": workflow_id, **inputs})
    assert {} == server.ended(answer["executionId"]).final


def test_execute_an_unknown_id(server: Server) -> None:
    """An unknown id is 404 with the text that callers know, and where it was looked for."""
    body = server.post("/api/workflows/execute", {"workflowId": "nobody"}, 404)
    assert "Workflow nobody not found" == body["detail"]
    assert all(isinstance(place, str) for place in body["lookedIn"])


def test_what_is_accepted_can_be_asked_for_at_once(server: Server) -> None:
    """With the answer of `execute` the execution is there, whatever it has done so far."""
    for _ in range(20):
        identity = server.start(flow([node("t", "trigger")]))
        assert identity == server.get(f"/api/executions/{identity}")["executionId"]


# -- POST /api/executions/{id}/cancel --------------------------------------------------------------


def test_cancel(server: Server, tmp_path: Path) -> None:
    """Cancelling tells the status before, and the execution ends as `cancelled`."""
    identity = server.start(waiting(tmp_path))
    server.status_until(identity, lambda found: found["status"] == "running")
    answer = server.post(f"/api/executions/{identity}/cancel")
    assert {"success", "executionId", "message", "previousStatus"} == answer.keys()
    assert (True, identity, "running") == tuple(
        answer[key] for key in ("success", "executionId", "previousStatus")
    )
    assert isinstance(answer["message"], str)
    status = server.ended(identity).status
    assert ("cancelled", None) == (status["status"], status["currentNodeId"])
    assert TIME.fullmatch(status["completedAt"])


def test_cancel_twice(server: Server, tmp_path: Path) -> None:
    """Cancelling what has ended is 200 with `success` false, as often as it is asked."""
    identity = server.start(waiting(tmp_path))
    server.post(f"/api/executions/{identity}/cancel")
    server.ended(identity)
    for _ in range(2):
        answer = server.post(f"/api/executions/{identity}/cancel")
        assert (False, "cancelled") == (answer["success"], answer["previousStatus"])


@pytest.mark.parametrize(("type_", "before"), [("trigger", "completed"), ("trialFail", "failed")])
def test_cancel_one_that_has_ended(server: Server, type_: str, before: str) -> None:
    """One that has ended stays as it is."""
    identity = server.run(flow([node("a", type_)])).status["executionId"]
    answer = server.post(f"/api/executions/{identity}/cancel")
    assert (False, before) == (answer["success"], answer["previousStatus"])
    assert before == server.get(f"/api/executions/{identity}")["status"]


@pytest.mark.parametrize("body", [None, {}, {"reason": "no more"}])
def test_cancel_takes_any_body(server: Server, tmp_path: Path, body: Any) -> None:
    """A caller may send no body, an empty one or one of its own."""
    identity = server.start(waiting(tmp_path))
    assert server.post(f"/api/executions/{identity}/cancel", body)["success"]
    assert "cancelled" == server.ended(identity).state


def test_cancel_an_unknown_one(server: Server) -> None:
    """An execution that is not there is 404."""
    body = server.post(f"/api/executions/{NOBODY}/cancel", None, 404)
    assert f"Execution {NOBODY} not found" == body["detail"]


# -- GET /api/workflows/{id}/executions ------------------------------------------------------------


def test_executions_of_a_workflow(server: Server) -> None:
    """A workflow's executions come newest first, so many as asked for, with their number."""
    workflow_id = saved(server, chain(node("t", "trigger"), name="Listed"), "listed")
    started = [server.run(workflow_id).status for _ in range(3)]
    body = server.get(f"/api/workflows/{workflow_id}/executions?limit=2")
    assert ("listed", "Listed", 3) == tuple(
        body[key] for key in ("workflowId", "workflowName", "total")
    )
    newest = [status["executionId"] for status in reversed(started)]
    assert newest[:2] == [row["id"] for row in body["executions"]]
    row = body["executions"][0]
    fields = {"workflowId", "status", "createdAt", "startedAt", "completedAt", "error"}
    assert row.keys() >= {"id", *fields}
    assert {key: started[-1][key] for key in fields} == {key: row[key] for key in fields}
    everything = server.get(f"/api/workflows/{workflow_id}/executions")
    assert newest == [row["id"] for row in everything["executions"]]


def test_executions_of_an_inline_workflow(server: Server) -> None:
    """Executions are listed under the id of a workflow that was never stored."""
    server.run(chain(node("f", "trialFail"), id="inline-listed", name="Inline"))
    body = server.get("/api/workflows/inline-listed/executions")
    assert ("Inline", 1) == (body["workflowName"], body["total"])
    [row] = body["executions"]
    assert "failed" == row["status"]
    assert "the tank is empty" in row["error"]


def test_a_workflow_without_executions(server: Server) -> None:
    """A workflow that never ran has an empty list; one that nobody knows is 404."""
    saved(server, chain(node("t", "trigger"), name="Never"), "never-ran")
    body = server.get("/api/workflows/never-ran/executions")
    assert ("Never", [], 0) == (body["workflowName"], body["executions"], body["total"])
    missing = server.get("/api/workflows/nobody/executions", 404)
    assert "Workflow nobody not found" == missing["detail"]
