"""What records take in memory."""

from __future__ import annotations

from collections.abc import Sequence
from sys import getsizeof
from typing import Any, Final

WEIGHED: Final = 100
"""Records that are looked at, evenly over all of them."""

_POINTER: Final = 8


def weight(rows: Sequence[Any]) -> int:
    """About the bytes that a list of records takes; texts that they share count each time."""
    if not rows:
        return 0
    some = rows[:: max(1, len(rows) // WEIGHED)]
    return len(rows) * (_POINTER + sum(map(_weight, some)) // len(some))


def _weight(value: Any) -> int:
    size = getsizeof(value)
    if type(value) is dict:
        return size + sum(map(_weight, value.values()))
    if type(value) is list:
        return size + sum(map(_weight, value))
    return size
