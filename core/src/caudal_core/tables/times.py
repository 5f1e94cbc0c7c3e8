"""Arrow's timestamps as the texts that they are between nodes, a column at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

_A_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


_KNOWN: Final = (datetime(1902, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC))
"""Between these Arrow knows the offsets of time zones; beyond, it does not know of summer time."""


def in_known_years(array: Any) -> bool:
    """Whether these are timestamps whose offsets Arrow knows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_timestamp(array.type):
        return False
    if array.type.tz is None:
        return True
    utc = array.cast(pa.timestamp(array.type.unit)).cast(pa.int64())
    ends = pc.min_max(utc)
    first, last = (int(at.timestamp()) * _A_SECOND[array.type.unit] for at in _KNOWN)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    return low is None or (first <= low and high < last)


def timestamp_texts(array: Any) -> Any:
    """ISO 8601 as `datetime.isoformat` writes it; a zone becomes its offset, none is added.

    Fractions of a second have six digits, or nine where there are nanoseconds.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    zone = array.type.tz
    local = array if zone is None else pc.local_timestamp(array)
    texts = _naive_texts(local)
    if zone is None:
        return texts
    unit = array.type.unit
    utc = array.cast(pa.timestamp(unit)).cast(pa.int64())  # without its zone it is that of UTC
    shift = pc.divide(pc.subtract(local.cast(pa.int64()), utc), _A_SECOND[unit])
    return _joined(texts, _offset_texts(shift))


def _naive_texts(local: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    floor = pc.floor_temporal(local, unit="second")
    text = pc.replace_substring(
        floor.cast(pa.timestamp("s")).cast(pa.large_string()),
        pattern=" ",
        replacement="T",
        max_replacements=1,
    )
    second = _A_SECOND[local.type.unit]
    rest = pc.subtract(local.cast(pa.int64()), floor.cast(pa.int64()))
    if not pc.any(pc.not_equal(rest, 0)).as_py():
        return text
    nanos = pc.multiply(rest, 1_000_000_000 // second)
    nine = pc.utf8_lpad(nanos.cast(pa.large_string()), width=9, padding="0")
    six = pc.utf8_slice_codeunits(nine, start=0, stop=6)
    fine = pc.not_equal(pc.subtract(nanos, pc.multiply(pc.divide(nanos, 1_000), 1_000)), 0)
    fraction = _joined(pa.scalar(".", pa.large_string()), pc.if_else(fine, nine, six))
    return pc.if_else(pc.equal(rest, 0), text, _joined(text, fraction))


def _joined(left: Any, right: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(left, right, pa.scalar("", pa.large_string()))


def _offset_texts(seconds: Any) -> Any:
    """`+02:00` for each count of seconds; there are few different ones."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = pc.unique(seconds)
    texts = [None if value is None else _offset(value) for value in kinds.to_pylist()]
    return pc.take(pa.array(texts, pa.large_string()), pc.index_in(seconds, value_set=kinds))


def _offset(seconds: int) -> str:
    hours, rest = divmod(abs(seconds), 3_600)
    clock = str(timedelta(seconds=rest)).removeprefix("0:")
    shown = clock if rest % 60 else clock[:2]
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{shown}"
