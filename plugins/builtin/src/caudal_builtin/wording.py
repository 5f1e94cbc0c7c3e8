"""How much of what, for the one line in which a handler says what it did."""

from __future__ import annotations

from typing import Any

from caudal_core import Records
from caudal_core.records import kind_of


def counted(number: int, noun: str) -> str:
    """`1 record`, `20 records`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def amount(value: Any) -> str:
    """What a value is and how much of it: `20 records`, `an object with 3 fields`."""
    if isinstance(value, Records):
        return counted(len(value), "record")
    if type(value) is list:
        records = all(type(item) is dict for item in value)
        return counted(len(value), "record") if records else f"a list of {len(value)}"
    if type(value) is dict:
        return f"an object with {counted(len(value), 'field')}"
    return kind_of(value)
