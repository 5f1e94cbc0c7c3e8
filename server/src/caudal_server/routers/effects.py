"""The ledger of what was done to the world."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from caudal_core.engine.ledger import effects
from caudal_core.values import to_wire
from caudal_server import state
from caudal_server.answers import tagged
from caudal_server.api_docs.effects import LIST
from caudal_server.ledger import cursor_of, effect_document, effect_filter
from caudal_server.parameters import known_only


def routes() -> APIRouter:
    """`/api/effects`."""
    router = APIRouter(prefix="/api/effects")
    router.get("", **LIST)(list_effects)
    return router


async def list_effects(request: Request) -> Response:
    """A page, the newest first."""
    known_only(request)
    wanted = effect_filter(request)
    found = await effects(state.engine(request), replace(wanted, limit=wanted.limit + 1))
    shown = found[: wanted.limit]
    cursor = cursor_of(shown[-1]) if len(found) > len(shown) else None
    body = {"effects": list(map(effect_document, shown)), "nextCursor": cursor}
    headers = {}
    if cursor is not None:
        kept = [item for item in request.query_params.multi_items() if item[0] != "cursor"]
        query = urlencode([*kept, ("cursor", cursor)])
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return tagged(request, to_wire(body), headers)
