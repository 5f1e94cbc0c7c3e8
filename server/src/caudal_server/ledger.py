"""The ledger of effects, as it is asked for and told."""

from __future__ import annotations

import base64
import re
from time import time
from typing import Any

import orjson
from starlette.requests import Request

from caudal_core.engine.running.final import cause
from caudal_core.errors import InvalidRequest
from caudal_core.journal.effects import Done, EffectFilter, Position
from caudal_server import state
from caudal_server.listing import seconds_of
from caudal_server.parameters import whole_number
from caudal_server.times import moment

SHOWN, MOST_SHOWN = 100, 1_000
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SPAN = re.compile(r"([0-9]{1,9})([smhd])")


def since_of(name: str, text: str | None, timezone: str) -> float | None:
    """`24h`, `30m`, `7d`, `90s` ago, or a moment in ISO 8601; null where nothing is given."""
    span = _SPAN.fullmatch(text or "")
    if span is not None:
        return time() - int(span[1]) * UNITS[span[2]]
    return seconds_of(name, text, timezone, also="24h, 30m, 7d")


def effect_filter(request: Request) -> EffectFilter:
    """Which effects the query asks for."""
    query, timezone = request.query_params, state.settings(request).timezone
    cursor = query.get("cursor")
    return EffectFilter(
        since=since_of("since", query.get("since"), timezone) or 0.0,
        until=since_of("until", query.get("until"), timezone),
        execution=query.get("executionId"),
        organization=query.get("organizationId"),
        before=_position(cursor) if cursor else None,
        limit=whole_number(request, "limit", SHOWN, least=1, most=MOST_SHOWN),
    )


def effect_document(done: Done) -> dict[str, Any]:
    """One run, and whether it is known what became of it."""
    return {
        "executionId": done.execution,
        "workflowId": done.workflow_id,
        "workflowName": done.workflow_name,
        "organizationId": done.organization,
        "nodeId": done.node,
        "nodeType": done.node_type,
        "nodeLabel": done.node_label,
        "effect": done.effect,
        "idempotencyKey": done.key,
        "attempt": done.attempt,
        "status": done.state,
        "outcomeKnown": done.known,
        "message": done.message,
        "error": cause(dict(done.error)) if done.error else None,
        "startedAt": moment(done.started),
        "duration": done.duration,
    }


def cursor_of(done: Done) -> str:
    """Where a page ends, for the next one to begin behind it."""
    return base64.urlsafe_b64encode(orjson.dumps(done.position)).decode().rstrip("=")


def _position(cursor: str) -> Position:
    try:
        found: Any = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        started, execution, number = found
        return float(started), str(execution), int(number)
    except (ValueError, TypeError):
        message = "cursor is none that this server gave; begin again without it"
        raise InvalidRequest(message=message) from None
