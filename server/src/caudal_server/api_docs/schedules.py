"""The endpoints of schedules, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.compat import ID
from caudal_server.api_docs.parts import COUNT, TEXT, answer, path, problems, query, ref
from caudal_server.api_docs.schemas import (
    EXECUTION_STATES,
    MOMENT,
    MOMENT_OR_NULL,
    TEXT_OR_NULL,
    Schema,
)

Described = dict[str, Any]

_TICK: Described = {
    "key": "2026-10-25T00:30:00Z",
    "plannedAt": "2026-10-25T00:30:00.000Z",
    "recordedAt": "2026-10-25T00:30:00.004Z",
    "lagSeconds": 0.004,
    "executionId": ID,
    "status": "completed",
    "skipped": None,
}
_SKIPPED: Described = {
    **_TICK,
    "key": "2026-10-26T01:30:00Z",
    "plannedAt": "2026-10-26T01:30:00.000Z",
    "recordedAt": "2026-10-26T01:30:00.003Z",
    "lagSeconds": 0.003,
    "executionId": None,
    "status": None,
    "skipped": f"the execution {ID} of the time before has not ended",
}
_SCHEDULE: Described = {
    "id": "96710b13d5777e1b56da",
    "workflowId": "nightly",
    "workflowName": "Nightly report",
    "nodeId": "start",
    "type": "schedule",
    "state": "listening",
    "pausedBy": [],
    "error": None,
    "retryAt": None,
    "timezone": "Europe/Madrid",
    "toleranceSeconds": 60,
    "cron": "30 2 * * *",
    "catchUp": "skip",
    "overlap": "skip",
    "next": [f"2026-10-{day}T01:30:00.000Z" for day in range(26, 31)],
    "last": _TICK,
    "lagSeconds": 0.004,
}
_PAUSED = {**_SCHEDULE, "state": "paused", "pausedBy": ["trigger"], "next": []}
_WORKFLOW = query("workflowId", "Only those of this workflow.", TEXT)
_ID = path("scheduleId")


def _described(
    operation_id: str, summary: str, shown: Described, parameters: list[Described], *wrong: int
) -> Described:
    return {
        "operation_id": operation_id,
        "summary": summary,
        "tags": ["Schedules"],
        "responses": {"200": shown, **problems(*wrong)},
        "openapi_extra": {"parameters": parameters},
    }


_ALL = answer("All that there are.", "Schedules", {"schedules": [_SCHEDULE]})
_ALL_PAUSED = answer("All that there are.", "Schedules", {"schedules": [_PAUSED]})
_ONE = answer("How it is now.", "Schedule", _SCHEDULE)

LIST = _described("listSchedules", "Schedules and other triggers", _ALL, [_WORKFLOW], 422)
PAUSE_ALL = _described("pauseSchedules", "Pause many", _ALL_PAUSED, [_WORKFLOW], 404, 503)
RESUME_ALL = _described("resumeSchedules", "Resume many", _ALL, [_WORKFLOW], 503)
GET = _described("getSchedule", "One schedule", _ONE, _ID, 404)
PAUSE = _described(
    "pauseSchedule", "Pause one", answer("How it is now.", "Schedule", _PAUSED), _ID, 404, 503
)
RESUME = _described("resumeSchedule", "Resume one", _ONE, _ID, 404, 503)
TICKS = _described(
    "listTicks",
    "What a schedule has started and skipped",
    answer("A page, newest first.", "Ticks", {"ticks": [_SKIPPED, _TICK], "nextCursor": None}),
    [
        *_ID,
        query("limit", "1 to 500; 50 by default.", COUNT),
        query("cursor", "`nextCursor` of the page before.", TEXT),
    ],
    404,
    422,
)

_NUMBER_OR_NULL: Schema = {"type": ["number", "null"], "minimum": 0}
_STATUS: Schema = {"type": ["string", "null"], "enum": [*EXECUTION_STATES, None]}


_TICK_FIELDS: Schema = {
    "key": TEXT,
    "plannedAt": MOMENT_OR_NULL,
    "recordedAt": MOMENT,
    "lagSeconds": _NUMBER_OR_NULL,
    "executionId": TEXT_OR_NULL,
    "status": _STATUS,
    "skipped": TEXT_OR_NULL,
}
_SCHEDULE_FIELDS: Schema = {
    "id": TEXT,
    "workflowId": TEXT,
    "workflowName": TEXT,
    "nodeId": TEXT,
    "type": TEXT,
    "state": {"type": "string", "enum": ["listening", "broken", "paused", "elsewhere", "off"]},
    "pausedBy": {"type": "array", "items": {"enum": ["trigger", "workflow", "all"]}},
    "error": TEXT_OR_NULL,
    "retryAt": MOMENT_OR_NULL,
    "timezone": TEXT,
    "toleranceSeconds": _NUMBER_OR_NULL,
    "next": {"type": "array", "items": MOMENT},
    "last": {"anyOf": [ref("Tick"), {"type": "null"}]},
    "lagSeconds": _NUMBER_OR_NULL,
}

SCHEDULE_SCHEMAS: dict[str, Schema] = {
    "Schedule": {
        "type": "object",
        "description": "A trigger adds what describes it: `cron`, `intervalSeconds`, `overlap`, …",
        "required": list(_SCHEDULE_FIELDS),
        "properties": _SCHEDULE_FIELDS,
    },
    "Schedules": {
        "type": "object",
        "required": ["schedules"],
        "properties": {"schedules": {"type": "array", "items": ref("Schedule")}},
    },
    "Tick": {"type": "object", "required": list(_TICK_FIELDS), "properties": _TICK_FIELDS},
    "Ticks": {
        "type": "object",
        "required": ["ticks", "nextCursor"],
        "properties": {
            "ticks": {"type": "array", "items": ref("Tick")},
            "nextCursor": TEXT_OR_NULL,
        },
    },
}
