"""The pieces that descriptions of endpoints are made of."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

JSON = "application/json"
Described = dict[str, Any]


def ref(name: str) -> Described:
    """A schema among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def content(schema: str, example: Any, media: str = JSON) -> Described:
    """A body with one example."""
    return {media: {"schema": ref(schema), "example": example}}


def answer(description: str, schema: str, example: Any, headers: Iterable[str] = ()) -> Described:
    """An answer with one example; `headers` are names of its own headers."""
    found: Described = {"description": description, "content": content(schema, example)}
    if headers:
        found["headers"] = {name: HEADERS[name] for name in headers}
    return found


def problems(*statuses: int) -> Described:
    """The errors of an endpoint, all in the one form."""
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {JSON: {"schema": ref("Problem"), "example": _problem(status)}},
        }
        for status in statuses
    }


def _problem(status: int) -> Described:
    code, detail = PROBLEMS[status]
    title = HTTPStatus(status).phrase
    return {"title": title, "status": status, "code": code, "detail": detail, "instance": "/api/…"}


def body(schema: str, example: Any, *, required: bool = True) -> Described:
    """The body of a call that is read without the framework."""
    return {"requestBody": {"required": required, "content": content(schema, example)}}


def query(name: str, description: str, schema: Described, *, many: bool = False) -> Described:
    """A parameter in the query that is read without the framework."""
    shown = {"type": "array", "items": schema} if many else schema
    return {"name": name, "in": "query", "required": False, "description": description} | {
        "schema": shown
    }


def header(name: str, description: str) -> Described:
    """A header of a call."""
    schema = {"type": "string"}
    return {"name": name, "in": "header", "required": False, "description": description} | {
        "schema": schema
    }


def path(*names: str) -> list[Described]:
    """The parameters in a path."""
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


TEXT: Described = {"type": "string"}
NUMBER: Described = {"type": "number", "minimum": 0}
COUNT: Described = {"type": "integer", "minimum": 1}

HEADERS: dict[str, Described] = {
    "ETag": {"description": "Names this state of the document.", "schema": TEXT},
    "Retry-After": {"description": "Seconds to wait before the next call.", "schema": TEXT},
    "Link": {"description": 'The next page: `<…>; rel="next"`.', "schema": TEXT},
}

PROBLEMS = {
    400: ("INCOMPLETE", "the connection ended before the body did"),
    403: ("FORBIDDEN", "this webhook wants a token, and the call has none or another"),
    404: ("NOT_FOUND", "Workflow price-filter not found"),
    408: ("TOO_SLOW", "the body is late: 30 s of silence are the most"),
    409: ("CONFLICT", "the node has not ended yet; it is running"),
    412: ("PRECONDITION_FAILED", 'the workflow price-filter is at "4" now, not at "3"'),
    413: ("TOO_LARGE", "the body has 40,000,000 bytes; the limit is 33,554,432"),
    415: ("UNSUPPORTED_ENCODING", "a body in the encoding 'gzip' is not read"),
    422: ("INVALID_REQUEST", "inputs is a list; it must be an object"),
    429: ("OVERLOADED", "10000 executions are waiting, the limit is 10000"),
    501: ("NOT_AVAILABLE", "no execution can be run again, as the engine keeps nothing on disk"),
    502: ("WORKFLOW_SOURCE_FAILED", "http://localhost:3001/{id} could not give the workflow"),
    503: ("UNAVAILABLE", "the engine is stopping"),
    504: ("WORKFLOW_SOURCE_TIMEOUT", "http://localhost:3001/{id} did not answer within 5 s"),
}
