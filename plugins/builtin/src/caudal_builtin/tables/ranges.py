"""A block of cells by its corners: `B3:F200`, whole columns `B:F`, or from one cell on, `B3`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

_CORNER = r"\$?([A-Z]{1,3})\$?([1-9][0-9]{0,6})?"
_CORNERS = re.compile(rf"{_CORNER}(?::{_CORNER})?")


class Block(NamedTuple):
    """Rows and columns from 0; the ends are not part of it, null where there is none."""

    top: int
    left: int
    bottom: int | None
    right: int | None


def block(text: str) -> Block:
    """The block of a text; `ValueError` says how one is written."""
    found = _CORNERS.fullmatch(text.strip().upper())
    if found is None:
        message = f"'{text}' is no range of cells; write it as B3:F200, B:F or B3"
        raise ValueError(message)
    left, top, right, bottom = found.groups()
    made = Block(
        int(top or 1) - 1,
        number_of(left) - 1,
        int(bottom) if bottom else None,
        number_of(right) if right else None,
    )
    if (made.bottom or 1 << 30) <= made.top or (made.right or 1 << 30) <= made.left:
        message = f"the range '{text}' ends before it begins"
        raise ValueError(message)
    return made


def number_of(letters: str) -> int:
    """`A` is 1, `Z` 26, `AA` 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def name_of(column: int, row: int) -> str:
    """The name of a cell; both count from 1: (2, 3) is `B3`."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def cut(rows: Iterable[Sequence[Any]], text: str | None) -> Iterator[tuple[int, Sequence[Any]]]:
    """The rows inside a range, each with its place in the file, from 1."""
    if not text:
        return enumerate(rows, 1)
    top, left, bottom, right = block(text)
    kept = (row[left:right] for row in islice(rows, top, bottom))
    return enumerate(kept, top + 1)
