"""The OpenAPI document as a whole."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from caudal_server.api_docs.approvals import APPROVAL_SCHEMAS
from caudal_server.api_docs.effects import EFFECT_SCHEMAS
from caudal_server.api_docs.entities import ENTITY_SCHEMAS
from caudal_server.api_docs.files import FILE_SCHEMAS
from caudal_server.api_docs.library_schemas import LIBRARY_SCHEMAS
from caudal_server.api_docs.parts import JSON
from caudal_server.api_docs.schedules import SCHEDULE_SCHEMAS
from caudal_server.api_docs.schemas import SCHEMAS
from caudal_server.api_docs.service import SERVICE_SCHEMAS

DESCRIPTION = """
Executes workflows and shows how they go.

A call comes from this machine, by one of its own names: any other `Host` or `Origin`, and what a
proxy hands on, is answered 403, but for hosts that the operator names. Errors are JSON with a text
in `detail`. Moments are ISO 8601 in UTC. Data above 64 kB is shown as a preview; beside it, under
its name + `Info`, stand its true size and where all of it is.
""".strip()

TAGS = [
    {"name": "Executions", "description": "Run workflows and watch them."},
    {"name": "Streams", "description": "Hear what happens as it happens."},
    {"name": "Workflows", "description": "Workflows kept here, in versions."},
    {"name": "Schedules", "description": "What starts workflows by itself."},
    {"name": "Files", "description": "Files that workflows read."},
    {"name": "Entities", "description": "Records that workflows read and save."},
    {"name": "Handlers", "description": "The node types that are installed."},
    {"name": "Plugins", "description": "The packages that they come from."},
    {"name": "Webhooks", "description": "Start a workflow from outside."},
    {"name": "Approvals", "description": "What people are asked, and their decisions."},
    {"name": "Service", "description": "Whether the server is there and can take work."},
]


def describe(app: FastAPI) -> None:
    """Make the application's document whole: with the schemas that its endpoints refer to."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _made(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # the framework's own way to extend it


def _made(app: FastAPI) -> dict[str, Any]:
    document: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        tags=app.openapi_tags,
        routes=app.routes,
    )
    _with_whole_examples(document, app)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    every = {
        **SCHEMAS,
        **LIBRARY_SCHEMAS,
        **ENTITY_SCHEMAS,
        **FILE_SCHEMAS,
        **APPROVAL_SCHEMAS,
        **EFFECT_SCHEMAS,
        **SCHEDULE_SCHEMAS,
        **SERVICE_SCHEMAS,
    }
    for name, schema in every.items():
        schemas.setdefault(name, schema)
    return document


def _with_whole_examples(document: dict[str, Any], app: FastAPI) -> None:
    """Put the examples in as they are described: the framework leaves out what is null in them."""
    for route in app.routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        body = (route.openapi_extra or {}).get("requestBody", {})
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            _restore(operation.get("requestBody", {}), body)
            for status, response in route.responses.items():
                _restore(operation["responses"][str(status)], response)
                _leave_out_json(operation["responses"][str(status)], response)


def _leave_out_json(made: dict[str, Any], described: dict[str, Any]) -> None:
    """The framework takes every answer for JSON, beside what it is described as."""
    kinds = described.get("content", {})
    if kinds and JSON not in kinds:
        made.get("content", {}).pop(JSON, None)


def _restore(made: dict[str, Any], described: dict[str, Any]) -> None:
    for media, kind in described.get("content", {}).items():
        if "example" in kind:
            made["content"][media]["example"] = kind["example"]
