"""The columns of two tables that become one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from caudal_core import Context, DataError, Records


def suffixed(data: Records, other: Records, suffix: str, *, besides: Collection[str]) -> Records:
    """`data` with `suffix` on every column that `other` has too; those in `besides` stay.

    Raises `DataError` for a new name that a column of either table has already.
    """
    taken = {*data.columns, *other.columns}
    clashing = [name for name in data.columns if name in other.columns and name not in besides]
    names = {name: name + suffix for name in clashing}
    for new in names.values():
        if new in taken:
            raise DataError(
                f"the suffix '{suffix}' gives '{new}', which is a column already",
                es=f"el sufijo '{suffix}' da '{new}', que ya es una columna",
                hint="choose another joinSuffix",
                hint_es="elija otro joinSuffix",
            )
    return data.rename(names) if names else data


def joined_metadata(a: Records, b: Records, ctx: Context) -> Mapping[str, Mapping[str, Any]]:
    """What is known of the columns of both, B's word counting; a contradiction is warned of."""
    for name in a.metadata.keys() & b.metadata.keys():
        if a.metadata[name] != b.metadata[name]:
            ctx.log.warning(
                "the column '%s' is %s in A and %s in B; it goes on as in B",
                name,
                dict(a.metadata[name]),
                dict(b.metadata[name]),
            )
    return {**a.metadata, **b.metadata}
