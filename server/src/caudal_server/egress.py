"""Where calls to the outside may go that somebody else than the operator asks for.

A host is allowed by its name, or by every address that it may be called at. The name is resolved
once, and what is connected to is the address that was looked at.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING

from caudal_core.errors import InvalidRequest
from caudal_server.refused import Refused

if TYPE_CHECKING:
    import httpx2

SECONDS = 5.0
"""How long a name may take to be resolved."""

MOST = 2_000
HINT = "add its host to CAUDAL_EGRESS_ALLOW: names and CIDRs, with commas between them"
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class NotAllowed(Exception):
    """A host that may not be called; the text says which one."""


class Egress:
    """What `CAUDAL_EGRESS_ALLOW` opens; entries are hosts, addresses and CIDRs."""

    def __init__(self, allowed: Sequence[str]) -> None:
        entries = [entry_of(text) for text in allowed]
        self._names = {entry for entry in entries if isinstance(entry, str)}
        self._networks = [entry for entry in entries if not isinstance(entry, str)]

    async def check(self, url: str) -> None:
        """Refuse a callback's URL: 422 for one that makes no sense, 403 for one not allowed."""
        parsed = callable_url(url)
        host = host_of(parsed)
        if host in self._names:
            return
        try:
            await self.address(host, port_of(parsed))
        except NotAllowed as error:
            detail = f"callbackUrl cannot be taken: {error}; nothing was executed"
            raise Refused(403, "EGRESS_REFUSED", detail, hint=HINT) from None
        except OSError as error:
            message = f"callbackUrl names the host '{host}', which cannot be found: {error}"
            raise InvalidRequest(message=message) from None

    async def address(self, host: str, port: int, *, anywhere: bool = False) -> str:
        """The address to connect to, which has been looked at; `anywhere`: the operator named it.

        `NotAllowed`; `OSError` where the name cannot be resolved.
        """
        free = anywhere or host in self._names
        if not free and not self._networks:
            message = f"the host '{host}' may not be called by this server"
            raise NotAllowed(message)
        found = await _resolved(host, port)
        for address in found:
            if free or any(address in network for network in self._networks):
                return str(address)
        shown = ", ".join(map(str, found))
        message = f"the host '{host}' ({shown}) may not be called by this server"
        raise NotAllowed(message)


def entry_of(text: str) -> str | Network:
    """One entry: a network, or the name of a host; `ValueError`."""
    plain = text.strip().lower().rstrip(".").removeprefix("[").removesuffix("]")
    try:
        return ip_network(plain, strict=False)
    except ValueError:
        pass
    if not _NAME.fullmatch(plain) or plain.replace(".", "").isdigit():
        message = f"'{text}' is neither a host nor a CIDR; write example.org or 10.1.0.0/16"
        raise ValueError(message)
    return plain


async def _resolved(host: str, port: int) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        message = f"the name '{host}' is not resolved within {SECONDS:g} s"
        raise OSError(message) from None
    except UnicodeError:
        message = f"'{host}' is no name"
        raise OSError(message) from None
    addresses = [_plain(ip_address(str(place[0]).partition("%")[0])) for *_, place in found]
    return list(dict.fromkeys(addresses))


def _plain(address: Address) -> Address:
    """An IPv4 address that is written as an IPv6 one is the IPv4 one."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def callable_url(url: str) -> httpx2.URL:
    """The URL, if it is one that can be called; `InvalidRequest` says what is wrong with it."""
    import httpx2

    if len(url) > MOST:
        message = f"callbackUrl has {len(url):,} characters; {MOST:,} are allowed"
        raise InvalidRequest(message=message)
    try:
        found = httpx2.URL(url)
        host, port = host_of(found), found.port
    except (httpx2.InvalidURL, ValueError):
        raise InvalidRequest(message="callbackUrl is no URL") from None
    if found.scheme not in ("http", "https") or not host or (port or 1) > 65_535:
        message = "callbackUrl is no URL that can be called; write it as https://example.org/done"
        raise InvalidRequest(message=message)
    if found.userinfo:
        message = (
            "callbackUrl has a user or a password in it, which are not sent; leave them out: the "
            "call is signed"
        )
        raise InvalidRequest(message=message)
    return found


def host_of(url: httpx2.URL) -> str:
    """The host as it is compared: in ASCII, lower case, without a dot at its end."""
    return url.raw_host.decode("ascii").lower().rstrip(".").strip("[]")


def port_of(url: httpx2.URL) -> int:
    """The port, that of the scheme where none is named."""
    return url.port or (443 if url.scheme == "https" else 80)
