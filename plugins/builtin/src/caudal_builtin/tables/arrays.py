"""Arrow arrays of Python's values, from their bytes.

`pyarrow.array` imports pandas where it is installed, only to ask whether it was given one of its
kind: a worker that starts would spend more time on that than on a large file.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_EMPTY = {float: 0.0, int: 0, bool: False, str: ""}


def array_of(values: Sequence[Any], kind: type | None) -> pa.Array:
    """The values, all null or of one of four types; integers may stand among floats.

    `OverflowError` where a whole number has more than 64 bits, `UnicodeEncodeError` where a text
    is no Unicode.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind is None:
        return pa.nulls(len(values))
    lacking = None in values
    filled = [_EMPTY[kind] if v is None else v for v in values] if lacking else values
    found = _filled(filled, kind)
    if not lacking:
        return found
    null = pa.nulls(1, found.type)[0]  # `pa.scalar` would import it too
    return pc.if_else(_booleans([v is not None for v in values]), found, null)


def constant(value: Any) -> pa.Scalar:
    """A value to compute with: what Arrow makes of a plain one would import pandas too."""
    return array_of([value], type(value))[0]


def _filled(values: Sequence[Any], kind: type) -> pa.Array:
    import pyarrow as pa

    count = len(values)
    if kind is bool:
        return _booleans(values)
    if kind is str:
        encoded = [text.encode() for text in values]
        ends = array("q", accumulate(map(len, encoded), initial=0))
        parts = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
        return pa.Array.from_buffers(pa.large_string(), count, parts)
    code, type_ = ("d", pa.float64()) if kind is float else ("q", pa.int64())
    return pa.Array.from_buffers(type_, count, [None, pa.py_buffer(array(code, values))])


def _booleans(values: Sequence[bool]) -> pa.Array:
    import pyarrow as pa

    buffer = pa.py_buffer(bytes(values))
    return pa.Array.from_buffers(pa.uint8(), len(values), [None, buffer]).cast(pa.bool_())
