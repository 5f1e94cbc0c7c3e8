"""Lists of executions: what the journal has, and what goes on right now."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request

from caudal_core.engine import Engine
from caudal_core.errors import InvalidRequest
from caudal_core.journal import FINISHED, ExecutionRecord
from caudal_core.journal.filters import Filter
from caudal_server import state
from caudal_server.parameters import whole_number
from caudal_server.timezones import zone

WAITING = "waiting"
STATES = ("pending", "running", "waiting", "completed", "failed", "cancelled")
SHOWN = 50
MOST_SHOWN = 500
_SPACE_FOR_PLUS = re.compile(r" (\d\d:?\d\d)$")


@dataclass(frozen=True, slots=True)
class Page:
    """Some executions, newest first, and where to go on; null at the end."""

    records: Sequence[ExecutionRecord]
    cursor: str | None


async def page(engine: Engine, wanted: Filter) -> Page:
    """The executions that a filter takes, a page of them.

    The journal does not say of an execution under way how far it is: of those the memory counts.
    """
    more = replace(wanted, limit=wanted.limit + 1)
    found = await _found(engine, more)
    if len(found) <= wanted.limit:
        return Page(found, None)
    kept = found[: wanted.limit]
    return Page(kept, cursor_of(kept[-1]))


async def executions_of_workflow(
    engine: Engine, workflow_id: str, limit: int
) -> tuple[Sequence[ExecutionRecord], int]:
    """The newest executions of a workflow, and how many there are in all."""
    wanted = Filter(workflow_id=workflow_id, limit=limit)
    history = engine.storage.history
    if history is None:
        everything = _remembered(engine, replace(wanted, limit=1_000_000_000))
        return everything[:limit], len(everything)
    found, total = await engine.read(lambda: (history.executions(wanted), history.count(wanted)))
    return _as_of_now(engine, found), total


async def _found(engine: Engine, wanted: Filter) -> Sequence[ExecutionRecord]:
    history = engine.storage.history
    if history is None:
        return _remembered(engine, wanted)
    if not wanted.status:
        return _as_of_now(engine, await engine.read(lambda: history.executions(wanted)))
    # What is under way is asked of the memory first: what ends meanwhile is found in both.
    found = {record.id: record for record in _remembered(engine, wanted)}
    kept = wanted.status
    if engine.storage.exclusive:  # else other servers have executions under way too
        kept = tuple(status for status in wanted.status if status in FINISHED or status == WAITING)
    if kept:
        narrowed = replace(wanted, status=kept)
        read: list[ExecutionRecord] = await engine.read(lambda: history.executions(narrowed))
        found |= {record.id: record for record in read if not _goes_on(engine, record)}
    return _newest(found.values(), wanted.limit)


def _goes_on(engine: Engine, record: ExecutionRecord) -> bool:
    """Whether it was read as one that has not ended, and the memory knows better."""
    live = engine.live(record.id)
    return record.state not in FINISHED and live is not None and live.record.state != record.state


def _as_of_now(engine: Engine, records: Iterable[ExecutionRecord]) -> list[ExecutionRecord]:
    found = []
    for record in records:
        live = engine.live(record.id)
        found.append(record if live is None else live.record)
    return found


def _remembered(engine: Engine, wanted: Filter) -> list[ExecutionRecord]:
    """Those in memory that the filter takes."""
    records = (execution.record for execution in engine.remembered)
    return _newest((record for record in records if _takes(wanted, record)), wanted.limit)


def _newest(records: Iterable[ExecutionRecord], limit: int) -> list[ExecutionRecord]:
    return sorted(records, key=lambda record: (record.created, record.id), reverse=True)[:limit]


def _takes(wanted: Filter, record: ExecutionRecord) -> bool:
    labels = wanted.labels or {}
    return (
        (not wanted.status or record.state in wanted.status)
        and wanted.workflow_id in (None, record.workflow_id)
        and wanted.organization in (None, record.organization)
        and wanted.parent in (None, record.parent)
        and (wanted.since is None or record.created >= wanted.since)
        and (wanted.until is None or record.created < wanted.until)
        and all(record.labels.get(key) == text for key, text in labels.items())
        and (wanted.before is None or (record.created, record.id) < wanted.before)
    )


# -- what the caller asks for ----------------------------------------------------------------------


def filter_of(request: Request) -> Filter:
    """The filter in a query; `InvalidRequest` says which parameter does not fit."""
    query = request.query_params
    timezone = state.settings(request).timezone
    cursor = query.get("cursor")
    return Filter(
        status=_statuses(query.getlist("status")),
        workflow_id=query.get("workflowId"),
        organization=query.get("organizationId"),
        parent=query.get("parent"),
        since=seconds_of("from", query.get("from"), timezone),
        until=seconds_of("to", query.get("to"), timezone),
        labels=dict(map(_label, query.getlist("label"))),
        before=_position(cursor) if cursor else None,
        limit=limit_of(request),
    )


def limit_of(request: Request) -> int:
    """How many to show at most."""
    return whole_number(request, "limit", SHOWN, least=1, most=MOST_SHOWN)


def _statuses(given: Sequence[str]) -> tuple[str, ...]:
    found = tuple(part for text in given for part in text.split(",") if part)
    for status in found:
        if status not in STATES:
            message = f"there is no status '{status}'; there are: {', '.join(STATES)}"
            raise InvalidRequest(message=message)
    return found


def _label(text: str) -> tuple[str, str]:
    key, colon, value = text.partition(":")
    if not colon:
        raise InvalidRequest(message=f"label is '{text}'; write it as key:value")
    return key, value


def seconds_of(name: str, text: str | None, timezone: str, *, also: str = "") -> float | None:
    """A moment in ISO 8601; without a zone it is in the server's. `also` is what else is taken."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(_SPACE_FOR_PLUS.sub(r"+\1", text))
    except ValueError:
        forms = ", ".join(filter(None, ("2026-01-31", also)))
        message = f"{name} is '{text}'; write it as {forms} or 2026-01-31T10:00:00Z"
        raise InvalidRequest(message=message) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(timezone))
    try:
        return moment.timestamp()
    except (OverflowError, ValueError):
        raise InvalidRequest(message=f"{name} is '{text}', which no clock shows") from None


def cursor_of(record: ExecutionRecord) -> str:
    """Where a page ends, for the next one to begin behind it."""
    return base64.urlsafe_b64encode(orjson.dumps([record.created, record.id])).decode().rstrip("=")


def _position(cursor: str) -> tuple[float, str]:
    try:
        found: Any = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        created, last = found
        return float(created), str(last)
    except (ValueError, TypeError):
        message = "cursor is none that this server gave; begin again without it"
        raise InvalidRequest(message=message) from None
