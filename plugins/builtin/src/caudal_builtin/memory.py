"""What a handler is about to build, in bytes, before it builds it."""

from __future__ import annotations

from sys import getsizeof
from typing import Final

from caudal_builtin.wording import counted
from caudal_core import Context, Records

FEW: Final = 10_000
"""Records whose copies are not worth weighing."""

_POINTER: Final = 8


def afford_copies(data: Records, ctx: Context, times: int = 1) -> None:
    """Ask whether every record may be made anew, `times` over; in columns nothing is copied."""
    if not data.in_columns and len(data) > FEW:
        rows = data.view()
        some = rows[:: len(rows) // 100]
        each = _POINTER + max(map(getsizeof, some))
        ctx.afford(times * len(rows) * each, counted(len(rows), "record"))


def each(data: Records) -> float:
    """About the bytes that one record takes."""
    return data.nbytes / len(data) if len(data) else 0.0
