"""Two tables side by side, by positions: what a join has found."""

from __future__ import annotations

from typing import Any

from caudal_core.tables.columns import ABSENT, Columns


def beside(left: Columns, right: Columns, mine: Any, others: Any) -> Columns:
    """For each pair of positions `{**left[mine], **right[others]}`; null stands for no record."""
    import pyarrow as pa

    names = dict.fromkeys([*left.placed, *right.placed])
    arrays: dict[str, Any] = {}
    for name in names:
        sides = [
            _picked(side, name, where)
            for side, where in ((left, mine), (right, others))
            if side.has(name)
        ]
        values, absent = sides[0] if len(sides) == 1 else _over(*sides)
        arrays[name] = values
        if absent is not None:
            arrays[ABSENT + name] = absent
    return Columns(pa.table(arrays)).slice(0, len(others))


def _picked(side: Columns, name: str, where: Any) -> tuple[Any, Any | None]:
    """The values at the positions, and where there are none."""
    import pyarrow.compute as pc

    if where is None:
        return side.column(name), side.absent(name)
    values = _whole(side.column(name)).take(where)
    nowhere = pc.is_null(where) if where.null_count else None
    absent = side.absent(name)
    if absent is None:
        return values, nowhere
    return values, pc.fill_null(absent.take(where), fill_value=True)


def _whole(values: Any) -> Any:
    """One chunk, as what is taken from several is slow."""
    return values.combine_chunks() if values.num_chunks > 1 else values


def _over(under: tuple[Any, Any | None], over: tuple[Any, Any | None]) -> tuple[Any, Any | None]:
    """Values over others, which show where the upper ones are lacking."""
    import pyarrow as pa
    import pyarrow.compute as pc

    (low, low_absent), (top, top_absent) = under, over
    if top_absent is None:
        return top, None
    kind = low.type if pa.types.is_null(top.type) else top.type
    values = pc.if_else(top_absent, low.cast(kind), top.cast(kind))
    return values, None if low_absent is None else pc.and_(low_absent, top_absent)


def fit(left: Columns, right: Columns) -> bool:
    """Whether the columns that both have are of types that can stand in one."""
    import pyarrow as pa

    def same(name: str) -> bool:
        kinds = {left.column(name).type, right.column(name).type} - {pa.null()}
        return len(kinds) < 2

    return all(same(name) for name in left.names if right.has(name))
