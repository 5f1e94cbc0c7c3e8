"""What callers send about entities and records, and how these are shown."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from starlette.requests import Request

from caudal_core.errors import InvalidRequest
from caudal_core.intake import loads
from caudal_core.records import is_records, kind_of
from caudal_core.stores import (
    Entity,
    Mode,
    Query,
    RecordStores,
    Report,
    Write,
    filter_of,
    sort_of,
)
from caudal_core.stores.types import TYPES
from caudal_server.parameters import whole_number
from caudal_server.requests import short_identifier

SHOWN = 100
MOST_SHOWN = 10_000
MOST_KEY = 255


@dataclass(frozen=True, slots=True)
class WantedEntity:
    """An entity as a caller wants it."""

    name: str | None
    properties: dict[str, str]
    organization: str | None

    def required_name(self) -> str:
        """The name, where there must be one."""
        if self.name is None:
            raise InvalidRequest(message="name is missing: an entity is known by its name")
        return self.name


def entity_of(body: Mapping[str, Any]) -> WantedEntity:
    """`{name, properties?, organizationId?}`."""
    properties = body.get("properties")
    if properties is not None and not isinstance(properties, dict):
        message = f"properties is {kind_of(properties)}; it must be an object of types by name"
        raise InvalidRequest(message=message)
    for name, type_ in (properties or {}).items():
        if type_ not in TYPES:
            message = f"properties: '{name}' has the type {type_!r}; there are: {', '.join(TYPES)}"
            raise InvalidRequest(message=message)
    wanted = properties or {}
    return WantedEntity(
        short_identifier(body, "name"), wanted, short_identifier(body, "organizationId")
    )


def query_of(request: Request) -> Query:
    """`filter` (JSON), `sort`, `columns` (one parameter a column), `limit`, `cursor`, `asOf`."""
    given = request.query_params
    return Query(
        where=filter_of(_json(given.get("filter"))),
        sort=sort_of(given.getlist("sort")),
        limit=whole_number(request, "limit", SHOWN, least=1, most=MOST_SHOWN),
        columns=tuple(given.getlist("columns")) or None,
        cursor=given.get("cursor") or None,
        as_of=given.get("asOf") or None,
    )


def _json(text: str | None) -> Any:
    if not text:
        return None
    try:
        content = text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(message="filter holds half of a surrogate pair") from None
    return loads(content, what="filter")


def write_of(body: Mapping[str, Any], entity: Entity, key: str | None) -> Write:
    """`{records, mode?, keyColumns?}`; the header `Idempotency-Key` names the write."""
    given = body.get("records")
    records: list[Any] = [given] if isinstance(given, dict) else given or []
    if given is None or not is_records(records):
        what = "missing" if given is None else f"{kind_of(given)}, not of objects alone"
        raise InvalidRequest(message=f"records is {what}; it must be a list of objects")
    mode = body.get("mode", "insert")
    if mode not in get_args(Mode):
        message = f"there is no mode {mode!r}; there are: {', '.join(get_args(Mode))}"
        raise InvalidRequest(message=message)
    keys = body.get("keyColumns") or []
    if not isinstance(keys, list) or not all(isinstance(name, str) for name in keys):
        raise InvalidRequest(message="keyColumns must be a list of texts")
    return Write(
        rows=records,
        now=datetime.now(UTC),
        mode=mode,
        keys=tuple(keys),
        effect=None if key is None else _effect(entity, key),
        organization=entity.organization,
    )


def _effect(entity: Entity, key: str) -> str:
    if not key or len(key) > MOST_KEY:
        message = f"Idempotency-Key has {len(key)} characters; 1 to {MOST_KEY} are allowed"
        raise InvalidRequest(message=message)
    return "api:" + hashlib.sha256(f"{entity.store}\n{entity.id}\n{key}".encode()).hexdigest()


def entity_row(entity: Entity, stores: RecordStores) -> dict[str, Any]:
    """An entity as it is shown."""
    return {
        "id": entity.id,
        "name": entity.name,
        "origin": stores.store_name(entity),
        "properties": dict(entity.properties),
        "records": entity.records,
        "createdAt": entity.created,
        "updatedAt": entity.updated,
        "organizationId": entity.organization,
    }


def report_of(report: Report, entity: Entity) -> dict[str, Any]:
    """What a write did, as it is shown."""
    return {
        "entityId": entity.id,
        "entityName": entity.name,
        "inserted": report.inserted,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "notFound": report.not_found,
        "savedIds": list(report.ids),
        "createdProperties": dict(report.created),
        "repeated": report.repeated,
    }
