"""The texts of a column as values: numbers, dates, or what they are. Decided for whole columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from caudal_builtin.tables.coded import Coded, Column, different
from caudal_builtin.tables.dates import iso_date, spanish_date
from caudal_builtin.tables.layout import Options, Table
from caudal_builtin.tables.numerals import (
    Mark,
    Reader,
    certain_marks,
    marks_of,
    reader_for,
    reader_said,
    unclear_thousands,
    undecided,
)
from caudal_builtin.tables.reasons import SHOWN, explain


def convert(table: Table, options: Options) -> None:
    """Turn the texts of a table's columns into values, in place.

    Each text is looked at once, however often it stands in its column.
    """
    stripped = [{text: text.strip() for text in different(column)} for column in table.columns]
    filled = [[text for text in texts.values() if text] for texts in stripped]
    possible = [_marks(texts, table.delimiter) for texts in filled]
    certain = certain_marks(possible)
    columns: list[Column] = []
    for index, texts in enumerate(filled):
        options.check()
        unclear = options.decimal is None and undecided(texts, possible[index], certain)
        numbers = _numbers(texts, possible[index], certain, options.decimal)
        readers = (numbers,) if numbers else (spanish_date, iso_date)
        column, given = table.columns[index], stripped[index]
        values = None if unclear else _read(given, readers)
        if values is None:
            values = {text: text if given[text] else None for text in given}
            plain = [given[text] for text in column]
            explain(table, index, plain, options.decimal, undecided=unclear)
        elif not (certain or options.decimal or table.delimiter == ","):
            _doubt(table, table.names[index], texts, possible[index])
        columns.append(_replaced(column, values))
    table.columns = columns


def _replaced(column: Column, values: Mapping[str, Any]) -> Column:
    found = [values[text] for text in different(column)]
    return Coded(found, column.codes) if isinstance(column, Coded) else found


def _numbers(
    texts: Sequence[str],
    marks: frozenset[Mark],
    certain: frozenset[Mark],
    decimal: Mark | None,
) -> Reader | None:
    """How to read a column as numbers, if all of it are such."""
    if decimal is None:
        return reader_for(marks, certain)
    reader = reader_said(decimal)
    return reader if all(reader(text) is not None for text in texts) else None


def _read(
    given: Mapping[str, str], readers: Sequence[Callable[[str], Any]]
) -> dict[str, Any] | None:
    """All texts by the first reader that reads them all, null where a text is empty."""
    for reader in readers:
        values: dict[str, Any] = {}
        for text, plain in given.items():
            value = reader(plain) if plain else None
            if plain and value is None:
                break
            values[text] = value
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
            f"column '{name}': the point in '{pointed[:SHOWN]}' is taken for a decimal point; "
            "set decimal to ',' if it stands between thousands"
        )
