"""The query of a call: which parameters there may be, and numbers, each checked as a whole."""

from __future__ import annotations

import re

from starlette.requests import Request

from caudal_core.errors import InvalidRequest, nearest

DIGITS = 18
"""How long a whole number may be written."""

_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?")


def known_only(request: Request) -> None:
    """`InvalidRequest` for a parameter that the description of the endpoint does not have.

    A filter whose name is mistyped would answer as if it had been applied.
    """
    if not request.scope["query_string"]:
        return
    described = request.scope["route"].openapi_extra["parameters"]
    known = [each["name"] for each in described if each["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            meant = nearest(name[:50], known)
            takes = f"this takes {', '.join(known)}" if known else "this takes none"
            advice = f"did you mean {meant}?" if meant else takes
            raise InvalidRequest(message=f"there is no parameter '{name[:50]}'; {advice}")


def whole_number(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    """The parameter `name`; `InvalidRequest` where it is no whole number from `least` to `most`."""
    given = request.query_params.get(name)
    if given is None:
        return default
    digits = given.isascii() and given.isdecimal() and len(given) <= DIGITS
    if digits and least <= int(given) <= most:
        return int(given)
    message = f"{name} is '{given[:50]}'; give a whole number from {least} to {most:,}"
    raise InvalidRequest(message=message)


def wait_seconds(request: Request, most: float) -> float:
    """The seconds that `?wait=` asks for, at most `most`; 0 where it does not."""
    given = request.query_params.get("wait") if request.scope["query_string"] else None
    if given is None:
        return 0.0
    if not _SECONDS.fullmatch(given):
        message = f"wait is '{given[:50]}'; give the seconds to wait as a number from 0"
        raise InvalidRequest(message=message)
    return min(float(given), most)
