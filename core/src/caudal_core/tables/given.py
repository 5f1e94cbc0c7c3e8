"""What the methods of `Records` are given, as Arrow arrays."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from caudal_core.tables.foreign import plain_array
from caudal_core.tables.lossless import NotInColumns, array_of


def is_array(value: Any) -> bool:
    """Whether this is an Arrow array."""
    arrow = sys.modules.get("pyarrow")
    return arrow is not None and isinstance(value, arrow.Array | arrow.ChunkedArray)


def column_array(name: str, values: Any, count: int) -> Any | None:
    """The values of a column, or one value `count` times; nothing if they fit in no column."""
    import pyarrow as pa

    try:
        if is_array(values):
            found = plain_array(values)
            return array_of(name, found) if type(found) is list else found
        if type(values) is list:
            return array_of(name, values)
        one = array_of(name, [values])
    except NotInColumns:
        return None
    return pa.nulls(count) if one.null_count else pa.repeat(one[0], count)


def boolean_array(mask: Iterable[bool]) -> Any:
    """A mask as Arrow takes it."""
    import pyarrow as pa

    return mask if is_array(mask) else pa.array(list(mask), pa.bool_())


def positions(indexes: Iterable[int], count: int) -> Any:
    """Positions as Arrow takes them; as in a list, those below 0 count from the end."""
    import pyarrow as pa

    if is_array(indexes):
        return indexes
    return pa.array([i + count if i < 0 else i for i in indexes], pa.int64())
