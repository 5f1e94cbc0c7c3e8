"""Lists of executions, their nodes and the data of these."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from caudal_core.engine import Engine, Execution, ExecutionView, Replay
from caudal_core.errors import InvalidRequest, NotFound
from caudal_core.values import to_wire
from caudal_server import state
from caudal_server.accepted import entered
from caudal_server.answers import json_answer, tagged
from caudal_server.api_docs.executions import DATA, ERASE, LISTING, NODE, REPLAY, RETRY
from caudal_server.bodies import read_json
from caudal_server.documents import list_row, status_document
from caudal_server.listing import filter_of, page
from caudal_server.nodes import (
    data_body,
    data_file,
    data_request,
    means_data,
    node_document,
    runs_of,
)
from caudal_server.parameters import known_only
from caudal_server.requests import ReplayRequest, check_retry, replay_request

MOST_IDS = 200


def routes() -> APIRouter:
    """`/api/executions` and what hangs below one."""
    router = APIRouter(prefix="/api/executions")
    router.get("", **LISTING)(list_executions)
    router.post("/{executionId}/retry", **RETRY)(retry_execution)
    router.post("/{executionId}/replay", **REPLAY)(replay_execution)
    router.delete("/{executionId}", **ERASE)(delete_execution)
    router.get("/{executionId}/nodes/{nodeId:path}/data", **DATA)(get_node_data)
    router.get("/{executionId}/nodes/{nodeId:path}", **NODE)(get_node)
    return router


async def retry_execution(request: Request) -> Response:
    """A new execution from the nodes that failed; what finished is taken over.

    Answers as `execute` does, `?wait=SECONDS` and `Idempotency-Key` included.
    """
    engine, execution_id = state.engine(request), request.path_params["executionId"]
    body = await read_json(request, empty=True)
    check_retry(body)
    return await entered(request, body, lambda: engine.again.retry(execution_id))


async def replay_execution(request: Request) -> Response:
    """A new execution from any node, with the same or another input; as `retry`."""
    body = await read_json(request, empty=True)
    call = replay_request(body)
    return await entered(request, body, lambda: _replay(request, call))


async def _replay(request: Request, call: ReplayRequest) -> Execution:
    engine, execution_id = state.engine(request), request.path_params["executionId"]
    document, digest = None, None
    if call.newest:
        record = (await engine.view(execution_id, last=0)).record
        found = await state.finder(request).find(record.workflow_id)
        document, digest = found.document, found.digest
    replay = Replay(call.start, call.inputs, document, digest)
    return await engine.again.replay(execution_id, replay)


async def list_executions(request: Request) -> Response:
    """A page, newest first; with `?ids=` the status documents of these."""
    known_only(request)
    ids = request.query_params.get("ids")
    if ids is not None:
        return await _by_id(request, ids)
    found = await page(state.engine(request), filter_of(request))
    body = {"executions": [list_row(record) for record in found.records]}
    answer = {**body, "nextCursor": found.cursor}
    return tagged(request, to_wire(answer), _next(request, cursor=found.cursor))


def _next(request: Request, **changed: Any) -> dict[str, str]:
    """The header that names the next page; none at the end."""
    if None in changed.values():
        return {}
    kept = [(key, value) for key, value in request.query_params.multi_items()]
    query = [item for item in kept if item[0] not in changed] + list(changed.items())
    return {"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'}


async def _by_id(request: Request, ids: str) -> Response:
    wanted = list(dict.fromkeys(part.strip() for part in ids.split(",") if part.strip()))
    if not 1 <= len(wanted) <= MOST_IDS:
        message = f"ids has {len(wanted)} ids; give 1 to {MOST_IDS} with commas between them"
        raise InvalidRequest(message=message)
    engine = state.engine(request)
    views = await asyncio.gather(*(_view(engine, execution_id) for execution_id in wanted))
    answer: dict[str, Any] = {
        "executions": [status_document(view) for view in views if view is not None]
    }
    missing = [key for key, view in zip(wanted, views, strict=True) if view is None]
    if missing:
        answer["notFound"] = missing
    return tagged(request, to_wire(answer))


async def _view(engine: Engine, execution_id: str) -> ExecutionView | None:
    try:
        return await engine.view(execution_id, last=10)
    except NotFound:
        return None


async def delete_execution(request: Request) -> Response:
    """All that is kept of it, and its workflow's version where nothing else names that.

    While it has not ended it is not deleted: 409. Its large values are deleted within about two
    hours, where no other execution has the same ones.
    """
    await state.engine(request).erase(request.path_params["executionId"])
    return Response(status_code=204)


async def get_node(request: Request) -> Response:
    """The node's last attempt, with all attempts and the ports it took."""
    return await _node(request, request.path_params["nodeId"])


async def _node(request: Request, node_id: str) -> Response:
    engine = state.engine(request)
    found = await runs_of(engine, request.path_params["executionId"], node_id)
    return tagged(request, await engine.read(lambda: to_wire(node_document(found))))


async def get_node_data(request: Request) -> Response:
    """A page of the records that a node handed on, or all as a file; any other value whole."""
    engine, path = state.engine(request), request.path_params
    if not means_data(request.scope):
        return await _node(request, f"{path['nodeId']}/data")
    wanted = data_request(request)
    found = await runs_of(engine, path["executionId"], path["nodeId"])
    if wanted.options.format != "json":
        pieces, headers = await data_file(engine, found, wanted)
        return StreamingResponse(pieces, headers=headers)
    body, more = await data_body(engine, found, wanted)
    offset = wanted.offset + wanted.limit if more else None
    return json_answer(body, headers=_next(request, offset=offset))
