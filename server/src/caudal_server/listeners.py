"""The sockets that the server listens on."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from caudal_core.errors import InUse, Unavailable
from caudal_server.settings import InvalidSettings

LOCALHOST = "localhost"
BACKLOG = 2048
TRIES = 20
"""How often a free port is looked for that is free for IPv4 and IPv6."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Sockets that listen, all at one port."""

    host: str
    port: int
    sockets: tuple[socket.socket, ...]

    @property
    def url(self) -> str:
        """The address to open."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@contextmanager
def listen(host: str, port: int) -> Iterator[Listening]:
    """Listen on `host`: `localhost` is 127.0.0.1 and, where the machine has it, ::1.

    Port 0 takes one that is free. `InvalidSettings` for a host that other machines reach,
    `Unavailable` where the port is taken.
    """
    addresses = _addresses(host)
    with ExitStack() as stack:
        sockets = _opened(addresses, port, stack)
        yield Listening(host, sockets[0].getsockname()[1], tuple(sockets))


def _addresses(host: str) -> tuple[str, ...]:
    if host.lower() == LOCALHOST:
        return ("127.0.0.1", "::1")
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is not None and address.is_loopback:
        return (str(address),)
    message = (
        f"the host '{host}' is not this machine's own (localhost, 127.0.0.1, ::1); this version "
        "does not ask callers who they are, so whoever reached it could run anything: "
        "it listens on this machine alone"
    )
    raise InvalidSettings(message=message)


def _opened(addresses: tuple[str, ...], port: int, stack: ExitStack) -> list[socket.socket]:
    for _ in range(1 if port else TRIES):
        with ExitStack() as attempt:
            try:
                sockets = _attempt(addresses, port, attempt)
            except OSError as error:
                if port or error.errno != errno.EADDRINUSE:
                    raise _not_possible(port, error) from error
                continue
            stack.enter_context(attempt.pop_all())
            return sockets
    raise Unavailable(message="no port is free for both 127.0.0.1 and ::1")


def _attempt(addresses: tuple[str, ...], port: int, stack: ExitStack) -> list[socket.socket]:
    """A socket for each address, the later ones at the port that the first one got."""
    sockets: list[socket.socket] = []
    for address in addresses:
        taken = sockets[0].getsockname()[1] if sockets else port
        try:
            sockets.append(stack.enter_context(_socket(address, taken)))
        except OSError as error:
            if not sockets or error.errno == errno.EADDRINUSE:
                raise
            # The machine has no IPv6, or not on its loopback: then IPv4 is all there is.
    return sockets


def _socket(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
        made.listen(BACKLOG)
        made.setblocking(False)  # noqa: FBT003 - the name that it has
    except OSError:
        made.close()
        raise
    return made


def _not_possible(port: int, error: OSError) -> Unavailable:
    if error.errno == errno.EADDRINUSE:
        return InUse(message=f"port {port} is in use (--port names another)")
    return Unavailable(message=f"port {port} cannot be listened on: {error.strerror}")
