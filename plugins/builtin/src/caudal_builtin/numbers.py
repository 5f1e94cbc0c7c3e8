"""When a text is a number. Never by guess: postcodes, telephones and serial numbers stay texts."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

Number = int | float | Decimal

NUMBERS = frozenset((int, float, Decimal))
"""The types of numbers; a boolean is none."""

PLAIN = frozenset((int, float))
"""Those that Python itself compares and computes with."""

MAX_DIGITS = 15
"""How many digits a float keeps; a text of more is no number."""

_CANONICAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"-?(?:[0-9]{1,3}(?:\.[0-9]{3})*|[0-9]+),[0-9]+")
_LONGEST = 2 * MAX_DIGITS  # with a sign, a decimal mark and points between thousands


def canonical_number(text: str) -> int | float | None:
    """The number that a text is, or nothing: `12`, `-3.50`.

    No leading zero or plus, no exponent, no blank, at most 15 digits; so `08001`, `+34600111222`,
    `1e5` and `1,5` are none.
    """
    if not _fits(_CANONICAL, text):
        return None
    return float(text) if "." in text else int(text)


def comma_number(text: str) -> float | None:
    """The number that a text with a decimal comma is, or nothing: `1,5`, `1.234,56`."""
    if not _fits(_DECIMAL_COMMA, text):
        return None
    return float(text.replace(".", "").replace(",", "."))


def as_number(value: Any) -> Number | None:
    """The number that a value is or, being a text, reads as; nothing for everything else."""
    if type(value) in NUMBERS:
        number: Number = value
        return number
    if type(value) is not str:
        return None
    found = canonical_number(value)
    return comma_number(value) if found is None else found


def exact(value: Number) -> Decimal:
    """The decimal that a number is written as: 0.1 is one tenth here."""
    if type(value) is float:
        return Decimal(repr(value))
    return value if isinstance(value, Decimal) else Decimal(value)


def alike(left: Number, right: Number) -> tuple[Number, Number]:
    """The two as they can be compared: both as they are written, where one is an exact decimal.

    Python would compare such a decimal with the binary value of a float.
    """
    if type(left) is Decimal or type(right) is Decimal:
        return exact(left), exact(right)
    return left, right


def _fits(pattern: re.Pattern[str], text: str) -> bool:
    if len(text) > _LONGEST or not pattern.fullmatch(text):
        return False
    return len(text) <= MAX_DIGITS or sum(map(str.isdigit, text)) <= MAX_DIGITS
