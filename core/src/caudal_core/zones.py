"""The names of time zones, as the IANA database has them."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator


def known_zone(name: str) -> str:
    """The name itself, which may be empty; `ValueError` if there is no such zone."""
    try:
        ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):  # a name that is not found is a KeyError
        message = f"there is no time zone '{name}'; write it like Europe/Madrid"
        raise ValueError(message) from None
    return name


ZoneName = Annotated[str, AfterValidator(known_zone)]
"""The name of a zone that exists, for a config: `timezone: ZoneName | None = Field(None)`.

As a form hands on what was not filled in, it may be empty."""
