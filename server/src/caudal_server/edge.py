"""Who may speak to a server that asks nobody who they are: this machine, and no proxy for others.

A page of another site can make a browser call this machine, by its own name (`Host`) or from
itself (`Origin`), and a proxy makes it public; each is answered 403, but for the hosts that the
operator names. Every call is looked at, by HTTP and by WebSocket, before anything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from caudal_server.hosts import is_loopback, name_of
from caudal_server.problems import of_error, refuse
from caudal_server.refused import Refused

FORWARDED = b"x-forwarded-"
OF_PROXIES = frozenset((b"forwarded", b"via"))
"""Headers that a proxy puts into what it hands on, beside those that begin with `FORWARDED`."""

HINT = "call it as localhost or 127.0.0.1, or name the host in CAUDAL_ALLOWED_HOSTS"
_NAMES_KEPT = 256


class Edge:
    """Lets through what comes from this machine for this machine, or for one of `hosts`."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._place = lru_cache(_NAMES_KEPT)(self._place_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the call on, or answer it 403."""
        if scope["type"] == "lifespan" or (refused := self._refusal(scope["headers"])) is None:
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, of_error(HTTPConnection(scope), refused))

    def _refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> Refused | None:
        named, proxy = False, b""
        for name, value in headers:
            if name == b"host":
                if (place := self._place(value)) is None:
                    return _foreign("Host", value)
                named = named or place
            elif name == b"origin":
                _, mark, authority = value.partition(b"://")
                if not mark or self._place(authority) is None:
                    return _foreign("Origin", value)
            elif name in OF_PROXIES or name.startswith(FORWARDED):
                proxy = proxy or name
        return _forwarded(proxy) if proxy and not named else None

    def _place_of(self, authority: bytes) -> bool | None:
        """False for this machine, true for one of the named hosts, null for any other."""
        name = name_of(authority.decode("latin-1"))
        if name is None:
            return None
        if is_loopback(name):
            return False
        return True if name.rstrip(".") in self._hosts else None


def _foreign(header: str, value: bytes) -> Refused:
    shown = value.decode("latin-1")[:100]
    detail = (
        f"{header} is '{shown}', and this server takes calls for this machine alone, from this "
        "machine: either a page of another site calls it, or a proxy has made loopback public"
    )
    return Refused(403, "FOREIGN_CALL", detail, hint=HINT)


def _forwarded(name: bytes) -> Refused:
    detail = (
        f"the call carries {name.decode('latin-1')[:100]}: a proxy has made loopback public, and "
        "this server asks nobody who they are"
    )
    hint = "take it out, or let the proxy hand on Host and name that in CAUDAL_ALLOWED_HOSTS"
    return Refused(403, "FORWARDED_CALL", detail, hint=hint)
