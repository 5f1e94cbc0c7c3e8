"""The cells of a workbook as JSON values, one by one or for whole columns."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from caudal_core.values import MAX_SAFE_INTEGER, iso_duration


def dated(column: list[Any]) -> list[Any]:
    """The cells of a workbook, whose moments are dates where not one has a time of day.

    A workbook counts days, and a sum of parts of days may miss a whole one by next to nothing.
    """
    if datetime not in set(map(type, column)):
        return column
    if any(cell.time() != time.min for cell in column if type(cell) is datetime):
        return column
    return [cell.date() if type(cell) is datetime else cell for cell in column]


def values_of(column: list[Any]) -> list[Any]:
    """The cells as JSON values; midnights are date-times where the column has other times."""
    kinds = set(map(type, column))
    if kinds == {float}:
        most = MAX_SAFE_INTEGER
        return [int(n) if n.is_integer() and -most <= n <= most else n for n in column]
    if datetime in kinds and kinds <= {datetime, date}:
        return [_moment(cell) for cell in column]
    if kinds == {bool} or (kinds == {str} and all(map(str.strip, set(column)))):
        return column
    timed = datetime in kinds
    return [
        f"{cell.isoformat()}T00:00:00" if timed and type(cell) is date else as_value(cell)
        for cell in column
    ]


def _moment(cell: date) -> str:
    return cell.isoformat() if type(cell) is datetime else f"{cell.isoformat()}T00:00:00"


def as_value(cell: Any) -> Any:
    """A cell as a JSON value: whole numbers without decimals, dates in ISO form."""
    if type(cell) is float:
        return int(cell) if cell.is_integer() and abs(cell) <= MAX_SAFE_INTEGER else cell
    if type(cell) is str:
        return cell if cell.strip() else None
    if isinstance(cell, date | time):
        return cell.isoformat()
    return iso_duration(cell) if isinstance(cell, timedelta) else cell
