"""Workflows that are started by a call from outside, and answer it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from caudal_core.engine import Execution
from caudal_core.errors import NotFound
from caudal_core.registry import Registry
from caudal_core.values import JSON
from caudal_server import state
from caudal_server.answers import json_answer
from caudal_server.api_docs.webhooks import called
from caudal_server.bodies import parsed, read_body
from caudal_server.refused import Refused
from caudal_server.sources import Found, SourceFailed, SourceTimeout, WorkflowNotFound
from caudal_server.waiting import first
from caudal_server.webhook_answer import GUARDS, Decision, UnusableAnswer, answer_of, decides
from caudal_server.webhook_request import (
    TOKEN_HEADER,
    admits,
    body_data,
    request_data,
    setting,
    webhook_nodes,
)

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_log = logging.getLogger(__name__)


def routes() -> APIRouter:
    """`/api/webhook/{workflowId}`, with or without a token behind it."""
    router = APIRouter(prefix="/api/webhook")
    for method in METHODS:
        plain, with_token = called(method, "workflowId"), called(method, "workflowId", "token")
        router.add_api_route("/{workflowId}", call_webhook, methods=[method], **plain)
        router.add_api_route("/{workflowId}/{token}", call_webhook, methods=[method], **with_token)
    return router


async def call_webhook(request: Request) -> Response:
    """Starts the workflow; answers what its `webhookResponse` node says, or that it has begun."""
    engine = state.engine(request)
    workflow_id = request.path_params["workflowId"]
    found = await _found(request, workflow_id)
    nodes = webhook_nodes(found.document)
    if not nodes:
        detail = f"the workflow {workflow_id} has no webhook node, so it takes no calls"
        raise Refused(404, "NO_WEBHOOK", detail, hint="add a webhook node to it")
    given = [request.path_params.get("token"), request.headers.get(TOKEN_HEADER)]
    _admit(nodes, [token for token in given if token], engine.registry)
    inputs = await _inputs(request)
    graph = await engine.graph(found.document, workflow_id=found.id)
    execution = await engine.submit(graph, inputs, organization=found.organization)
    if decides(graph):
        return await _decided(request, execution)
    return _begun(execution, 200, "pending", f"Execution of '{graph.name}' accepted")


async def _found(request: Request, workflow_id: str) -> Found:
    """A stranger is not told where workflows are looked for."""
    try:
        return await state.finder(request).find(workflow_id)
    except WorkflowNotFound as error:
        raise NotFound(kind="Workflow", id=error.params["id"]) from None
    except (SourceFailed, SourceTimeout) as error:
        _log.warning("a webhook was called: %s", error.text())
        status = 504 if isinstance(error, SourceTimeout) else 502
        detail = f"the workflow {error.params['id']} cannot be read at this moment"
        hint = "try again later; the server's log says why"
        raise Refused(status, error.code, detail, hint=hint) from None


def _admit(nodes: Sequence[Mapping[str, Any]], given: Sequence[str], registry: Registry) -> None:
    tokens = [token for node in nodes if (token := setting(node, "webhookToken", registry))]
    if tokens and not admits(tokens, given):
        detail = "this webhook wants a token, and the call has none or another"
        hint = "put the token behind the address, or into the header X-Webhook-Token"
        raise Refused(403, "FORBIDDEN", detail, hint=hint)
    if any(setting(node, "webhookSecret", registry) for node in nodes):
        detail = "this webhook wants signed calls; this version does not check signatures"
        hint = "leave webhookSecret empty and set webhookToken"
        raise Refused(501, "NOT_AVAILABLE", detail, hint=hint)


async def _inputs(request: Request) -> dict[str, JSON]:
    headers = request.headers
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        detail = f"a body in the encoding '{encoding}' is not read"
        raise Refused(415, "UNSUPPORTED_ENCODING", detail, hint="send it as it is")
    body = await read_body(request)
    kind = headers.get("content-type", "")
    return {
        "_webhookData": await parsed(request, body, lambda: body_data(body, kind)),
        "_webhookRequest": request_data(request.method, headers.items(), request.url.query),
    }


async def _decided(request: Request, execution: Execution) -> Response:
    """What a node answers; what is the case where none has done so in time, or none will."""
    decision = Decision(execution)
    seconds = state.settings(request).webhook_timeout
    await first(request, decision.wait(seconds), seconds)
    if decision.run is not None:
        try:
            answer = await answer_of(state.engine(request), decision.run)
        except UnusableAnswer as error:
            label = f"{decision.run.label} ({decision.run.node_id})"
            return _failed(execution, f"{label} gave no answer that can be sent: {error}")
        if answer.left_out:
            names = ", ".join(answer.left_out)
            _log.warning("execution %s: headers a webhook may not set: %s", execution.id, names)
        headers = {**answer.headers, "x-execution-id": execution.id}
        return Response(answer.body, answer.status, headers)
    if decision.made():
        return _failed(execution, decision.reason())
    message = f"It has not answered within {seconds:g} s; it goes on"
    if state.stopping(request).is_set():
        message = "The server is stopping; it goes on when the server is back"
    return _begun(execution, 202, execution.record.state, message)


def _begun(execution: Execution, status: int, state_: str, message: str) -> Response:
    body = {"success": True, "executionId": execution.id, "status": state_, "message": message}
    return json_answer(body, status)


def _failed(execution: Execution, error: str) -> Response:
    body = {
        "success": False,
        "executionId": execution.id,
        "status": execution.record.state,
        "error": error,
        "detail": error,
    }
    return json_answer(body, 500, GUARDS)
