"""Workflows that are started by a call from outside, and answer it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from caudal_core.config import Config
from caudal_core.engine import Execution
from caudal_core.errors import NotFound
from caudal_core.graph import Graph
from caudal_core.registry import Registry
from caudal_core.trigger import Call, Event, Trigger
from caudal_core.triggers import Target, execution_id, trigger_id
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
    call_of,
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
    nodes = webhook_nodes(found.document, engine.registry)
    if not nodes:
        detail = f"the workflow {workflow_id} has no webhook node, so it takes no calls"
        raise Refused(404, "NO_WEBHOOK", detail, hint="add a webhook node to it")
    given = [request.path_params.get("token"), request.headers.get(TOKEN_HEADER)]
    _admit(nodes, [token for token in given if token], engine.registry)
    call = await _call(request)
    graph = await engine.graph(found.document, workflow_id=found.id)
    event, node = _event(nodes, call, engine.registry)
    if event.key is None:
        execution = await engine.submit(graph, event.inputs, organization=found.organization)
        return await _answered(request, execution, graph, repeated=False)
    target = _target(found, node, graph)
    fired = await state.triggers(request).firing.fire(target, event)
    if fired.execution_id is None:
        identity = execution_id(target.trigger, event.key)
        return _begun(identity, 200, "deleted", "This call came before; it started nothing more")
    if fired.execution is None:
        return await _told(request, fired.execution_id)
    return await _answered(request, fired.execution, graph, repeated=fired.repeated)


async def _answered(
    request: Request, execution: Execution, graph: Graph, *, repeated: bool
) -> Response:
    """A call that is repeated while its execution is in memory is answered as the first one."""
    if decides(graph):
        return await _decided(request, execution)
    if repeated:
        return await _told(request, execution.id)
    return _begun(execution.id, 200, "pending", f"Execution of '{graph.name}' accepted")


async def _told(request: Request, execution_id: str) -> Response:
    """The call came before, and its execution is what it is."""
    status = (await state.engine(request).view(execution_id, last=0)).record.state
    return _begun(execution_id, 200, status, "This call came before; it started nothing more")


def _event(
    nodes: Sequence[Mapping[str, Any]], call: Call, registry: Registry
) -> tuple[Event, Mapping[str, Any]]:
    """What the call is to the first of the nodes that takes it, and this node."""
    for node in nodes:
        trigger = registry.triggers[str(node["type"])]
        event = trigger.receive(_config(node, trigger), call)
        if event is not None:
            return event, node
    raise Refused(404, "NO_WEBHOOK", "no node of the workflow takes this call")


def _config(node: Mapping[str, Any], trigger: Trigger[Any]) -> Config:
    """The node's config as its trigger reads it, which may be more strictly than its handler."""
    try:
        return trigger.config.model_validate(node.get("config") or {})
    except ValidationError as error:
        _log.warning("a webhook was called: node '%s': %s", node["id"], error)
        detail = f"the config of the node '{node['id']}' does not fit its trigger '{trigger.name}'"
        hint = "check the workflow; the server's log says what is wrong"
        raise Refused(422, "INVALID_CONFIG", detail, hint=hint) from None


def _target(found: Found, node: Mapping[str, Any], graph: Graph) -> Target:
    return Target(
        trigger=trigger_id(found.id, str(node["id"])),
        type=str(node["type"]),
        node_id=str(node["id"]),
        workflow_id=found.id,
        workflow=graph,
        organization=found.organization,
    )


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


async def _call(request: Request) -> Call:
    headers = request.headers
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        detail = f"a body in the encoding '{encoding}' is not read"
        raise Refused(415, "UNSUPPORTED_ENCODING", detail, hint="send it as it is")
    body = await read_body(request)
    kind = headers.get("content-type", "")
    data = await parsed(request, body, lambda: body_data(body, kind))
    return call_of(request.method, headers.items(), request.url.query, data)


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
    return _begun(execution.id, 202, execution.record.state, message)


def _begun(execution_id: str, status: int, state_: str, message: str) -> Response:
    body = {"success": True, "executionId": execution_id, "status": state_, "message": message}
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
