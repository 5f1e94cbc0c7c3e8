"""What a handler is about to build, in bytes, before it builds it."""

from __future__ import annotations

from sys import getsizeof
from typing import Final

from caudal_builtin.wording import counted
from caudal_core import Context, Records
from caudal_core.tables.weight import weight

FEW: Final = 10_000
"""Records whose copies are not worth weighing."""

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
    if data.in_columns and len(data) > FEW:
        step = len(data) // _LOOKS
        some = [data.slice(start, 1).view()[0] for start in range(0, len(data), step)]
        ctx.afford(weight(some) * len(data) // len(some), counted(len(data), "record"))


def each(data: Records) -> float:
    """About the bytes that one record takes."""
    return data.nbytes / len(data) if len(data) else 0.0
