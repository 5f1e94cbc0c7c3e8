"""What starts workflows by itself: schedules, and the triggers of other packages."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from caudal_core.errors import InvalidRequest
from caudal_core.values import to_wire
from caudal_server import state
from caudal_server.answers import json_answer, tagged
from caudal_server.api_docs.schedules import GET, LIST, PAUSE, PAUSE_ALL, RESUME, RESUME_ALL, TICKS
from caudal_server.parameters import known_only, whole_number
from caudal_server.schedules import schedule_row, tick_row

SHOWN = 50
MOST_SHOWN = 500


def routes() -> APIRouter:
    """`/api/schedules`."""
    router = APIRouter(prefix="/api/schedules")
    router.get("", **LIST)(list_schedules)
    router.post("/pause", **PAUSE_ALL)(pause_schedules)
    router.post("/resume", **RESUME_ALL)(resume_schedules)
    router.get("/{scheduleId}", **GET)(get_schedule)
    router.get("/{scheduleId}/ticks", **TICKS)(list_ticks)
    router.post("/{scheduleId}/pause", **PAUSE)(pause_schedule)
    router.post("/{scheduleId}/resume", **RESUME)(resume_schedule)
    return router


async def list_schedules(request: Request) -> Response:
    """Each with its next five times and the last event, of all workflows or of one."""
    known_only(request)
    return tagged(request, to_wire(await _listed(request)))


async def _listed(request: Request) -> dict[str, Any]:
    engine = state.engine(request)
    views = await state.triggers(request).views(request.query_params.get("workflowId"))
    return {"schedules": [schedule_row(view, engine) for view in views]}


async def get_schedule(request: Request) -> Response:
    """One of them."""
    view = await state.triggers(request).view(request.path_params["scheduleId"])
    return tagged(request, to_wire(schedule_row(view, state.engine(request))))


async def list_ticks(request: Request) -> Response:
    """What it has told of, newest first: executions, and times that were skipped.

    Those of a schedule that is not there any more are listed too.
    """
    known_only(request)
    trigger = request.path_params["scheduleId"]
    limit = whole_number(request, "limit", SHOWN, least=1, most=MOST_SHOWN)
    before = _position(request.query_params.get("cursor"))
    engine = state.engine(request)
    store = engine.storage.triggers
    found = await engine.read(
        lambda: store.events(trigger, limit=limit + 1, before=before) if store else []
    )
    if not found and before is None:
        await state.triggers(request).view(trigger)  # there may be no such schedule at all
    shown = found[:limit]
    cursor = _cursor(shown[-1].created, shown[-1].key) if len(found) > limit else None
    return json_answer(
        {"ticks": [tick_row(event, engine) for event in shown], "nextCursor": cursor}
    )


async def pause_schedules(request: Request) -> Response:
    """Pauses those of the workflow that `workflowId` names, else all, also those to come."""
    known_only(request)
    workflow_id = request.query_params.get("workflowId")
    await state.triggers(request).pause(workflow_id=workflow_id)
    return json_answer(await _listed(request))


async def resume_schedules(request: Request) -> Response:
    """Takes back a pause of the workflow, else of all; what is paused besides stays paused."""
    known_only(request)
    workflow_id = request.query_params.get("workflowId")
    await state.triggers(request).resume(workflow_id=workflow_id)
    return json_answer(await _listed(request))


async def pause_schedule(request: Request) -> Response:
    """Nothing is started until it is resumed; what runs goes on."""
    return await _switched(request, paused=True)


async def resume_schedule(request: Request) -> Response:
    """Goes on from now: what was planned meanwhile is not caught up with."""
    return await _switched(request, paused=False)


async def _switched(request: Request, *, paused: bool) -> Response:
    triggers, trigger = state.triggers(request), request.path_params["scheduleId"]
    await triggers.view(trigger)
    await (triggers.pause if paused else triggers.resume)(trigger=trigger)
    return json_answer(schedule_row(await triggers.view(trigger), state.engine(request)))


def _cursor(created: float, key: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([created, key])).decode().rstrip("=")


def _position(cursor: str | None) -> tuple[float, str] | None:
    if not cursor:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        created, key = orjson.loads(base64.urlsafe_b64decode(padded))
        return float(created), str(key)
    except (ValueError, TypeError):
        message = f"cursor is '{cursor[:50]}'; give the nextCursor of the page before"
        raise InvalidRequest(message=message) from None
