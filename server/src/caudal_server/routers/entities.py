"""Entities and their records: what workflows read by `fetchData` and write by `saveRecords`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from caudal_core.errors import NotFound
from caudal_core.stores import Comparison, Entity, Query, RecordStores
from caudal_core.values import to_wire
from caudal_server import state
from caudal_server.answers import json_answer, tagged
from caudal_server.api_docs.entities import (
    CREATE,
    DELETE,
    DELETE_RECORD,
    GET,
    GET_RECORD,
    LIST,
    RECORDS,
    SAVE,
    WRITE,
)
from caudal_server.bodies import read_json
from caudal_server.entity_bodies import entity_of, entity_row, query_of, report_of, write_of
from caudal_server.parameters import known_only

T = TypeVar("T")


def routes() -> APIRouter:
    """`/api/entities`."""
    router = APIRouter(prefix="/api/entities")
    router.get("", **LIST)(list_entities)
    router.post("", **CREATE)(create_entity)
    router.get("/{entityId}", **GET)(get_entity)
    router.put("/{entityId}", **SAVE)(save_entity)
    router.delete("/{entityId}", **DELETE)(delete_entity)
    router.get("/{entityId}/records", **RECORDS)(list_records)
    router.post("/{entityId}/records", **WRITE)(write_records)
    router.get("/{entityId}/records/{recordId}", **GET_RECORD)(get_record)
    router.delete("/{entityId}/records/{recordId}", **DELETE_RECORD)(delete_record)
    return router


async def list_entities(request: Request) -> Response:
    """Those of the store by name, then the application's tables, then what plugins offer."""
    known_only(request)

    def listed(stores: RecordStores) -> list[Any]:
        return [entity_row(entity, stores) for entity in stores.entities()]

    return tagged(request, to_wire(await _asked(request, listed)))


async def create_entity(request: Request) -> Response:
    """In the store. Properties need not be named: records bring theirs."""
    wanted = entity_of(await read_json(request))

    def made(stores: RecordStores) -> Any:
        name = wanted.required_name()
        return entity_row(stores.create(name, wanted.properties, wanted.organization), stores)

    row = await _asked(request, made)
    headers = {"Location": f"/api/entities/{quote(row['id'], safe='')}"}
    return json_answer(row, 201, headers)


async def get_entity(request: Request) -> Response:
    """By its id, or by its name; with its properties."""
    row = await _about(request, lambda stores, entity: entity_row(entity, stores))
    return json_answer(row)


async def save_entity(request: Request) -> Response:
    """Properties are added, and become wide enough for their new type; none goes away."""
    wanted = entity_of(await read_json(request))

    def changed(stores: RecordStores, entity: Entity) -> Any:
        name = wanted.name or entity.name
        return entity_row(stores.change(entity, name, wanted.properties), stores)

    return json_answer(await _about(request, changed))


async def delete_entity(request: Request) -> Response:
    """With all its records."""
    await _about(request, lambda stores, entity: stores.delete(entity))
    return Response(status_code=204)


async def list_records(request: Request) -> Response:
    """Without `sort` in the order in which they were created. `nextCursor` goes on."""
    known_only(request)
    query = query_of(request)

    def read(stores: RecordStores, entity: Entity) -> Any:
        return entity, stores.read(entity, query)

    entity, page = await _about(request, read)
    body = {
        "entityId": entity.id,
        "entityName": entity.name,
        "records": page.records,
        "nextCursor": page.cursor,
    }
    headers = {} if page.cursor is None else {"Link": _next(request, page.cursor)}
    return json_answer(body, headers=headers)


async def write_records(request: Request) -> Response:
    """All of them or none. With an `Idempotency-Key` the same call again writes nothing.

    It then answers what the first one did, with `repeated`. An entity that is not there is 404.
    """
    body = await read_json(request)

    def written(stores: RecordStores, entity: Entity) -> Any:
        write = write_of(body, entity, request.headers.get("idempotency-key"))
        return report_of(stores.write(entity, write), entity)

    return json_answer(await _about(request, written))


async def get_record(request: Request) -> Response:
    """One record, by its id."""
    record_id = request.path_params["recordId"]

    def read(stores: RecordStores, entity: Entity) -> Any:
        found = stores.read(entity, Query(where=Comparison("id", "equals", record_id), limit=1))
        return found.records[0] if found.records else None

    record = await _about(request, read)
    if record is None:
        raise NotFound(kind="Record", id=record_id)
    return json_answer(record)


async def delete_record(request: Request) -> Response:
    """One record, by its id."""
    record_id = request.path_params["recordId"]
    removed = await _about(request, lambda stores, entity: stores.remove(entity, [record_id]))
    if not removed:
        raise NotFound(kind="Record", id=record_id)
    return Response(status_code=204)


async def _asked(request: Request, question: Callable[[RecordStores], T]) -> T:
    """What the stores answer, asked in a thread."""
    stores = state.engine(request).options.records
    answer: T = await state.recording(request).run(lambda: question(stores))
    return answer


async def _about(request: Request, question: Callable[[RecordStores, Entity], T]) -> T:
    """The same about the entity that the path names."""
    ref = request.path_params["entityId"]
    return await _asked(request, lambda stores: question(stores, stores.find(ref)))


def _next(request: Request, cursor: str) -> str:
    kept = [(key, text) for key, text in request.query_params.multi_items() if key != "cursor"]
    return f'<{request.url.path}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
