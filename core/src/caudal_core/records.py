"""Records: the table that nodes hand on, and what belongs to its columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Self

from caudal_core.errors import DataError, UnknownField
from caudal_core.values import JSON

Row = Mapping[str, Any]
"""One record as it is looked at; to change one, take a copy from `rows()`."""


class Records:
    """A list of objects, or one object that is treated as a table of one row.

    `columns` are the union of all records' keys in order of first appearance. A record need not
    have every column; a column may hold values of several types. Nothing here changes the records
    it was made from, as siblings in the graph share them: `view()` looks, `rows()` copies.

    `metadata` says of a column what is not in its values, as `{"price": {"unit": "€/MWh"}}`; it
    stays with the column through every method that keeps the column.
    """

    __slots__ = ("_columns", "_rows", "metadata", "single")

    def __init__(
        self,
        rows: Iterable[Row] = (),
        *,
        single: bool = False,
        metadata: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._rows: list[Any] = rows if type(rows) is list else list(rows)
        self._columns: list[str] | None = None
        self.single = single
        self.metadata: Mapping[str, Mapping[str, Any]] = metadata or {}

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

    @property
    def columns(self) -> list[str]:
        """The names of all columns, in order of first appearance."""
        if self._columns is None:
            self._columns = list(dict.fromkeys(chain.from_iterable(self._rows)))
        return list(self._columns)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __repr__(self) -> str:
        return f"<Records {len(self)} × {self.columns}>"

    def view(self) -> Sequence[Row]:
        """The records themselves, to look at and not to change."""
        return self._rows

    def rows(self) -> list[dict[str, Any]]:
        """A copy of every record, which the caller may change."""
        kinds = set(map(type, chain.from_iterable(map(dict.values, self._rows))))
        if kinds.isdisjoint((list, dict)):
            return [dict(row) for row in self._rows]
        return [_copied(row) for row in self._rows]

    def column(self, name: str) -> list[JSON]:
        """One value a record, null where a record lacks the field; `UnknownField` if all do."""
        self.require(name)
        return [row.get(name) for row in self._rows]

    def require(self, *names: str) -> None:
        """Raise `UnknownField` for the first of `names` that no record has.

        Where there are no records nobody knows which columns they would have: nothing is raised.
        """
        if not self._rows:
            return
        first = self._rows[0]
        for name in names:
            if name not in first and name not in self.columns:
                raise UnknownField(name, self.columns)

    def with_column(self, name: str, values: JSON) -> Records:
        """The same records with one field added or replaced.

        `values` is a list with one value a record, or one value for all of them.
        """
        if type(values) is not list:
            return self._like([{**row, name: values} for row in self._rows], self._without(name))
        if len(values) != len(self):
            raise DataError(
                f"the column '{name}' has {len(values)} values for {len(self)} records",
                es=f"la columna '{name}' tiene {len(values)} valores para {len(self)} registros",
            )
        rows = [{**row, name: value} for row, value in zip(self._rows, values, strict=True)]
        return self._like(rows, self._without(name))

    def select(self, names: Sequence[str]) -> Records:
        """Only these columns, in this order; a record that lacks one goes on lacking it."""
        self.require(*names)
        rows = [{name: row[name] for name in names if name in row} for row in self._rows]
        return self._like(rows, {n: m for n, m in self.metadata.items() if n in names})

    def rename(self, names: Mapping[str, str]) -> Records:
        """The columns under their new names, in place; `names` maps old to new.

        All change at once, so two can be swapped. `DataError` if two columns would end with one
        name, as one of them would be lost.
        """
        self.require(*names)
        self._refuse_clash(names)
        rows = [{names.get(key, key): value for key, value in row.items()} for row in self._rows]
        return self._like(rows, {names.get(n, n): m for n, m in self.metadata.items()})

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
        """The records at these positions; a single object stays one if it is taken."""
        rows = [self._rows[index] for index in indexes]
        single = self.single and len(rows) == 1
        return Records(rows, single=single, metadata=self.metadata)

    def to_json(self) -> JSON:
        """The object it was made from, or the list of records."""
        return self._rows[0] if self.single and len(self._rows) == 1 else self._rows

    def _like(self, rows: list[Any], metadata: Mapping[str, Mapping[str, Any]]) -> Records:
        return Records(rows, single=self.single, metadata=metadata)

    def _without(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        if name not in self.metadata:
            return self.metadata
        return {key: value for key, value in self.metadata.items() if key != name}


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
