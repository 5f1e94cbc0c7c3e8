"""Answers, past the framework's own encoder and models."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from caudal_core.values import to_wire


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
