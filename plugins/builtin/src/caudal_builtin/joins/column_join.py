"""A hash join of tables in columns: the same records in the same order as that of rows.

Where both keys are whole numbers or texts Arrow finds the matches; else the keys are compared as
for rows, and only the records are put together in columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from caudal_builtin.joins.hash_join import Counts, Keep, Matches, match
from caudal_builtin.joins.keys import keys_of
from caudal_core import Records
from caudal_core.tables.lossless import NotInColumns

Keys = tuple[list[str], list[str]]
"""The fields of the key in A and in B."""

FAST: Final = ("int64", "large_string")
"""Types whose equal keys are equal values, and nothing else is."""


class Asked(NamedTuple):
    """The keys, whether all matches are taken, which records stay without one, how many at most."""

    keys: Keys
    every: bool
    keep: Keep
    most: int


class Found(NamedTuple):
    """How many records there will be, and what makes their positions in A and in B."""

    counts: Counts
    positions: Callable[[], tuple[Any | None, Any]]


def in_columns(a: Records, b: Records) -> bool:
    """Whether to work on columns: one side is held so, and the other can be without loss."""
    if not (a.in_columns or b.in_columns) or not len(a) or not len(b):
        return False
    try:
        return all(len(side.table) for side in (a, b))
    except NotInColumns:
        return False


def find(a: Records, b: Records, asked: Asked) -> Found | None:
    """Which records go together; nothing if there are too many, so that the rows say of what."""
    found = _by_arrow(a, b, asked)
    if found is None:
        keys_a, keys_b = keys_of(a, asked.keys[0], b, asked.keys[1])
        matches = match(keys_a, keys_b, every=asked.every)
        counts = Counts.of(matches, asked.keep)
        found = Found(counts, lambda: _listed(matches, asked.keep))
    return found if found.counts.rows <= asked.most else None


def _by_arrow(a: Records, b: Records, asked: Asked) -> Found | None:
    """The matches of one key; nothing where its types are for the rules of rows to compare."""
    import pyarrow.compute as pc

    if len(asked.keys[0]) > 1:
        return None
    keys_a, keys_b = a.values(asked.keys[0][0]), b.values(asked.keys[1][0]).combine_chunks()
    if str(keys_a.type) != str(keys_b.type) or str(keys_a.type) not in FAST:
        return None
    kinds = pc.value_counts(keys_b.drop_null())
    values, counts = kinds.field(0), kinds.field(1)
    if asked.every and len(values) < len(keys_b) - keys_b.null_count:
        return None
    which = pc.index_in(keys_a, value_set=values, skip_nulls=True).combine_chunks()
    met = pc.unique(which.drop_null())
    matched, further = len(which) - which.null_count, 0
    if len(values) == len(keys_b):  # each key once: a value's place is that of its record
        others, alone = which, len(keys_b) - len(met)
    else:
        others = pc.index_in(values, value_set=keys_b).take(which)
        further = (pc.sum(counts.take(which)).as_py() or 0) - matched
        alone = len(keys_b) - (pc.sum(counts.take(met)).as_py() or 0)
    rows = matched + asked.keep.a * others.null_count + asked.keep.b * alone

    def positions() -> tuple[Any | None, Any]:
        unmet = None
        if asked.keep.b and alone:
            known = pc.is_in(keys_b, value_set=values.take(met), skip_nulls=True)
            unmet = pc.indices_nonzero(pc.invert(known))
        return _kept(others, unmet, asked.keep)

    return Found(Counts(rows, matched, alone, further), positions)


def _kept(others: Any, unmet: Any | None, keep: Keep) -> tuple[Any | None, Any]:
    """The pairs with what stays without a match: A's in place (null: all), B's at the end."""
    import pyarrow as pa
    import pyarrow.compute as pc

    mine = None
    if not keep.a and others.null_count:
        mine = pc.indices_nonzero(pc.is_valid(others))
        others = others.take(mine)
    if unmet is None:
        return mine, others
    place = pa.int64()
    mine = pa.array(range(len(others)), place) if mine is None else mine.cast(place)
    mine = pa.concat_arrays([mine, pa.nulls(len(unmet), place)])
    return mine, pa.concat_arrays([others.cast(place), unmet.cast(place)])


def _listed(matches: Matches, keep: Keep) -> tuple[Any, Any]:
    """What the rules for rows have found, as positions."""
    import pyarrow as pa

    mine: list[int | None] = []
    others: list[int | None] = []
    nothing = (None,) if keep.a else ()
    for position, taken in enumerate(matches.taken):
        found: Sequence[int | None] = taken or nothing
        mine += [position] * len(found)
        others += found
    if keep.b:
        mine += [None] * len(matches.alone_b)
        others += matches.alone_b
    return pa.array(mine, pa.int64()), pa.array(others, pa.int64())
