"""Records: the table that nodes hand on, and what belongs to its columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress
from typing import Annotated, Any, Self

from caudal_core.errors import DataError, UnknownField
from caudal_core.tables.columns import Columns, concat
from caudal_core.tables.foreign import is_table, table_of
from caudal_core.tables.given import boolean_array, column_array, is_array, positions
from caudal_core.tables.lossless import NotInColumns, columns_of
from caudal_core.tables.pairs import beside
from caudal_core.tables.weight import weight
from caudal_core.values import JSON

Row = Mapping[str, Any]
"""One record as it is looked at; to change one, take a copy from `rows()`."""


Data = Annotated[Any, "Records or a JSON value"]
"""How a handler that only hands data on takes it: as `Records` where it is held in columns, so that
no rows are made, else as the plain value."""


class Records:
    """A list of objects, or one object that is treated as a table of one row.

    `columns` are the union of all records' keys in order of first appearance. A record need not
    have every column; a column may hold values of several types. Nothing here changes the records
    it was made from, as siblings in the graph share them: `view()` looks, `rows()` copies.

    They are held as rows or in columns, whichever they were made from, and are the same values in
    both. A table of pyarrow, pandas or polars goes in as it is: `Records(table)`. `arrow()`,
    `pandas()`, `polars()` and the rows are made when they are first asked for. Every method works
    on both and stays with what it is given: what is in columns (`in_columns`) remains there.

    `metadata` says of a column what is not in its values, as `{"price": {"unit": "€/MWh"}}`; it
    stays with the column through every method that keeps the column.
    """

    __slots__ = ("_columns", "_held", "_table", "metadata", "single")

    def __init__(
        self,
        rows: Iterable[Row] | Any = (),
        *,
        single: bool = False,
        metadata: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._table: Columns | None = None
        self._held: list[Any] | None = rows if type(rows) is list else self._taken(rows)
        self._columns: list[str] | None = None
        self.single = single
        self.metadata: Mapping[str, Mapping[str, Any]] = metadata or {}

    def _taken(self, given: Any) -> list[Any] | None:
        """The records of what is no list; a table stays what it is, and there are none yet."""
        found: Columns | list[Any]
        if type(given) is Columns:
            found = given
        else:
            found = table_of(given) if is_table(given) else list(given)
        if isinstance(found, list):
            return found
        if not len(found) or not found.names:
            return found.rows()
        self._table = found
        return None

    @property
    def _rows(self) -> list[Any]:
        """The records; of a table they are made when somebody first asks for one."""
        if self._held is None:
            self._held = self.table.rows()
        return self._held

    @property
    def table(self) -> Columns:
        """The records in columns, if they are; see `in_columns`."""
        if self._table is None:
            self._table = columns_of(self._rows)
        return self._table

    @property
    def in_columns(self) -> bool:
        """Whether they are held in columns, so that to work on these costs no conversion."""
        return self._table is not None

    @classmethod
    def of(cls, value: JSON, metadata: Mapping[str, Mapping[str, Any]] | None = None) -> Self:
        """Records from a JSON value: a list of objects, or one object.

        Raises `DataError` for anything else, saying what came instead and at which index.
        """
        if type(value) is dict:
            return cls([value], single=True, metadata=metadata)
        if type(value) is list:
            if set(map(type, value)) <= {dict}:
                return cls(value, metadata=metadata)
            index = next(i for i, item in enumerate(value) if type(item) is not dict)
            raise _not_records(f"item {index} of the list is {kind_of(value[index])}")
        raise _not_records(f"{kind_of(value)} came in")

    @classmethod
    def concat(
        cls,
        parts: Sequence[Records],
        metadata: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Self:
        """The records of all, one after the other; in columns where all are and their types fit."""
        if parts and all(part.in_columns or not len(part) for part in parts):
            together = concat([part.table for part in parts if part.in_columns])
            if together is not None:
                return cls(together, metadata=metadata)
        return cls([row for part in parts for row in part.view()], metadata=metadata)

    @property
    def columns(self) -> list[str]:
        """The names of all columns, in order of first appearance."""
        if self._columns is None:
            if self._table is not None:
                self._columns = self._table.names
            else:
                self._columns = list(dict.fromkeys(chain.from_iterable(self._rows)))
        return list(self._columns)

    def __len__(self) -> int:
        return len(self.table if self._held is None else self._held)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __repr__(self) -> str:
        return f"<Records {len(self)} × {self.columns}>"

    def view(self) -> Sequence[Row]:
        """The records themselves, to look at and not to change."""
        return self._rows

    def rows(self) -> list[dict[str, Any]]:
        """A copy of every record, which the caller may change."""
        if self._held is None:
            return self.table.rows()
        kinds = set(map(type, chain.from_iterable(map(dict.values, self._rows))))
        if kinds.isdisjoint((list, dict)):
            return [dict(row) for row in self._rows]
        return [_copied(row) for row in self._rows]

    def arrow(self) -> Any:
        """The records as a `pyarrow.Table` of null, bool, int64, float64 and large_string.

        `NotInColumns` where it could not hold them as they are: a column of mixed types, one that
        only some records have, lists or objects, whole numbers of more than 64 bits; it names the
        column and says why. Dates and times are the texts that they are between nodes.
        """
        table = self.table
        lacking = table.first_absent()
        if lacking is not None:
            name, row = lacking
            why = f"row {row} has no such field, which is not the same as null"
            raise NotInColumns(name, why, f"la fila {row} no tiene ese campo, que no es lo mismo")
        return table.table

    def pandas(self) -> Any:
        """The same as a `pandas.DataFrame`, in types that keep whole numbers beside nulls."""
        import pandas as pd
        import pyarrow as pa

        nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
        return self.arrow().to_pandas(types_mapper=nullable.get)

    def polars(self) -> Any:
        """The same as a `polars.DataFrame`."""
        import polars as pl

        return pl.from_arrow(self.arrow())

    def values(self, name: str) -> Any:
        """A column as an Arrow array, null where a record lacks the field; see `column`."""
        self.require(name)
        return self.table.column(name)

    def column(self, name: str) -> list[JSON]:
        """One value a record, null where a record lacks the field; `UnknownField` if all do."""
        self.require(name)
        if self._held is None:
            found: list[JSON] = self.table.column(name).to_pylist()
            return found
        return [row.get(name) for row in self._held]

    def require(self, *names: str) -> None:
        """Raise `UnknownField` for the first of `names` that no record has.

        Where there are no records nobody knows which columns they would have: nothing is raised.
        """
        if not len(self):
            return
        first = self.columns if self._held is None else self._held[0]
        for name in names:
            if name not in first and name not in self.columns:
                raise UnknownField(name, self.columns)

    def with_column(self, name: str, values: JSON) -> Records:
        """The same records with one field added or replaced.

        `values` is a list or an Arrow array with one value a record, or one value for all of them.
        """
        if self._table is None and type(values) in _ONE_FOR_ALL:
            rows = [{**row, name: values} for row in self._held or ()]
            return self._like(rows, self._without(name))
        given = _listed(values)
        if given is not None and len(given) != len(self):
            raise DataError(
                f"the column '{name}' has {len(given)} values for {len(self)} records",
                es=f"la columna '{name}' tiene {len(given)} valores para {len(self)} registros",
            )
        metadata = self._without(name)
        if self._table is not None:
            array = column_array(name, values if given is None else given, len(self))
            if array is not None:
                return self._like(self._table.with_column(name, array), metadata)
        if given is None:
            return self._like([{**row, name: values} for row in self._rows], metadata)
        cells = given if type(given) is list else given.to_pylist()
        rows = [{**row, name: value} for row, value in zip(self._rows, cells, strict=True)]
        return self._like(rows, metadata)

    def select(self, names: Sequence[str]) -> Records:
        """Only these columns, in this order; a record that lacks one goes on lacking it."""
        self.require(*names)
        metadata = {n: m for n, m in self.metadata.items() if n in names}
        if not names:
            return self._like([{} for _ in range(len(self))], metadata)
        if self._table is not None:
            return self._like(self._table.select(names), metadata)
        rows = [{name: row[name] for name in names if name in row} for row in self._rows]
        return self._like(rows, metadata)

    def rename(self, names: Mapping[str, str]) -> Records:
        """The columns under their new names, in place; `names` maps old to new.

        All change at once, so two can be swapped. `DataError` if two columns would end with one
        name, as one of them would be lost.
        """
        self.require(*names)
        self._refuse_clash(names)
        metadata = {names.get(n, n): m for n, m in self.metadata.items()}
        if self._table is not None:
            return self._like(self._table.rename(names), metadata)
        rows = [{names.get(key, key): value for key, value in row.items()} for row in self._rows]
        return self._like(rows, metadata)

    def _refuse_clash(self, names: Mapping[str, str]) -> None:
        taken: dict[str, str] = {}
        for column in self.columns:
            name = names.get(column, column)
            if name in taken:
                raise DataError(
                    f"two columns would be called '{name}': '{taken[name]}' and '{column}'",
                    es=f"dos columnas se llamarían '{name}': '{taken[name]}' y '{column}'",
                    hint="give each its own name, or leave one of them out before",
                    hint_es="dé a cada una su nombre o quite antes una de ellas",
                )
            taken[name] = column

    def take(self, indexes: Iterable[int]) -> Records:
        """The records at these positions; a single object stays one if it is taken.

        In columns `indexes` may be an Arrow array of whole numbers from 0.
        """
        if self._table is not None:
            return self._cut(self._table.take(positions(indexes, len(self))))
        return self._cut([self._rows[index] for index in indexes])

    def where(self, mask: Iterable[bool]) -> Records:
        """The records for which `mask`, with a boolean for each, is true; it may be Arrow's."""
        if self._table is not None:
            return self._cut(self._table.where(boolean_array(mask)))
        return self._cut(list(compress(self._rows, mask)))

    def slice(self, offset: int, length: int) -> Records:
        """So many records from a position on; there may be fewer."""
        if self._table is not None:
            return self._cut(self._table.slice(offset, length))
        return self._cut(self._rows[offset : offset + length])

    def beside(self, other: Records, mine: Any, others: Any) -> Records:
        """Records made of pairs: one of these with the fields of one of `other`, which win.

        `mine` (null: all, in order) and `others` are Arrow arrays of positions, null where there is
        no record on that side: its fields are then lacking. Both must be in columns; what is known
        of columns of both is `other`'s.
        """
        pairs = beside(self.table, other.table, mine, others)
        return Records(pairs, metadata={**self.metadata, **other.metadata})

    @property
    def nbytes(self) -> int:
        """About the bytes that they take in memory; of rows some are weighed."""
        return self._table.nbytes if self._table is not None else weight(self._rows)

    def to_json(self) -> JSON:
        """The object it was made from, or the list of records."""
        rows = self._held
        if rows is None:
            rows = self._rows
        return rows[0] if self.single and len(rows) == 1 else rows

    def _cut(self, rows: Any) -> Records:
        return Records(rows, single=self.single and len(rows) == 1, metadata=self.metadata)

    def _like(self, rows: Any, metadata: Mapping[str, Mapping[str, Any]]) -> Records:
        return Records(rows, single=self.single, metadata=metadata)

    def _without(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        if name not in self.metadata:
            return self.metadata
        return {key: value for key, value in self.metadata.items() if key != name}


_ONE_FOR_ALL = frozenset((str, int, float, bool, type(None), dict))
"""Types of which nobody has to ask whether they are one value a record."""


def _listed(values: Any) -> Any | None:
    """What holds one value a record; nothing where it is one value for all."""
    return values if type(values) is list or is_array(values) else None


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if type(value) is list else value


def kind_of(value: JSON) -> str:
    """What a JSON value is, for a message: `a text`, `null`, `an object`."""
    if value is None:
        return "null"
    names = {bool: "a boolean", str: "a text", dict: "an object", list: "a list"}
    return names.get(type(value), "a number")


def is_records(value: JSON) -> bool:
    """Whether a JSON value is a list of objects; an empty list is one."""
    return type(value) is list and set(map(type, value)) <= {dict}


def _not_records(what: str) -> DataError:
    return DataError(
        f"the node needs records (a list of objects, or one object), but {what}",
        es=f"el nodo necesita registros (una lista de objetos, o un objeto), no esto: {what}",
        hint="look at what the node before it hands on",
        hint_es="mire qué entrega el nodo anterior",
    )
