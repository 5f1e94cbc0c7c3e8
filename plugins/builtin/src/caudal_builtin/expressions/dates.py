"""The functions of dates. A date goes in and comes out as ISO text; no zone is ever added."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from caudal_builtin.expressions.arithmetic import number
from caudal_builtin.expressions.failure import CannotCompute, unfit
from caudal_builtin.expressions.scope import Scope
from caudal_builtin.moments import read_moment
from caudal_core.errors import nearest
from caudal_core.values import JSON

_SPANISH = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII
)
_LENGTHS: Final = {
    "week": timedelta(weeks=1),
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
_MONTHS: Final = {"year": 12, "month": 1}


def moment(value: JSON) -> datetime:
    """The moment that a text says, in ISO form or as dd/mm/yyyy; a date is its midnight."""
    found = read_moment(value) or _spanish(value)
    if found is None:
        raise unfit(value, "a date", "una fecha")
    return found


def _spanish(value: JSON) -> datetime | None:
    parts = _SPANISH.fullmatch(value) if type(value) is str else None
    if parts is None:
        return None
    day, month, year, hour, minute, second = (int(part or 0) for part in parts.groups())
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - it says no zone
    except ValueError:
        return None


def iso(at: datetime, *, like: JSON) -> str:
    """A moment as text: as a date if it is a midnight made from the date `like`."""
    midnight = at.tzinfo is None and at == at.replace(hour=0, minute=0, second=0, microsecond=0)
    return at.date().isoformat() if midnight and ":" not in like else at.isoformat()


def as_date(value: JSON) -> JSON:
    """The date or date-time that a text says, in ISO form."""
    return iso(moment(value), like=value)


def part(name: str) -> Callable[[JSON], int]:
    """The function that reads the year, the month, … of a date."""
    return lambda value: int(getattr(moment(value), name))


def weekday(value: JSON) -> int:
    """1 for Monday to 7 for Sunday."""
    return moment(value).isoweekday()


def _unit(value: JSON) -> str:
    name = str(value).lower()
    known = [*_MONTHS, *_LENGTHS]
    if name.removesuffix("s") in known:
        return name.removesuffix("s")
    near = nearest(name, known)
    advice = (f"; did you mean '{near}'?", f"; ¿quiso decir '{near}'?") if near else ("", "")
    raise CannotCompute(
        f"there is no unit '{value}', only {', '.join(known)}{advice[0]}",
        f"no existe la unidad '{value}', solo {', '.join(known)}{advice[1]}",
    )


def dateadd(start: JSON, count: JSON, unit: JSON) -> JSON:
    """The date so many units later; the last day of a month where the day does not exist."""
    at, name, many = moment(start), _unit(unit), number(count)
    if not isinstance(many, int | float) or many != int(many):
        raise unfit(count, "a whole number", "un número entero")
    try:
        moved = _months_later(at, int(many) * _MONTHS[name]) if name in _MONTHS else None
        moved = moved or at + int(many) * _LENGTHS[name]
    except (OverflowError, ValueError):
        why = "the date would lie outside the years 1 to 9999"
        raise CannotCompute(why, "la fecha queda fuera de los años 1 a 9999") from None
    return iso(moved, like=start)


def _months_later(at: datetime, months: int) -> datetime:
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return at.replace(year=year, month=month + 1, day=min(at.day, last))


def datediff(scope: Scope, start: JSON, end: JSON, unit: JSON) -> JSON:
    """How many units lie from `start` to `end`: of months and years whole ones alone."""
    first, last = scope.alike(start, moment(start), end, moment(end))
    name = _unit(unit)
    if name in _MONTHS:
        months = _whole_months(first, last) if last >= first else -_whole_months(last, first)
        return int(months / _MONTHS[name])
    units = (last - first) / _LENGTHS[name]
    return int(units) if units == int(units) else units


def _whole_months(first: datetime, last: datetime) -> int:
    months = (last.year - first.year) * 12 + last.month - first.month
    return months if _months_later(first, months) <= last else months - 1
