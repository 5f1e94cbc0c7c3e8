"""Bodies in and out, past the framework's own encoder and models."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from caudal_core.errors import InvalidRequest
from caudal_core.intake import loads
from caudal_core.records import kind_of
from caudal_core.values import to_wire
from caudal_server import state
from caudal_server.refused import Refused

SMALL_BODY = 64_000
"""Bytes up to which a body is read on the event loop."""

DISCARDED = 8
"""How many times the limit a body that is too large is read on, so that its sender sees why."""


def json_answer(
    body: bytes | Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer whose body is JSON already, or any value in the inside form."""
    content = body if isinstance(body, bytes) else to_wire(body)
    return Response(content, status, headers, media_type="application/json")


def tagged(request: Request, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """The same with an `ETag`; 304 without a body if the caller has it already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    found = {**(headers or {}), "ETag": tag, "Cache-Control": "no-cache"}
    if known_to(request, tag):
        return Response(status_code=304, headers=found)
    return json_answer(body, headers=found)


def known_to(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` names this tag."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    tags = [text.strip().removeprefix("W/") for text in given.split(",")]
    return tag in tags or "*" in tags


async def read_body(request: Request, limit: int | None = None) -> bytes:
    """The body, if it has at most `limit` bytes (`CAUDAL_MAX_BODY` where none is given)."""
    most = state.settings(request).max_body if limit is None else limit
    declared = request.headers.get("content-length", "")
    size, parts = 0, []
    try:
        async for part in request.stream():
            size += len(part)
            if size <= most:
                parts.append(part)
            elif size > most * DISCARDED:
                break
    except ClientDisconnect:
        raise Refused(400, "INCOMPLETE", "the connection ended before the body did") from None
    if size > most:
        given = int(declared) if declared.isdecimal() else size
        raise _too_large(given, most)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(size: int, limit: int) -> Refused:
    detail = f"the body has {size:,} bytes; the limit is {limit:,}"
    hint = "send less, or raise CAUDAL_MAX_BODY"
    headers = {"Connection": "close"}
    return Refused(413, "TOO_LARGE", detail, hint=hint, headers=headers, limit=limit)


async def read_json(request: Request, limit: int | None = None) -> dict[str, Any]:
    """The JSON object in the body; `InvalidRequest` says what is wrong with it."""
    body = await read_body(request, limit)
    if not body.strip():
        raise InvalidRequest(message="the body is empty; a JSON object is expected")
    if len(body) <= SMALL_BODY:
        value = loads(body)
    else:
        value = await state.engine(request).read(lambda: loads(body))
    if not isinstance(value, dict):
        raise InvalidRequest(message=f"the body is {kind_of(value)}; a JSON object is expected")
    return value
