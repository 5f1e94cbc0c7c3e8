"""Bodies of requests: how long and how large they may be, and how they are read.

A body must go on: 30 s of silence are the most, and 120 s in all with one second more for each
megabyte that has come. Whoever is slower is answered 408, whoever sends while the server stops 503.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, MutableMapping
from typing import Any

from starlette.requests import Request

from caudal_core.errors import InvalidRequest, Unavailable
from caudal_core.intake import loads
from caudal_core.records import kind_of
from caudal_core.runner.pool import ThreadPool
from caudal_server import state
from caudal_server.refused import Refused

SMALL_BODY = 64_000
"""Bytes up to which a body is parsed on the event loop."""

DISCARDED = 8
"""How many times the limit a body that is too large is read on, so that its sender sees why."""

SILENT = 30.0
"""Seconds for which nothing of a body may come."""

LONGEST = 120.0
SECONDS_A_BYTE = 1e-6
"""Seconds for a body in all, and how many more for what has come of it."""

PARSING = 2
"""Large bodies that are parsed at one time: each may take many times its size."""

LOOK = 1.0
"""Seconds after which it is seen, while nothing comes, that the server stops."""

_CLOSE = {"Connection": "close"}

WHOLE = "caudal.whole"
"""In the scope of a call whose body has come to its end."""

Message = MutableMapping[str, Any]


async def read_body(request: Request, limit: int | None = None) -> bytes:
    """The body, if it has at most `limit` bytes (`CAUDAL_MAX_BODY` where none is given)."""
    most = state.settings(request).max_body if limit is None else limit
    declared = _declared(request)
    if declared > most and (declared > most * DISCARDED or _asks_first(request)):
        raise _too_large(declared, most)
    size, parts = await _all_parts(request, most)
    if size > most:
        raise _too_large(declared or size, most)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _all_parts(request: Request, most: int) -> tuple[int, list[bytes]]:
    """The size of the body, and its parts as far as they are within the limit."""
    if WHOLE in request.scope:  # nothing is waited for, so that nothing needs to be timed
        body = _whole(await request.receive()).get("body", b"")
        return len(body), [body]
    begun = asyncio.get_running_loop().time()
    size, parts, more = 0, [], True
    while more and size <= most * DISCARDED:
        message = await _received(request, begun + LONGEST + size * SECONDS_A_BYTE)
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if part and size <= most:
            parts.append(part)
    return size, parts


async def pieces(request: Request, most: int, setting: str) -> AsyncIterator[bytes]:
    """The body piece by piece as it comes; refused where it has more than `most` bytes.

    `setting` names what allows more.
    """
    declared = _declared(request)
    if declared > most:
        raise _too_large(declared, most, setting)
    begun = asyncio.get_running_loop().time()
    size, more = 0, True
    while more:
        message = await _received(request, begun + LONGEST + size * SECONDS_A_BYTE)
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size > most:
            raise _too_large(size, most, setting)
        if part:
            yield part


def _declared(request: Request) -> int:
    """The size that the caller announces; 0 where it does not."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def _asks_first(request: Request) -> bool:
    """Whether the caller sends the body only when it is told to."""
    return request.headers.get("expect", "").lower() == "100-continue"


async def _received(request: Request, until: float) -> Message:
    """The next part; a refusal where it is late, where it never comes, or where the server stops.

    Whether it stops is looked at now and then: waiting for two things at once costs more than most
    bodies take.
    """
    loop, stopping = asyncio.get_running_loop(), state.stopping(request)
    silent = min(loop.time() + SILENT, until)
    while (now := loop.time()) < silent:
        try:
            async with asyncio.timeout_at(min(now + LOOK, silent)):
                message = await request.receive()
        except TimeoutError:
            message = None
        if message is not None and not message.get("more_body", False):
            return _whole(message)
        if stopping.is_set():
            raise Unavailable(message="the server is stopping; it has not read the body")
        if message is not None:
            return message
    most = f"{SILENT:g} s of silence are the most, in all {LONGEST:g} s and 1 s for each MB"
    detail = f"the body is late: {most}"
    raise Refused(408, "TOO_SLOW", detail, hint="send it faster", headers=_CLOSE)


def _whole(message: Message) -> Message:
    """The last part, if it is one."""
    if message["type"] == "http.disconnect":
        raise Refused(400, "INCOMPLETE", "the connection ended before the body did")
    return message


def _too_large(size: int, limit: int, setting: str = "CAUDAL_MAX_BODY") -> Refused:
    detail = f"the body has {size:,} bytes; the limit is {limit:,}"
    hint = f"send less, or raise {setting}"
    return Refused(413, "TOO_LARGE", detail, hint=hint, headers=_CLOSE, limit=limit)


async def read_json(
    request: Request, limit: int | None = None, *, empty: bool = False
) -> dict[str, Any]:
    """The JSON object in the body; `InvalidRequest` says what is wrong with it.

    With `empty` no body is an object without anything in it.
    """
    body = await read_body(request, limit)
    if not body.strip():
        if empty:
            return {}
        raise InvalidRequest(message="the body is empty; a JSON object is expected")
    value = await parsed(request, body, lambda: loads(body))
    if not isinstance(value, dict):
        raise InvalidRequest(message=f"the body is {kind_of(value)}; a JSON object is expected")
    return value


async def parsed(request: Request, body: bytes, parse: Callable[[], Any]) -> Any:
    """What `parse` makes of the body: at once of a small one, of others in threads of their own.

    So a large body keeps nobody from reading what is stored.
    """
    if len(body) <= SMALL_BODY:
        return parse()
    pool: ThreadPool = request.app.state.parsing
    return await pool.run(parse)
