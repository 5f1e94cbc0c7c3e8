"""Why a column stays text where a person may have expected numbers or dates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress, islice
from typing import Any, Final

from caudal_builtin.tables.dates import iso_date, spanish_date
from caudal_builtin.tables.layout import Table
from caudal_builtin.tables.numerals import (
    TOO_EXACT,
    Mark,
    canonical,
    flaw,
    reader_said,
    unclear_thousands,
    with_comma,
    with_point,
)
from caudal_builtin.tables.ranges import name_of

SHOWN: Final = 40
MISFITS: Final = 20
"""Cells of one file that are told one by one."""

_SAMPLE: Final = 1_000
_NUMBERS: Final = (canonical, with_comma, with_point)
_SIGNS: Final = "€$£%"
_WITHOUT_SIGNS: Final = str.maketrans("", "", _SIGNS)


def explain(
    table: Table, index: int, texts: Sequence[str], decimal: Mark | None, *, undecided: bool
) -> None:
    """Say it in the table's warnings, if the config can mend it, else in its notes.

    `texts` are the column's, without the blanks around them; `undecided` says that the file's
    columns disagree on the decimal mark.
    """
    stays = f"column '{table.names[index]}' stays text"
    if undecided or (decimal is None and unclear_thousands(texts, table.delimiter)):
        cell = _first(table, texts, lambda text: "," in text or "." in text)
        why = ", as other columns have both decimal marks" if undecided else ""
        table.warnings.append(
            f"{stays}: {cell} may have decimals or thousands{why}; set decimal to say which"
        )
        return
    likely = _likely(texts)
    if likely in _NUMBERS and decimal is not None:
        said = reader_said(decimal)
        other = [likely(text) is not None and said(text) is None for text in texts]
        cell = _told(table, index, texts, other, lambda _: f"no number with decimal '{decimal}'")
        if cell:
            table.warnings.append(f"{stays}: {cell} is no number with decimal '{decimal}'")
            return
    if likely is _signed:
        table.notes.append(f"{stays}: {_about_sign(table, index, texts)}")
    elif likely is not None:
        other = [bool(text) and likely(text) is None for text in texts]
        cell = _told(table, index, texts, other, lambda text: _why_not(text, likely))
        if cell:
            why = _flaw(next(compress(texts, other)), likely)
            table.notes.append(f"{stays} because of {cell}" + (f", which {why}" if why else ""))
        else:
            cell = _first(table, texts, lambda text: "," in text)
            table.warnings.append(
                f"{stays}: {cell} has commas between thousands; set decimal to '.' to read it"
            )


def _likely(texts: Sequence[str]) -> Callable[[str], Any] | None:
    """What reads most of a column's beginning; nothing if that is less than half of it."""
    sample = list(islice(filter(None, texts), _SAMPLE))
    readers = (*_NUMBERS, spanish_date, iso_date, _signed)
    # A column of numbers with too many digits is one of numbers all the same, to who looks at it.
    too_exact = sum(flaw(text) == TOO_EXACT for text in sample)
    counts = [sum(read(text) is not None for text in sample) for read in readers]
    counts = [n + too_exact * (read in _NUMBERS) for n, read in zip(counts, readers, strict=True)]
    most = max(counts)
    return readers[counts.index(most)] if most and 2 * most >= len(sample) else None


def _signed(text: str) -> int | float | None:
    """The number in a text such as `1,5 €` or `12%`; nothing in one without a sign."""
    plain = text.translate(_WITHOUT_SIGNS).strip()
    if len(plain) == len(text):
        return None
    return next((found for read in _NUMBERS if (found := read(plain)) is not None), None)


def _why_not(text: str, reader: Callable[[str], Any]) -> str:
    name = "number" if reader in _NUMBERS else "date"
    why = _flaw(text, reader)
    return f"it {why}" if why else f"no {name}, unlike most of its column"


def _flaw(text: str, reader: Callable[[str], Any]) -> str:
    """Why a text that looks like a number is none, where most of a column are numbers."""
    return flaw(text) if reader in _NUMBERS else ""


def _about_sign(table: Table, index: int, texts: Sequence[str]) -> str:
    cell = _first(table, texts, lambda text: _signed(text) is not None)
    sign = next(sign for sign in _SIGNS if sign in cell)
    without = f"number(replace([{table.names[index]}], '{sign}', ''))"
    return f"{cell} has a sign beside the number; an addField with {without} makes it one"


def _told(
    table: Table,
    index: int,
    texts: Sequence[str],
    other: Sequence[bool],
    why: Callable[[str], str],
) -> str:
    """The first text that does not fit, and its row; the first few are told by their cells."""
    cells = compress(zip(table.places, texts, strict=True), other)
    found = list(islice(cells, MISFITS))
    for place, text in found[: max(0, MISFITS - len(table.misfits))]:
        cell = name_of(table.letters[index], place)
        table.misfits.append({"cell": cell, "value": text[:SHOWN], "why": why(text)})
    return next((f"'{text[:SHOWN]}' in row {place}" for place, text in found), "")


def _first(table: Table, texts: Sequence[str], is_it: Callable[[str], bool]) -> str:
    """The first text that is it, and its row in the file, from 1; empty if none is."""
    cells = zip(table.places, texts, strict=True)
    found = ((place, text) for place, text in cells if text and is_it(text))
    return next((f"'{text[:SHOWN]}' in row {place}" for place, text in found), "")
