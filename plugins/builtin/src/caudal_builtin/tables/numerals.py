"""Numbers in the texts of a column: written with a point, with a comma, or not at all.

A number has no zero and no plus in front. A whole one has at most 15 digits, so codes and
telephones stay texts. One with a decimal mark or an exponent may have as many as programs write,
where the float says the same number to the last digit. One value that is no number and the whole
column stays text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, Literal

from caudal_builtin.numbers import MAX_DIGITS

Mark = Literal[".", ","]
Reader = Callable[[str], int | float | None]

_LONGEST: Final = 400
"""Characters; the largest and the smallest float have fewer, written without an exponent."""

_EXPONENT: Final = "[eE][+-]?[0-9]{1,3}"
_WRITTEN = re.compile(f"([+-]?)([0-9]+)((?:[.,][0-9]+)*)({_EXPONENT})?")
_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}(?:,[0-9]{3})+")


def _reader(between: str, mark: str) -> Reader:
    """Reads numbers with `between` their thousands and `mark` before their decimals."""
    grouped = f"[1-9][0-9]{{0,2}}(?:{re.escape(between)}[0-9]{{3}})+|" if between else ""
    decimals = f"({re.escape(mark)}[0-9]+(?:{_EXPONENT})?)?"
    pattern = re.compile(f"-?(?:(?:0|{grouped}[1-9][0-9]*){decimals}|[1-9]({_EXPONENT}))")

    def read(text: str) -> int | float | None:
        found = pattern.fullmatch(text) if len(text) <= _LONGEST else None
        if found is None:
            return None
        plain = text.replace(between, "").replace(mark, ".") if between else text
        if found.lastindex:
            return _exact(plain)
        return int(plain) if len(plain.lstrip("-")) <= MAX_DIGITS else None

    return read


def _exact(plain: str) -> float | None:
    """The float that says the same number as a text with a point or an exponent, if one does."""
    number = float(plain)
    if len(plain) <= MAX_DIGITS and "e" not in plain and "E" not in plain:
        return number
    said = repr(number)
    if said == plain:
        return number
    if "." not in plain and "e" not in said:
        return None  # nobody's program writes `1e5`: it may be a code
    return number if Decimal(said) == Decimal(plain) else None


canonical: Final = _reader("", ".")
with_comma: Final = _reader(".", ",")
with_point: Final = _reader(",", ".")


def marks_of(texts: Sequence[str]) -> frozenset[Mark]:
    """The decimal marks with which all of these texts read as numbers."""
    found: list[Mark] = []
    if all(canonical(text) is not None for text in texts):
        found.append(".")
    if all(with_comma(text) is not None for text in texts):
        found.append(",")
    return frozenset(found)


def reader_for(marks: frozenset[Mark], certain: frozenset[Mark]) -> Reader | None:
    """How to read a column that can be read with these marks; `certain` decides between two."""
    if len(marks) == 2:
        return with_comma if certain == {","} else canonical
    return canonical if "." in marks else with_comma if "," in marks else None


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


TOO_EXACT: Final = "has more digits than a number keeps"


def flaw(text: str) -> str:
    """What keeps a text that looks like a number from being one; empty if nothing is known."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return ""
    sign, whole, decimals, exponent = found.groups()
    if sign == "+":
        return "begins with a plus"
    if len(whole) > 1 and whole.startswith("0"):
        return "begins with a zero"
    if decimals or exponent:
        return _flaw_of_float(text.replace(",", "."))
    return f"has more than {MAX_DIGITS} digits" if len(whole) > MAX_DIGITS else ""


def _flaw_of_float(plain: str) -> str:
    if plain.count(".") > 1:
        return ""  # points or commas between thousands
    number, exact = float(plain), _exact(plain)
    if exact is None and number in (0, math.inf, -math.inf):
        return "is beyond what a number can be"
    if "." not in plain:
        return "may be a code as well as a number"
    return TOO_EXACT if exact is None else ""
