"""What people are asked, and their decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from caudal_core.values import to_wire
from caudal_server import state
from caudal_server.answers import json_answer, tagged
from caudal_server.api_docs.approvals import DECIDE, GET, LIST
from caudal_server.approval_bodies import approval_document, approval_filter, decision_of
from caudal_server.bodies import read_json
from caudal_server.parameters import known_only


def routes() -> APIRouter:
    """`/api/approvals`."""
    router = APIRouter(prefix="/api/approvals")
    router.get("", **LIST)(list_approvals)
    router.get("/{approvalId}", **GET)(get_approval)
    router.post("/{approvalId}", **DECIDE)(decide)
    return router


async def list_approvals(request: Request) -> Response:
    """A page, the oldest first: those that are open, or of `?status=`."""
    known_only(request)
    wanted = approval_filter(request)
    approvals = state.engine(request).approvals
    found = await approvals.list(replace(wanted, limit=wanted.limit + 1))
    shown = found[: wanted.limit]
    cursor = shown[-1].id if len(found) > len(shown) else None
    body = {"approvals": list(map(approval_document, shown)), "nextCursor": cursor}
    return tagged(request, to_wire(body), _next(request, cursor))


def _next(request: Request, cursor: str | None) -> dict[str, str]:
    if cursor is None:
        return {}
    kept: list[tuple[str, Any]] = [
        item for item in request.query_params.multi_items() if item[0] != "cursor"
    ]
    query = urlencode([*kept, ("cursor", cursor)])
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}


async def get_approval(request: Request) -> Response:
    """One approval, decided or not."""
    found = await state.engine(request).approvals.get(request.path_params["approvalId"])
    return tagged(request, to_wire(approval_document(found)))


async def decide(request: Request) -> Response:
    """Decides it, once: that is on disk when this answers, and the execution goes on."""
    decision = decision_of(await read_json(request))
    approval_id = request.path_params["approvalId"]
    found = await state.engine(request).approvals.decide(approval_id, decision)
    return json_answer(to_wire(approval_document(found)))
