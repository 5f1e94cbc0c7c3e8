"""The endpoints of entities and their records, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.compat import CREATED
from caudal_server.api_docs.parts import (
    COUNT,
    TEXT,
    answer,
    body,
    header,
    path,
    problems,
    query,
    ref,
)
from caudal_server.api_docs.schemas import (
    BOOLEAN,
    MOMENT_OR_NULL,
    TEXT_OR_NULL,
    WHOLE,
    Schema,
)

Described = dict[str, Any]

ENTITY: Described = {
    "id": "4f7c2d6e-0f0a-4b3e-9d53-5a0e6d1c7b20",
    "name": "readings",
    "origin": "the store",
    "properties": {"meter": "text", "kWh": "number", "day": "date"},
    "records": 35_040,
    "createdAt": CREATED,
    "updatedAt": CREATED,
    "organizationId": None,
}
RECORD: Described = {
    "id": "019c1c2d-7a60-7c1e-9a70-4d2c5b1f6e11",
    "createdAt": CREATED,
    "meter": "0417",
    "kWh": 12.5,
    "day": "2026-01-31",
}
REPORT: Described = {
    "entityId": ENTITY["id"],
    "entityName": "readings",
    "inserted": 1,
    "updated": 0,
    "unchanged": 0,
    "notFound": 0,
    "savedIds": [RECORD["id"]],
    "createdProperties": {},
    "repeated": False,
}
_TYPES: Schema = {
    "type": "object",
    "description": "By name: text, integer, number, boolean, date, dateTime, object, list, null, "
    "any. A type says what was seen; it refuses nothing.",
    "additionalProperties": TEXT,
}
_RECORD: Schema = {"type": "object", "additionalProperties": True}
_ID = path("entityId")

ENTITY_SCHEMAS: dict[str, Schema] = {
    "EntityRequest": {
        "type": "object",
        "properties": {"name": TEXT, "properties": _TYPES, "organizationId": TEXT},
    },
    "Entity": {
        "type": "object",
        "required": list(ENTITY),
        "properties": {
            "id": TEXT,
            "name": TEXT,
            "origin": {**TEXT, "description": "The store that has it."},
            "properties": _TYPES,
            "records": {**WHOLE, "type": ["integer", "null"]},
            "createdAt": MOMENT_OR_NULL,
            "updatedAt": MOMENT_OR_NULL,
            "organizationId": TEXT_OR_NULL,
        },
    },
    "Entities": {"type": "array", "items": ref("Entity")},
    "Record": _RECORD,
    "RecordPage": {
        "type": "object",
        "required": ["entityId", "entityName", "records", "nextCursor"],
        "properties": {
            "entityId": TEXT,
            "entityName": TEXT,
            "records": {"type": "array", "items": ref("Record")},
            "nextCursor": TEXT_OR_NULL,
        },
    },
    "RecordsRequest": {
        "type": "object",
        "required": ["records"],
        "properties": {
            "records": {"type": "array", "items": ref("Record")},
            "mode": {"type": "string", "enum": ["insert", "upsert", "update"]},
            "keyColumns": {"type": "array", "items": TEXT},
        },
    },
    "RecordsReport": {
        "type": "object",
        "description": "`savedIds` is empty where more than 1,000 records were written.",
        "required": list(REPORT),
        "properties": {
            "entityId": TEXT,
            "entityName": TEXT,
            "inserted": WHOLE,
            "updated": WHOLE,
            "unchanged": WHOLE,
            "notFound": {**WHOLE, "description": "Rows that update found no record for."},
            "savedIds": {"type": "array", "items": TEXT},
            "createdProperties": _TYPES,
            "repeated": {**BOOLEAN, "description": "It had been done; nothing was written now."},
        },
    },
}


def _operation(name: str, summary: str, answers: Described, **more: Any) -> Described:
    return {
        "operation_id": name,
        "summary": summary,
        "tags": ["Entities"],
        "responses": answers,
        **more,
    }


LIST = _operation(
    "listEntities",
    "All entities",
    {
        "200": answer("Those of each store by name.", "Entities", [ENTITY], ["ETag"]),
        "304": {"description": "The caller has this state already."},
        **problems(422, 501, 502),
    },
    openapi_extra={"parameters": [header("If-None-Match", "The ETag that the caller has.")]},
)
CREATE = _operation(
    "createEntity",
    "Make an entity",
    {
        "201": answer("It is there, without records.", "Entity", {**ENTITY, "records": 0}),
        **problems(408, 409, 413, 422, 501, 502),
    },
    status_code=201,
    openapi_extra=body("EntityRequest", {"name": "readings", "properties": {"kWh": "number"}}),
)
GET = _operation(
    "getEntity",
    "An entity, with its properties",
    {"200": answer("By id or by name.", "Entity", ENTITY), **problems(404, 422, 501, 502)},
    openapi_extra={"parameters": _ID},
)
SAVE = _operation(
    "saveEntity",
    "Rename an entity, or add properties",
    {
        "200": answer("As it is now.", "Entity", ENTITY),
        **problems(404, 408, 409, 413, 422, 501, 502),
    },
    openapi_extra={"parameters": _ID, **body("EntityRequest", {"name": "meter readings"})},
)
DELETE = _operation(
    "deleteEntity",
    "Delete an entity and its records",
    {"204": {"description": "It is gone."}, **problems(404, 422, 501, 502)},
    status_code=204,
    openapi_extra={"parameters": _ID},
)
RECORDS = _operation(
    "listRecords",
    "Records of an entity",
    {
        "200": answer(
            "A page of them.",
            "RecordPage",
            {
                "entityId": ENTITY["id"],
                "entityName": "readings",
                "records": [RECORD],
                "nextCursor": None,
            },
            ["Link"],
        ),
        **problems(404, 422, 501, 502),
    },
    openapi_extra={
        "parameters": [
            *_ID,
            query("filter", "JSON: comparisons `{field, operator, value}`, `and`, `or`.", TEXT),
            query("sort", "A column; with `-` in front by falling values.", TEXT, many=True),
            query("columns", "Only these columns, in this order.", TEXT, many=True),
            query("limit", "100 if not said, 10,000 at most.", {**COUNT, "maximum": 10_000}),
            query("cursor", "The `nextCursor` of the page before.", TEXT),
            query("asOf", "A moment; 501 where the store keeps no history.", TEXT),
        ]
    },
)
WRITE = _operation(
    "writeRecords",
    "Write records, all or none",
    {
        "200": answer("What was done.", "RecordsReport", REPORT),
        **problems(404, 408, 413, 422, 501, 502),
    },
    openapi_extra={
        "parameters": [*_ID, header("Idempotency-Key", "The same again writes nothing.")],
        **body(
            "RecordsRequest",
            {
                "records": [{"meter": "0417", "kWh": 12.5, "day": "2026-01-31"}],
                "mode": "upsert",
                "keyColumns": ["meter", "day"],
            },
        ),
    },
)
_RECORD_PATH = path("entityId", "recordId")
GET_RECORD = _operation(
    "getRecord",
    "One record",
    {"200": answer("By its id.", "Record", RECORD), **problems(404, 422, 501, 502)},
    openapi_extra={"parameters": _RECORD_PATH},
)
DELETE_RECORD = _operation(
    "deleteRecord",
    "Delete one record",
    {"204": {"description": "It is gone."}, **problems(404, 422, 501, 502)},
    status_code=204,
    openapi_extra={"parameters": _RECORD_PATH},
)
