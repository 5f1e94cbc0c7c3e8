"""What the OpenAPI document shows is true: its examples run, and what is answered fits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from tests.server.serving import settings

from caudal_server.app import create_app
from caudal_server.assembly import make_engine
from caudal_server.openapi import document

CALLS: Final = (
    *("getService", "getHealth", "getReadiness", "getMetrics"),
    *("listHandlers", "getHandler", "listPlugins", "reloadPlugins"),
    *("validateWorkflow", "createWorkflow", "saveWorkflow"),
    *("listWorkflows", "getWorkflow", "listWorkflowVersions"),
    *("getWorkflowVersion", "restoreWorkflowVersion"),
    *("executeWorkflow", "getExecution", "getExecutionLogs"),
    *("listExecutions", "listWorkflowExecutions"),
    *("getExecutionNode", "getExecutionNodeData"),
    *("streamExecutionEvents", "cancelExecution", "executeNode"),
    *("replayExecution", "retryExecution", "listEffects"),
    *("listApprovals", "getApproval", "decideApproval"),
    *("listSchedules", "getSchedule", "listTicks"),
    *("pauseSchedule", "resumeSchedule", "pauseSchedules", "resumeSchedules"),
    *("createEntity", "getEntity", "listEntities", "saveEntity"),
    *("writeRecords", "listRecords", "getRecord"),
    *("uploadFile", "getFile", "listFiles", "getFileContent"),
    *("deleteRecord", "deleteEntity", "deleteFile"),
    *("deleteExecution", "deleteWorkflow"),
)
"""Every operation in an order in which each finds what it asks about."""

LEFT_OUT: Final = ("streamEvents", "callWebhook")
"""A stream without an end; what a caller sends to a webhook is the workflow's business."""

FAILING: Final = {"id": "n1", "type": "addField", "config": {"fieldValue": "{{a}}"}}
ASKING: Final = {"id": "n1", "type": "humanApproval"}
NIGHTLY: Final = {
    "id": "n1",
    "type": "trigger",
    "config": {"scheduleEnabled": True, "cron": "30 2 * * *"},
}
"""Of workflows that no example has, but that some operations are about."""

QUERY: Final = {"executeWorkflow": {"wait": "30"}, "getExecutionNodeData": {"port": "true"}}
"""Parameters of calls: the others look at an execution that has ended, and at one of two ports."""

JSON: Final = "application/json"


@cache
def described() -> dict[str, Any]:
    """The document."""
    return document()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each with its path and its method."""
    for path, methods in described()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def operation_of(name: str) -> tuple[str, str, dict[str, Any]]:
    """The one of this id."""
    return next(found for found in operations() if found[2]["operationId"] == name)


def misfits(value: Any, schema: dict[str, Any]) -> list[str]:
    """What in a value does not fit a schema of the document."""
    whole = {**schema, "components": described()["components"]}
    errors = Draft202012Validator(whole).iter_errors(value)
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


def examples(
    content: dict[str, Any], place: str
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Of a body or an answer each kind that has an example."""
    for media, kind in content.get("content", {}).items():
        if "example" in kind and media == JSON:
            yield f"{place} {media}", kind["example"], kind["schema"]


def test_every_operation_is_called_or_left_out_for_a_reason() -> None:
    """A new operation has to be put into the order of calls."""
    names = [operation["operationId"] for _, _, operation in operations()]
    called = [name for name in names if not name.startswith(LEFT_OUT)]
    assert sorted(called) == sorted(CALLS)


def test_examples_fit_their_schemas() -> None:
    """Those of bodies that are sent and those of answers, errors too."""
    found = []
    for path, method, operation in operations():
        place = f"{method} {path}"
        shown = [*examples(operation.get("requestBody", {}), place)]
        for status, response in operation["responses"].items():
            shown += examples(response, f"{place} {status}")
        for where, example, schema in shown:
            found += [f"{where}: {misfit}" for misfit in misfits(example, schema)]
    assert [] == found


def test_every_json_answer_has_an_example() -> None:
    """No answer is left as JSON of any kind, and nothing that is none is called JSON."""
    found = []
    for path, method, operation in operations():
        for status, response in operation["responses"].items():
            for media, kind in response.get("content", {}).items():
                if media == JSON and ("example" not in kind or not kind["schema"]):
                    found.append(f"{method} {path} {status}")
    assert [] == found


