"""Cells of one type, held in Arrow, as the values that they are cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caudal_builtin.tables.arrays import constant
from caudal_builtin.tables.cell_values import values_of
from caudal_builtin.tables.coded import Column
from caudal_builtin.tables.held import Held
from caudal_core.values import MAX_SAFE_INTEGER

if TYPE_CHECKING:
    import pyarrow as pa

_SECOND: Final = 1_000
_DAY: Final = 86_400 * _SECOND
_FIRST: Final = -24_105 * _DAY
"""1904-01-03: what is earlier may be a time of day, in one of the two ways to count days."""
_LAST: Final = 2_932_897 * _DAY - 1
"""The last moment of the year 9999; what is later is a number cell by cell."""


def without_blanks(cells: pa.Array) -> pa.Array:
    """The cells with null for texts of nothing but blanks."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(cells.type):
        return cells
    blank = pc.or_(pc.invert(pc.cast(pc.binary_length(cells), pa.bool_())), pc.utf8_is_space(cells))
    if not pc.any(blank).as_py():
        return cells
    return pc.if_else(blank, pa.nulls(1, cells.type)[0], cells)


def values_in(cells: pa.Array) -> Column | None:
    """The values of a column without blanks; nothing where they cannot be told for certain."""
    import pyarrow as pa

    if cells.null_count == len(cells):
        return Held(pa.nulls(len(cells)))
    if pa.types.is_boolean(cells.type):
        return Held(cells)
    if pa.types.is_string(cells.type):
        return Held(cells.cast(pa.large_string()))
    if pa.types.is_float64(cells.type):
        return _numbers(cells)
    if pa.types.is_timestamp(cells.type):
        return _moments(cells)
    return _durations(cells) if pa.types.is_duration(cells.type) else None


def _durations(cells: pa.Array) -> Column | None:
    try:
        return values_of(cells.to_pylist())
    except OverflowError:
        return None


def _numbers(cells: pa.Array) -> Column | None:
    """Whole numbers where nothing else stands in the column, else both kinds side by side."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.all(pc.is_finite(cells)).as_py():
        return None  # a text such as nan is taken for a number
    without_decimals = pc.equal(pc.floor(cells), cells)
    small = pc.less_equal(pc.abs(cells), constant(float(MAX_SAFE_INTEGER)))
    whole = pc.and_(without_decimals, small)
    if pc.all(whole).as_py():
        return Held(cells.cast(pa.int64()))
    if not pc.any(whole).as_py():
        return Held(cells)
    if pc.any(pc.and_not(without_decimals, small)).as_py():
        return values_of(cells.to_pylist())
    return Held(cells, whole=True)


def _moments(cells: pa.Array) -> Column | None:
    """Dates where all are midnights, else date-times, both in ISO form."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ticks = cells.cast(pa.int64())
    bounds = pc.min_max(ticks).as_py()
    if bounds["min"] < _FIRST or bounds["max"] > _LAST:
        return None
    if _are_multiples(ticks, _DAY):
        return Held(cells.cast(pa.date32()).cast(pa.large_string()))
    if not _are_multiples(ticks, _SECOND):
        return values_of(cells.to_pylist())
    texts = cells.cast(pa.timestamp("s")).cast(pa.large_string())
    return Held(pc.replace_substring(texts, " ", "T"))


def _are_multiples(ticks: pa.Array, unit: int) -> bool:
    import pyarrow.compute as pc

    whole = constant(unit)
    found: bool = pc.all(pc.equal(pc.multiply(pc.divide(ticks, whole), whole), ticks)).as_py()
    return found
