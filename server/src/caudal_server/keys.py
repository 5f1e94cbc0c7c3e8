"""`Idempotency-Key`: the same call again is the same execution."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request

from caudal_core.engine import Execution
from caudal_core.engine.graphs import is_heavy
from caudal_core.engine.once import Asked, Key
from caudal_core.errors import InvalidRequest
from caudal_core.values import encode
from caudal_server import state

HEADER = "idempotency-key"
MOST = 255


async def submitted(
    request: Request,
    body: dict[str, Any],
    organization: str | None,
    prepare: Callable[[], Awaitable[Execution]],
) -> Asked:
    """The execution that this call, which has a key, stands for.

    A key is its organisation's own. The call is the same where path and body say the same, however
    the body is written. `KeyReused` where the key stands for another call.
    """
    engine, text = state.engine(request), _written(request.headers[HEADER])
    if not 1 <= len(text) <= MOST or not text.isprintable():
        message = f"Idempotency-Key has {len(text)} characters; 1 to {MOST} printable ones will do"
        raise InvalidRequest(message=message)
    path = request.url.path
    if is_heavy(body):
        digest = await engine.read(lambda: _digest(path, body))
    else:
        digest = _digest(path, body)
    key = Key(encode(["key", organization, text]).decode(), digest)
    return await engine.once.submit(key, prepare)


def _written(header: str) -> str:
    """A header is bytes: what is UTF-8 is what the caller wrote, else it is Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


def _digest(path: str, body: dict[str, Any]) -> str:
    """A hash of what is asked for; the order of keys, and space between them, mean nothing."""
    try:
        text = orjson.dumps([path, body], default=repr, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number that it cannot write
        text = json.dumps([path, body], default=repr, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()