@asynccontextmanager
async def fresh(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server that has nothing but what is installed."""
    found = settings(folder)
    app = create_app(make_engine(found), found)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://localhost:8000", timeout=60
        ) as http,
    ):
        yield http


async def replayed(http: httpx2.AsyncClient, name: str, seen: dict[str, str]) -> httpx2.Response:
    """Call an operation as its example says; `seen` is what stands in paths."""
    path, method, operation = operation_of(name)
    content = operation.get("requestBody", {}).get("content", {})
    sent: dict[str, Any] = {}
    if "multipart/form-data" in content:
        sent = {"files": {"file": ("prices.csv", b"hour;price\n9;61,2\n", "text/csv")}}
    elif content:
        sent = {"json": content[JSON]["example"]}
    answer = await http.request(method.upper(), path.format(**seen), params=QUERY.get(name), **sent)
    assert not wrong(operation, answer), f"{name}: {wrong(operation, answer)}"
    return answer


def wrong(operation: dict[str, Any], answer: httpx2.Response) -> list[str]:
    """What in an answer is not as its operation says."""
    response = operation["responses"].get(str(answer.status_code))
    if response is None or not answer.is_success:
        return [f"answered {answer.status_code}: {answer.text[:500]}"]
    tagged = "ETag" not in response.get("headers", {}) or "ETag" in answer.headers
    found = [] if tagged else ["it has no ETag"]
    kinds = response.get("content", {})
    media = answer.headers.get("content-type", "").partition(";")[0]
    if kinds and media not in kinds:
        return [*found, f"its type is {media}"]
    if not kinds and answer.content:
        return [*found, "it has a body"]
    if media == JSON:
        found += misfits(answer.json(), kinds[media]["schema"])
    return found


async def prepare(http: httpx2.AsyncClient) -> dict[str, str]:
    """What is there beside the examples: a failed execution, a question, a schedule."""

    async def executed(node: dict[str, Any], wait: int) -> str:
        body = {"workflow": {"nodes": [node]}}
        answer = await http.post(f"/api/workflows/execute?wait={wait}", json=body)
        return str(answer.json()["executionId"])

    failed = await executed(FAILING, 30)
    asking = await executed(ASKING, 0)
    while (await http.get(f"/api/executions/{asking}?wait=30")).json()["status"] != "waiting":
        pass
    await http.put("/api/workflows/nightly", json={"nodes": [NIGHTLY]})
    asked = (await http.get("/api/approvals")).json()["approvals"]
    planned = (await http.get("/api/schedules")).json()["schedules"]
    return {"failed": failed, "approvalId": asked[0]["id"], "scheduleId": planned[0]["id"]}


def remember(name: str, answer: httpx2.Response, seen: dict[str, str]) -> None:
    """Keep what later calls need in their paths."""
    if name == "executeWorkflow":
        seen["executionId"] = answer.json()["executionId"]
    elif name == "createEntity":
        seen["entityId"] = answer.json()["id"]
    elif name == "writeRecords":
        seen["recordId"] = answer.json()["savedIds"][0]
    elif name == "uploadFile":
        seen["fileId"] = answer.json()["id"]


async def test_every_example_can_be_replayed(tmp_path: Path) -> None:
    """Called one after the other on a fresh server, each answers as the document says."""
    seen = {"workflowId": "price-filter", "nodeId": "n2", "type": "condition", "version": "1"}
    said: dict[str, Any] = {}
    async with fresh(tmp_path) as http:
        seen |= await prepare(http)
        for name in CALLS:
            own = {"executionId": seen["failed"]} if name == "retryExecution" else {}
            answer = await replayed(http, name, seen | own)
            remember(name, answer, seen)
            said[name] = answer.json() if JSON in answer.headers.get("content-type", "") else None
    assert said["validateWorkflow"]["valid"], said["validateWorkflow"]
    assert ("completed", None) == (said["getExecution"]["status"], said["getExecution"]["error"])
    assert said["executeNode"]["success"], said["executeNode"]
    assert 1 == said["writeRecords"]["inserted"]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("executeNode", ("output", "outputData")),
        ("getExecution", ("finalOutput",)),
        ("getExecutionNodeData", ("data",)),
    ],
)
async def test_what_an_example_shows_is_what_comes(
    tmp_path: Path, name: str, place: tuple[str, ...]
) -> None:
    """The records that the examples of answers speak of are those that their workflow gives."""
    seen = {"workflowId": "price-filter", "nodeId": "n2"}
    async with fresh(tmp_path) as http:
        for call in ("createWorkflow", "executeWorkflow"):
            remember(call, await replayed(http, call, seen), seen)
        came = (await replayed(http, name, seen)).json()
    shown = operation_of(name)[2]["responses"]["200"]["content"][JSON]["example"]
    for key in place:
        shown, came = shown[key], came[key]
    assert shown == came
