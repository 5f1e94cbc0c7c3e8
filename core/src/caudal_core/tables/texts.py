"""The values of a column as they are written inside a text: JSON's way, as `formats.as_text` does.

Whole numbers are written by Arrow, as that is what Python writes; decimal numbers never: Arrow's
`1` is JSON's `1.0`.
"""

from __future__ import annotations

from typing import Any

import orjson


def texts(array: Any) -> Any:
    """A column of `Columns` as texts; null stays null."""
    import pyarrow as pa

    text = pa.large_string()
    if pa.types.is_floating(array.type):
        return _decimals(array)
    # Booleans are written `true` and `false` here as there.
    return array if array.type == text else array.cast(text)


def _decimals(array: Any) -> Any:
    import pyarrow as pa

    def written(chunk: Any) -> Any:
        values = chunk.to_pylist()
        if not values:
            return pa.array([], pa.large_string())
        found: list[str | None] = [*orjson.dumps(values)[1:-1].decode().split(",")]
        if chunk.null_count:
            found = [None if text == "null" else text for text in found]
        return pa.array(found, pa.large_string())

    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    return pa.chunked_array(list(map(written, chunks)), pa.large_string())


def joined(parts: list[Any], between: str = "") -> Any:
    """Texts put together, row by row; a part may be one text for all. Null is nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.large_string()
    found = [pa.scalar(part, text) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(
        *found, pa.scalar(between, text), null_handling="replace", null_replacement=""
    )
