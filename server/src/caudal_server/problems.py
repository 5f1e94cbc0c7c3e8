"""Every answer that is not 2xx: one JSON form, always with a text in `detail`.

    {"title": "Not Found", "status": 404, "code": "NOT_FOUND", "detail": "Execution x not found",
     "hint": "…", "instance": "/api/executions/x"}

It is sent as `application/json`, which every client takes for JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from caudal_core import errors
from caudal_core.stores import EntityNotFound, RowRefused, StoreFailed
from caudal_server.answers import json_answer
from caudal_server.refused import Refused
from caudal_server.sources import SourceFailed, SourceTimeout, WorkflowNotFound

RETRY_SECONDS = 5
WEBHOOK = "/api/webhook/"

STATUS: tuple[tuple[type[errors.CaudalError], int], ...] = (
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.InvalidWorkflow, 422),
    (errors.InvalidRequest, 422),
    (errors.Overloaded, 429),
    (errors.NotAvailable, 501),
    (SourceFailed, 502),
    (StoreFailed, 502),
    (errors.Unavailable, 503),
    (SourceTimeout, 504),
    (errors.HandlerError, 422),
)
"""What an error means to a caller; the first that fits counts."""


def install(app: FastAPI) -> None:
    """Give every error of the application this form."""
    app.add_exception_handler(errors.CaudalError, _caudal)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Exception, _unforeseen)


def problem(
    request: HTTPConnection,
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Response:
    """The answer for what went wrong; other keywords stand in the body as they are."""
    body: dict[str, Any] = {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if hint:
        body["hint"] = hint
    body |= extra
    body["instance"] = shown_path(request)
    return json_answer(body, status, headers)


def shown_path(request: HTTPConnection) -> str:
    """The path that was asked for, without what may be a webhook's token."""
    path: str = request.scope["path"]
    if not path.startswith(WEBHOOK):
        return path
    workflow_id, slash, _ = path.removeprefix(WEBHOOK).partition("/")
    return f"{WEBHOOK}{workflow_id}{slash}{'•••' if slash else ''}"


def of_error(request: HTTPConnection, error: errors.CaudalError) -> Response:
    """The answer for an error of ours."""
    if isinstance(error, Refused):
        return problem(
            request,
            error.status,
            error.name,
            error.text(),
            hint=error.hint(),
            headers=error.headers,
            **error.extra,
        )
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return problem(
        request,
        status,
        error.code,
        error.text(),
        hint=error.hint(),
        headers=_headers(error, status),
        **_extra(error),
    )


async def refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    """Answer a call, or a WebSocket instead of accepting it: by a mere 403 if all else fails."""
    extensions = scope.get("extensions") or {}
    if scope["type"] == "websocket" and "websocket.http.response" not in extensions:
        await send({"type": "websocket.close", "code": 1008})
    else:
        await answer(scope, receive, send)


def _headers(error: errors.CaudalError, status: int) -> dict[str, str]:
    if status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return {}
    return {"Retry-After": f"{error.params.get('seconds', RETRY_SECONDS):.0f}"}


def _extra(error: errors.CaudalError) -> dict[str, Any]:
    if isinstance(error, errors.InvalidWorkflow):
        return {"problems": error.problems}
    if isinstance(error, WorkflowNotFound | EntityNotFound):
        return {"lookedIn": error.looked_in}
    if isinstance(error, RowRefused):
        return {"row": error.params["row"]}
    return {}


async def _caudal(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.CaudalError)  # noqa: S101 - it is installed for these alone
    return of_error(request, error)


async def _framework(request: Request, error: Exception) -> Response:
    """What the framework itself says: unknown paths, wrong methods."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is installed for these alone
    status, path = error.status_code, shown_path(request)
    if status == HTTPStatus.NOT_FOUND:
        detail = f"there is nothing at {path}"
        return problem(request, status, "NOT_FOUND", detail, hint="/docs lists what there is")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_methods(request))
        detail = f"{request.method} is not possible at {path}; possible: {allowed}"
        headers = {"Allow": allowed}
        return problem(request, status, "METHOD_NOT_ALLOWED", detail, headers=headers)
    code = HTTPStatus(status).name
    return problem(request, status, code, str(error.detail), headers=error.headers)


def _methods(request: Request) -> list[str]:
    """Every method that some route takes at this path."""
    found: set[str] = set()
    for route in request.app.router.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return sorted(found)


async def _validation(request: Request, error: Exception) -> Response:
    """Parameters that do not fit, all of them."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is installed for these alone
    problems = [
        {
            "code": "INVALID_REQUEST",
            "message": f"{' '.join(map(str, item['loc']))}: {item['msg']}",
            "pointer": "".join(f"/{step}" for step in item["loc"]),
        }
        for item in error.errors()
    ]
    detail = "; ".join(item["message"] for item in problems)
    return problem(request, 422, "INVALID_REQUEST", detail, problems=problems)


async def _unforeseen(request: Request, error: Exception) -> Response:
    """A mistake of this program; the server's log has the traceback."""
    detail = f"the server failed at {request.method} {shown_path(request)} ({type(error).__name__})"
    return problem(request, 500, "INTERNAL", detail, hint="the server's log says where")
