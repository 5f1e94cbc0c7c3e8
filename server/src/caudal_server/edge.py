"""Who may speak to a server that asks nobody who they are: this machine, and no proxy for others.

A page of another site can make a browser call this machine, by its own name (`Host`) or from
itself (`Origin`), and a proxy makes it public; each is answered 403. Every call is looked at, by
HTTP and by WebSocket, before anything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from caudal_server.problems import of_error, refuse
from caudal_server.refused import Refused

LOCALHOST = "localhost"
FORWARDED = b"x-forwarded-"
OF_PROXIES = frozenset((b"forwarded", b"via"))
"""Headers that a proxy puts into what it hands on, beside those that begin with `FORWARDED`."""

_NAMES_KEPT = 256


class Edge:
    """Lets through what comes from this machine for this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._is_here = lru_cache(_NAMES_KEPT)(is_here)
        self._is_from_here = lru_cache(_NAMES_KEPT)(is_from_here)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the call on, or answer it 403."""
        if scope["type"] == "lifespan" or (refused := self._refusal(scope["headers"])) is None:
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, of_error(HTTPConnection(scope), refused))

    def _refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> Refused | None:
        for name, value in headers:
            if name == b"host":
                if not self._is_here(value):
                    return _foreign("Host", value)
            elif name == b"origin":
                if not self._is_from_here(value):
                    return _foreign("Origin", value)
            elif name in OF_PROXIES or name.startswith(FORWARDED):
                return _forwarded(name)
        return None


def is_here(authority: bytes) -> bool:
    """Whether `name` or `name:port` is `localhost` or an address of this machine alone."""
    name, colon, port = authority.decode("latin-1").rpartition(":")
    if not colon or port.endswith("]"):
        name = f"{name}{colon}{port}"
    elif not (port.isascii() and port.isdecimal()):
        return False
    if name.lower() == LOCALHOST:
        return True
    bracketed = name.startswith("[") and name.endswith("]")
    try:
        address = ip_address(name[1:-1] if bracketed else name)
    except ValueError:
        return False
    return address.is_loopback and bracketed == (address.version == 6)


def is_from_here(origin: bytes) -> bool:
    """Whether an origin, such as `http://localhost:3000`, is a page of this machine."""
    _, mark, authority = origin.partition(b"://")
    return bool(mark) and is_here(authority)


def _foreign(header: str, value: bytes) -> Refused:
    shown = value.decode("latin-1")[:100]
    detail = (
        f"{header} is '{shown}', and this server takes calls for this machine alone, from this "
        "machine: either a page of another site calls it, or a proxy has made loopback public"
    )
    return Refused(403, "FOREIGN_CALL", detail, hint="call it as localhost or 127.0.0.1")


def _forwarded(name: bytes) -> Refused:
    detail = (
        f"the call carries {name.decode('latin-1')[:100]}: a proxy has made loopback public, and "
        "this server asks nobody who they are"
    )
    hint = "take it out of the proxy, and call it on its own machine"
    return Refused(403, "FORWARDED_CALL", detail, hint=hint)
