"""Arithmetic on whole columns, where it gives the very numbers that it gives record by record.

Decimal numbers are computed by the same rules of IEEE 754 here and there, whole numbers exactly as
long as they fit. Whatever might differ (a number too large, a division by zero, whole numbers of
more digits than a float has beside decimal ones) is `NotByColumns`: the records are then computed
one by one, and say what is wrong with which.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from caudal_core import Records
from caudal_core.template import Placeholder
from caudal_core.values import MAX_SAFE_INTEGER

Vector = Callable[[Records], Any]
"""An Arrow array of numbers, or one number for all records; raises `NotByColumns`."""


class NotByColumns(Exception):
    """Nothing is known to be wrong: it is for the records to say."""


def column(field: Placeholder) -> Vector:
    """A column of numbers."""

    def values(data: Records) -> Any:
        import pyarrow as pa

        if field.text not in data.columns:
            raise NotByColumns
        found = data.values(field.text)
        if found.type not in (pa.int64(), pa.float64()):
            raise NotByColumns
        return found

    return values


def number(value: Any) -> Vector:
    """One number for all."""

    def values(data: Records) -> Any:
        if type(value) not in (int, float) or abs(value) > MAX_SAFE_INTEGER:
            raise NotByColumns
        return value

    return values


def _whole(value: Any) -> bool:
    if isinstance(value, int | float):
        return type(value) is int
    import pyarrow as pa

    return bool(pa.types.is_integer(value.type))


def _as_float(value: Any) -> Any:
    """The same numbers as floats, if each is one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(value, int | float):
        return pa.scalar(float(value), pa.float64())
    if pa.types.is_floating(value.type):
        return value
    ends = pc.min_max(value)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    if low is not None and (low < -MAX_SAFE_INTEGER or high > MAX_SAFE_INTEGER):
        raise NotByColumns
    return value.cast(pa.float64())


_EXACT: Final = {"+": "add_checked", "-": "subtract_checked", "*": "multiply_checked"}
_FLOAT: Final = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}


def operation(sign: str, left: Vector, right: Vector) -> Vector:
    """An operation on two columns, or on a column and a number."""

    def values(data: Records) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        one, two = left(data), right(data)
        if isinstance(one, int | float) and isinstance(two, int | float):
            raise NotByColumns
        if sign in _EXACT and _whole(one) and _whole(two):
            try:
                return getattr(pc, _EXACT[sign])(one, two)
            except pa.ArrowInvalid:  # beyond 64 bits
                raise NotByColumns from None
        found = getattr(pc, _FLOAT[sign])(_as_float(one), _as_float(two))
        if pc.all(pc.is_finite(found)).as_py() is False:
            raise NotByColumns
        return found

    return values
