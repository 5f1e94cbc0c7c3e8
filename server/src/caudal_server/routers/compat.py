"""The endpoints that existing backends call; their shapes never change."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from caudal_core.engine import Execution, ExecutionView
from caudal_core.journal import NodeRun
from caudal_core.values import to_wire
from caudal_server import results, state, waiting
from caudal_server.accepted import entered
from caudal_server.answers import json_answer, tagged
from caudal_server.api_docs.compat import (
    CANCEL,
    EXECUTE,
    EXECUTION,
    EXECUTIONS_OF_WORKFLOW,
    LOGS,
    NODE,
)
from caudal_server.bodies import read_json
from caudal_server.direct import DirectRoute
from caudal_server.documents import list_row, logs_body, status_document
from caudal_server.egress import Egress
from caudal_server.listing import executions_of_workflow, limit_of
from caudal_server.parameters import wait_seconds
from caudal_server.previews import visible
from caudal_server.requests import ExecuteRequest, execute_request, node_request
from caudal_server.sources import organization_of

POLL_SECONDS = 60.0
MANY_RUNS = 500
MUCH = 1_000_000


def routes() -> APIRouter:
    """What a backend that polls needs."""
    router = APIRouter(prefix="/api", route_class=DirectRoute)
    post, get = router.post, router.get
    get("/executions/{executionId}", **EXECUTION)(get_execution)
    post("/workflows/execute", **EXECUTE)(execute_workflow)
    get("/executions/{executionId}/logs", **LOGS)(get_logs)
    post("/executions/{executionId}/cancel", **CANCEL)(cancel_execution)
    post("/nodes/execute", **NODE)(execute_node)
    get("/workflows/{workflowId}/executions", **EXECUTIONS_OF_WORKFLOW)(list_of_workflow)
    return router


async def execute_workflow(request: Request) -> Response:
    """Answers once the execution is on disk, before it runs.

    With `?wait=SECONDS` (600 at most) it answers when the execution has ended, with its status
    document beside the usual keys; as usual when the time is up.
    """
    body = await read_json(request)
    call = execute_request(body)
    organization = call.organization or organization_of(call.workflow or {})
    return await entered(request, body, lambda: _prepared(request, call), organization)


async def _prepared(request: Request, call: ExecuteRequest) -> Execution:
    if call.callback is not None:
        egress: Egress = request.app.state.egress
        await egress.check(call.callback)
    document, digest = call.workflow, None
    if document is None:
        found = await state.finder(request).find(call.workflow_id or "")
        document, digest = found.document, found.digest
    return await state.engine(request).prepare(
        document,
        call.inputs,
        workflow_id=call.workflow_id,
        digest=digest,
        organization=call.organization or organization_of(document),
        labels=call.labels,
        callback=call.callback,
    )


async def get_execution(request: Request) -> Response:
    """The status; small, however large the data is.

    With `?wait=SECONDS` (60 at most) it answers on the next change; with `If-None-Match`, as soon
    as the document is another one than the caller's.
    """
    engine = state.engine(request)
    execution_id = request.path_params["executionId"]
    seconds = wait_seconds(request, POLL_SECONDS)
    view = await engine.view(execution_id, last=10)
    answer = _status(request, view)
    if not seconds or view.record.finished or _is_news(request, answer):
        return answer
    execution = await engine.watch(execution_id)
    if execution is not None:
        await waiting.next_change(request, execution, execution.version, seconds)
    return _status(request, await engine.view(execution_id, last=10))


def _is_news(request: Request, answer: Response) -> bool:
    """Whether the caller, who says what it has, has not got this yet."""
    return "if-none-match" in request.headers and answer.status_code != 304


def _status(request: Request, view: ExecutionView) -> Response:
    headers = {"Retry-After": "30"} if view.record.state == "waiting" else None
    return tagged(request, to_wire(status_document(view)), headers)


async def get_logs(request: Request) -> Response:
    """Every attempt at every node that has begun or was settled, in the order of time."""
    engine = state.engine(request)
    view = await engine.view(request.path_params["executionId"])
    runs, execution_id = visible(view.runs), view.record.id
    if len(runs) <= MANY_RUNS and _size(runs) <= MUCH:
        return json_answer(logs_body(execution_id, runs))
    return json_answer(await engine.read(lambda: logs_body(execution_id, runs)))


def _size(runs: list[NodeRun]) -> int:
    """About how many bytes the data of these runs takes."""
    payloads = (payload for run in runs for payload in (run.outputs or {}).values())
    return 2 * sum(min(payload.size, 64_000) for payload in payloads)


async def cancel_execution(request: Request) -> Response:
    """`success` is false for an execution that has ended already."""
    execution_id = request.path_params["executionId"]
    done, before = await state.engine(request).cancel(execution_id)
    message = "Execution cancelled" if done else f"Execution has ended already: {before}"
    return json_answer(
        {
            "success": done,
            "executionId": execution_id,
            "message": message,
            "previousStatus": before,
        }
    )


async def execute_node(request: Request) -> Response:
    """Runs one node by itself, recorded nowhere; its output is given whole."""
    engine = state.engine(request)
    call = node_request(await read_json(request))
    try:
        result = await engine.run_node(call.node, call.data)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is the node's failure
        return json_answer(results.failed(call, error))
    return json_answer(results.succeeded(call, result))


async def list_of_workflow(request: Request) -> Response:
    """Newest first, those under way among them."""
    workflow_id = request.path_params["workflowId"]
    engine = state.engine(request)
    records, total = await executions_of_workflow(engine, workflow_id, limit_of(request))
    if total:
        name = records[0].workflow_name
    else:
        name = (await state.finder(request).find(workflow_id)).name
    return json_answer(
        {
            "workflowId": workflow_id,
            "workflowName": name,
            "executions": [list_row(record) for record in records],
            "total": total,
        }
    )
