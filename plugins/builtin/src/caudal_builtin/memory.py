"""What a handler is about to build, in bytes, before it builds it."""

from __future__ import annotations

from collections.abc import Collection
from sys import getsizeof
from typing import Final

from caudal_builtin.wording import counted
from caudal_core import Context, Records
from caudal_core.tables.weight import weight
from caudal_core.template_columns import narrowed

FEW: Final = 10_000
"""Records whose copies are not worth weighing."""

_LITTLE: Final = 1_000_000
"""Bytes in columns that are not worth weighing as rows."""

_LOOKS: Final = 50
"""Records that are looked at, evenly over all of them."""

_POINTER: Final = 8


def afford_copies(data: Records, ctx: Context, times: int = 1) -> None:
    """Ask whether every record may be made anew, `times` over; in columns nothing is copied."""
    if not data.in_columns and len(data) > FEW:
        rows = data.view()
        some = rows[:: len(rows) // 100]
        each = _POINTER + max(map(getsizeof, some))
        ctx.afford(times * len(rows) * each, counted(len(rows), "record"))


def afford_rows(data: Records, ctx: Context) -> None:
    """Ask whether records in columns may be made one by one; some of them are weighed."""
    if data.in_columns and (len(data) > FEW or data.nbytes > _LITTLE):
        ctx.afford(in_rows(data), counted(len(data), "record"))


def in_rows(data: Records) -> int:
    """About the bytes that the records take as rows; in columns some are made to be weighed."""
    if not data.in_columns:
        return data.nbytes
    step = max(1, len(data) // _LOOKS)
    some = [data.slice(start, 1).view()[0] for start in range(0, len(data), step)]
    return weight(some) * len(data) // len(some)


def narrow_rows(data: Records, names: Collection[str], ctx: Context) -> Records:
    """Of columns only those of these names, whose records may be made; rows as they are."""
    if not data.in_columns:
        return data
    if not any(name in names for name in data.columns):
        ctx.afford(len(data) * (_POINTER + getsizeof({})), counted(len(data), "record"))
    found = narrowed(data, names)
    afford_rows(found, ctx)
    return found


def each(data: Records, *, as_row: bool = False) -> float:
    """About the bytes that one record takes, as it is held or as a row."""
    if not len(data):
        return 0.0
    return (in_rows(data) if as_row else data.nbytes) / len(data)
