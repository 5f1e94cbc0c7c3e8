"""A table in columns that holds exactly what a list of records holds.

Its columns are of one of five types: null, bool, int64, float64 (finite) and large_string. What a
record lacks is told apart from what is null in it: where some records lack a column, a bool column
beside it, whose name begins with NUL, says which. No name from outside begins so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from caudal_core.tables.order import common_order

ABSENT = "\0"
"""What the name begins with of a column that says which records lack another one."""


class Columns:
    """Records as an Arrow table. It is never changed; what is cut from it shares its memory."""

    __slots__ = ("_known", "_names", "table")

    def __init__(self, table: Any) -> None:
        self.table = table
        self._names: list[str] | None = None
        self._known: frozenset[str] | None = None

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def nbytes(self) -> int:
        """The bytes that its values take."""
        return int(self.table.nbytes)

    @property
    def names(self) -> list[str]:
        """The columns in order of first appearance, as in the rows."""
        if self._names is None:
            self._names = self._in_order()
        return self._names

    def _in_order(self) -> list[str]:
        names = self.placed
        if len(names) == self.table.num_columns:
            return names
        import pyarrow.compute as pc

        first = dict.fromkeys(names, 0)
        for name in names:
            if (absent := self.absent(name)) is not None:
                first[name] = pc.index(absent, value=False).as_py()
        return sorted(names, key=first.__getitem__)  # stable: those of one record as they stand

    @property
    def placed(self) -> list[str]:
        """The columns in the order in which the fields of each record stand."""
        return [name for name in self.table.column_names if not name.startswith(ABSENT)]

    def column(self, name: str) -> Any:
        """The values of a column, null where a record lacks it."""
        return self.table.column(name)

    def absent(self, name: str) -> Any | None:
        """Which records lack a column, or nothing if none does."""
        hidden = ABSENT + name
        return self.table.column(hidden) if self.has(hidden) else None

    def has(self, name: str) -> bool:
        """Whether it has a column of this name; tables may have thousands."""
        if self._known is None:
            self._known = frozenset(self.table.column_names)
        return name in self._known

    def first_absent(self) -> tuple[str, int] | None:
        """A column that a record lacks, and the first such record."""
        import pyarrow.compute as pc

        for name in self.names:
            if (absent := self.absent(name)) is not None:
                return name, pc.index(absent, value=True).as_py()
        return None

    def rows(self) -> list[dict[str, Any]]:
        """All of it as records."""
        names = self.placed
        if not names:
            return [{} for _ in range(len(self))]
        values = [self.table.column(name).to_pylist() for name in names]
        rows = [dict(zip(names, cells, strict=True)) for cells in zip(*values, strict=True)]
        for name in names:
            if (absent := self.absent(name)) is not None:
                for row, lacks in zip(rows, absent.to_pylist(), strict=True):
                    if lacks:
                        del row[name]
        return rows

    def slice(self, offset: int, length: int) -> Self:
        """Some of the records, without a copy."""
        return self._tidy(self.table.slice(offset, length))

    def where(self, mask: Any) -> Self:
        """The records for which an Arrow mask is true."""
        return self._tidy(self.table.filter(mask))

    def take(self, indexes: Any) -> Self:
        """The records at these positions, an Arrow array of whole numbers without nulls."""
        return self._tidy(self.table.take(indexes))

    def select(self, names: Sequence[str]) -> Self:
        """These columns in this order; none of them twice."""
        wanted = list(dict.fromkeys(names))
        hidden = [ABSENT + name for name in wanted if self.has(ABSENT + name)]
        return self._tidy(self.table.select(list(filter(self.has, wanted)) + hidden))

    def rename(self, names: Mapping[str, str]) -> Self:
        """The columns under new names, in their places."""
        return type(self)(
            self.table.rename_columns(
                [
                    ABSENT + names.get(name[1:], name[1:])
                    if name.startswith(ABSENT)
                    else names.get(name, name)
                    for name in self.table.column_names
                ]
            )
        )

    def with_column(self, name: str, values: Any, absent: Any | None = None) -> Self:
        """With a column added, or replaced in its place; `absent` says which records lack it."""
        table, hidden = self.table, ABSENT + name
        if hidden in table.column_names:
            table = table.drop_columns([hidden])
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, values)
        else:
            table = table.append_column(name, values)
        if absent is not None:
            table = table.append_column(hidden, absent)
        return self._tidy(table)

    def _tidy(self, table: Any) -> Self:
        """Without columns that no record has any more, and without marks where all have them."""
        for hidden in [name for name in table.column_names if name.startswith(ABSENT)]:
            import pyarrow.compute as pc

            mask = table.column(hidden)
            if not pc.any(mask).as_py():  # null, as of no records, is no
                table = table.drop_columns([hidden])
            elif pc.all(mask).as_py():
                table = table.drop_columns([hidden, hidden[1:]])
        return type(self)(table)


def concat(parts: Sequence[Columns]) -> Columns | None:
    """The records of several, in order, or nothing where a column has different types in them.

    Equal tables are put together without a copy; a column that one of them lacks is lacking in
    its records.
    """
    import pyarrow as pa

    parts = [part for part in parts if len(part)]
    names = common_order(part.placed for part in parts)
    kinds: dict[str, Any] = {}
    for part in parts:
        for name in part.names:
            kind = part.column(name).type
            if kinds.setdefault(name, kind) != kind:
                if pa.types.is_null(kinds[name]):
                    kinds[name] = kind
                elif not pa.types.is_null(kind):
                    return None
    marked = _marked(parts, names)
    tables = [_shaped(part, names, kinds, marked) for part in parts]
    return Columns(pa.concat_tables(tables)) if tables else None


def _marked(parts: Iterable[Columns], names: Iterable[str]) -> list[str]:
    """The columns that some record lacks."""
    return [
        name
        for name in names
        if any(not part.has(name) or part.absent(name) is not None for part in parts)
    ]


def _shaped(
    part: Columns, names: Sequence[str], kinds: Mapping[str, Any], marked: Sequence[str]
) -> Any:
    """A table with all of the columns, those that it lacks marked."""
    import pyarrow as pa

    count = len(part)
    arrays = {
        name: part.column(name).cast(kinds[name])
        if part.has(name)
        else pa.nulls(count, kinds[name])
        for name in names
    }
    for name in marked:
        absent = part.absent(name)
        lacks = not part.has(name)
        arrays[ABSENT + name] = _all(count, lacks) if absent is None else absent
    return pa.table(arrays)


def _all(count: int, value: bool) -> Any:  # noqa: FBT001 - the value itself
    import pyarrow as pa

    return pa.repeat(pa.scalar(value), count)
