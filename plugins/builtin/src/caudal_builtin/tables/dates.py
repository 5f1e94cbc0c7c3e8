"""Dates in the texts of a column: as they are written in Spain, or in ISO form."""

from __future__ import annotations

import re
from datetime import date, datetime

_SPANISH = re.compile(
    r"([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4})(?:[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
)
_ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)(?P<zone>Z|[+-][0-9:]+)?)?"
)


def spanish_date(text: str) -> str | None:
    """`31/12/2026 23:45` in ISO form, without a zone; nothing if it is no such date."""
    found = _SPANISH.fullmatch(text)
    if found is None:
        return None
    day, _, month, year, hour, minute, second = found.groups()
    try:
        if hour is None:
            return date(int(year), int(month), int(day)).isoformat()
        clock = int(hour), int(minute), int(second or 0)
        return datetime(int(year), int(month), int(day), *clock).isoformat()  # noqa: DTZ001 - it says no zone
    except ValueError:
        return None


def iso_date(text: str) -> str | None:
    """An ISO date or date-time in one form: a `T`, seconds, its own zone or none."""
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    if found["time"] is None:
        return text
    seconds = "" if found["time"].count(":") == 2 else ":00"
    return f"{found['date']}T{found['time']}{seconds}{found['zone'] or ''}"
