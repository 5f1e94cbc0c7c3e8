"""The texts of a column as values: numbers, dates, or what they are. Decided for whole columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from caudal_builtin.numbers import canonical_number
from caudal_builtin.tables.layout import Options, Table
from caudal_builtin.tables.numerals import (
    Mark,
    file_mark,
    marks_of,
    reader_for,
    reader_said,
    unclear_thousands,
    with_comma,
)

_SPANISH = re.compile(
    r"([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4})(?:[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
)
_ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)(?P<zone>Z|[+-][0-9:]+)?)?"
)
_SHOWN = 40


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


def convert(table: Table, options: Options) -> None:
    """Turn the texts of a table's columns into values, in place."""
    stripped = [[text.strip() for text in column] for column in table.columns]
    filled = [[text for text in column if text] for column in stripped]
    possible = [_marks(texts, table.delimiter) for texts in filled]
    of_file = options.decimal or file_mark(possible)
    for index, texts in enumerate(filled):
        options.check()
        if options.decimal is not None:
            numbers = reader_said(options.decimal, texts)
        else:
            numbers = reader_for(possible[index], of_file)
        values = _read(stripped[index], (numbers,) if numbers else (spanish_date, iso_date))
        if values is None:
            values = [text if text.strip() else None for text in table.columns[index]]
            _explain(table, table.names[index], texts)
        elif of_file is None and table.delimiter != ",":
            _doubt(table, table.names[index], texts, possible[index])
        table.columns[index] = values


def _read(texts: Sequence[str], readers: Sequence[Callable[[str], Any]]) -> list[Any] | None:
    """All texts by the first reader that reads them all, null where a text is empty."""
    for reader in readers:
        values: list[Any] = []
        for text in texts:
            value = reader(text) if text else None
            if text and value is None:
                break
            values.append(value)
        else:
            return values
    return None


def _marks(texts: Sequence[str], delimiter: str | None) -> frozenset[Mark]:
    return frozenset() if unclear_thousands(texts, delimiter) else marks_of(texts)


def _doubt(table: Table, name: str, texts: Sequence[str], marks: frozenset[Mark]) -> None:
    """Say it where the points of a column may as well stand between thousands."""
    pointed = next((text for text in texts if "." in text), None)
    if pointed is not None and "," in marks:
        table.warnings.append(
            f"column '{name}': the point in '{pointed[:_SHOWN]}' is taken for a decimal point; "
            "set decimal to ',' if it stands between thousands"
        )


def _explain(table: Table, name: str, texts: Sequence[str]) -> None:
    """Say why a column stays text where a person may have expected numbers or dates."""
    if unclear_thousands(texts, table.delimiter):
        table.warnings.append(
            f"column '{name}' stays text: '{texts[0][:_SHOWN]}' may have decimals or thousands; "
            "set decimal to say which"
        )
        return
    for read in (canonical_number, with_comma, spanish_date, iso_date):
        if texts and read(texts[0]) is not None:
            odd = next((text for text in texts if read(text) is None), None)
            if odd is not None:
                table.notes.append(f"column '{name}' stays text because of '{odd[:_SHOWN]}'")
                return
