"""Numbers in the texts of a column: written with a point, with a comma, or not at all.

A number has no zero and no plus in front and at most 15 digits, so codes and telephones stay
texts; one value that is no number and the whole column stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

from caudal_builtin.numbers import MAX_DIGITS, canonical_number

Mark = Literal[".", ","]
Reader = Callable[[str], int | float | None]

_COMMA = re.compile(r"-?(?:0|[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[1-9][0-9]*)(?:,[0-9]+)?")
_POINT = re.compile(r"-?(?:0|[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]*)(?:\.[0-9]+)?")
_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}(?:,[0-9]{3})+")


def _reader(pattern: re.Pattern[str], between: str, mark: str) -> Reader:
    """Reads numbers with `between` their thousands and `mark` before their decimals."""

    def read(text: str) -> int | float | None:
        if not pattern.fullmatch(text):
            return None
        if len(text) > MAX_DIGITS and sum(map(str.isdigit, text)) > MAX_DIGITS:
            return None
        plain = text.replace(between, "").replace(mark, ".")
        return float(plain) if "." in plain else int(plain)

    return read


with_comma: Final = _reader(_COMMA, ".", ",")
with_point: Final = _reader(_POINT, ",", ".")


def marks_of(texts: Sequence[str]) -> frozenset[Mark]:
    """The decimal marks with which all of these texts read as numbers."""
    found: list[Mark] = []
    if all(canonical_number(text) is not None for text in texts):
        found.append(".")
    if all(with_comma(text) is not None for text in texts):
        found.append(",")
    return frozenset(found)


def reader_for(marks: frozenset[Mark], certain: frozenset[Mark]) -> Reader | None:
    """How to read a column that can be read with these marks; `certain` decides between two."""
    if len(marks) == 2:
        return with_comma if certain == {","} else canonical_number
    return canonical_number if "." in marks else with_comma if "," in marks else None


def undecided(texts: Iterable[str], marks: frozenset[Mark], certain: frozenset[Mark]) -> bool:
    """Whether the points of a column may part thousands or decimals, as the file has both marks."""
    return len(marks) == len(certain) == 2 and any("." in text for text in texts)


def reader_said(decimal: Mark) -> Reader:
    """How to read numbers with the mark that the config says."""
    return with_comma if decimal == "," else with_point


def unclear_thousands(texts: Iterable[str], delimiter: str | None) -> bool:
    """Whether `1,234` may as well be English thousands: so it is where commas part the cells."""
    if delimiter != ",":
        return False
    with_commas = [text for text in texts if "," in text]
    return bool(with_commas) and all(map(_THOUSANDS.fullmatch, with_commas))


def certain_marks(columns: Iterable[frozenset[Mark]]) -> frozenset[Mark]:
    """The marks of columns that read with one alone: both of them where columns disagree."""
    return frozenset(mark for marks in columns if len(marks) == 1 for mark in marks)
