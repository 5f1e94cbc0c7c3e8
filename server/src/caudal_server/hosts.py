"""Names of hosts as `Host`, `Origin` and `CAUDAL_ALLOWED_HOSTS` write them.

They are compared in lower case, without a port; an address of IPv6 stands in brackets.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

LOCALHOST = "localhost"
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


def name_of(authority: str) -> str | None:
    """The name of `name` or `name:port`; nothing where the port is none."""
    name, colon, port = authority.rpartition(":")
    if not colon or port.endswith("]"):
        name = authority
    elif not (port.isascii() and port.isdecimal()):
        return None
    return name.lower()


def is_loopback(name: str) -> bool:
    """Whether it is `localhost` or an address of this machine alone."""
    address = _address(name)
    return name == LOCALHOST or (address is not None and address.is_loopback)


def allowed(text: str) -> str:
    """One that an operator allows, as it is compared; `ValueError` for what no host can be."""
    name = text.strip().lower().rstrip(".")
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    digits = name.replace(".", "").isdigit()
    if _address(name) is None and (digits or not _NAME.fullmatch(name)):
        message = (
            f"'{text}' is no name of a host; write caudal.example.org or 10.1.0.5, without "
            "https:// and without a port, and names with other letters as xn--…"
        )
        raise ValueError(message)
    return name


def _address(name: str) -> IPv4Address | IPv6Address | None:
    bracketed = name.startswith("[") and name.endswith("]")
    try:
        found = ip_address(name[1:-1] if bracketed else name)
    except ValueError:
        return None
    return found if bracketed == (found.version == 6) else None
