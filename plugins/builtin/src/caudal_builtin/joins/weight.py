"""What a join is about to build, in bytes: it may give far more than came in."""

from __future__ import annotations

from typing import Final

from caudal_builtin.memory import FEW, afford_rows, each, in_rows
from caudal_builtin.wording import counted
from caudal_core import Context, Records
from caudal_core.tables.pairs import fit

_A_NULL: Final = 9
"""Bytes of a null in a column, and of the mark that the record lacks it."""


def afford_join(a: Records, b: Records, rows: int, ctx: Context, *, as_rows: bool = False) -> None:
    """Ask for so many records with the fields of both.

    Where they are built as rows, those of what is in columns have to be made before.
    """
    if as_rows:
        afford_rows(a, ctx)
        afford_rows(b, ctx)
    if rows > FEW:
        size = rows * (each(a, as_row=as_rows) + each(b, as_row=as_rows))
        ctx.afford(int(size), counted(rows, "record"))


def afford_concat(a: Records, b: Records, ctx: Context) -> None:
    """Ask for the records of both: in columns where both are and their types fit, else as rows."""
    if not (len(a) and len(b)):
        return  # the other goes on as it is
    if a.in_columns and b.in_columns and fit(a.table, b.table):
        lacking = len(a) * len({*b.columns} - {*a.columns})
        lacking += len(b) * len({*a.columns} - {*b.columns})
        size = a.nbytes + b.nbytes + lacking * _A_NULL
    else:
        size = in_rows(a) + in_rows(b)
    ctx.afford(size, counted(len(a) + len(b), "record"))
