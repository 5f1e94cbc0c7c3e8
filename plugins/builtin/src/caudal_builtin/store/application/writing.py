"""Writes records into an application's table, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from caudal_builtin.store.application.columns import TableForm
from caudal_builtin.store.application.values import Misfit
from caudal_core import UnknownField
from caudal_core.errors import InvalidRequest
from caudal_core.stores import Report, RowRefused, Write
from caudal_core.stores.identity import ambiguous
from caudal_core.stores.model import MOST_IDS
from caudal_core.values import encode, normalise

AT_ONCE = 500
"""Rows whose stored ones are looked for together: keys are bound one by one."""

Values = dict[str, Any]


class Writing:
    """One write to one table; `done` is by index what became of a row."""

    def __init__(self, connection: Connection, form: TableForm, write: Write) -> None:
        self._connection = connection
        self._form = form
        self._write = write
        self._rows = [self._taken(row, index) for index, row in enumerate(write.rows)]
        self._counts = dict.fromkeys(("inserted", "updated", "unchanged", "not_found"), 0)
        self._ids: list[str] = []

    def run(self, *, singly: bool = False) -> Report:
        """Write all; `singly` one after the other, so that an error is that of its row."""
        size = 1 if singly else AT_ONCE
        keys = () if self._write.mode == "insert" else self._keys()
        for begin in range(0, len(self._rows), size):
            self._write.check()
            try:
                self._part(self._rows[begin : begin + size], begin, keys)
            except DBAPIError as error:
                if not singly:
                    raise
                cause = str(error.orig or error).strip().partition("\n")[0]
                raise RowRefused(begin, f"the database refuses it: {cause}") from None
        ids = tuple(self._ids) if len(self._ids) <= MOST_IDS else ()
        counts = self._counts
        return Report(
            counts["inserted"], counts["updated"], counts["unchanged"], counts["not_found"], ids
        )

    def _part(self, rows: Sequence[Values], begin: int, keys: tuple[str, ...]) -> None:
        if self._write.mode == "insert":
            self._insert(rows)
        else:
            self._merge(rows, begin, keys)

    def _taken(self, row: Mapping[str, Any], index: int) -> Values:
        """The row as the columns take it."""
        takes, own = self._form.takes, {}
        for name, value in row.items():
            column = name
            if name not in takes and name == "id" and len(self._form.key) == 1:
                column = self._form.key[0]
            if column not in takes:
                raise UnknownField(name, list(takes))
            if column == "id" and value is None:
                continue  # the database makes it
            try:
                own[column] = None if value is None else takes[column](value)
            except Misfit as error:
                about = f"'{name}': "
                texts = {"hint": error.hint, "hint_es": error.hint_es}
                raise RowRefused(index, about + error.why, about + error.es, **texts) from None
        return own

    def _keys(self) -> tuple[str, ...]:
        keys = self._write.keys or self._form.key
        if self._write.keys == ("id",) and "id" not in self._form.takes:
            keys = self._form.key
        for name in keys:
            if name not in self._form.takes:
                raise UnknownField(name, list(self._form.takes))
        if not keys:
            name = self._form.table.name
            message = f"the table {name} has no primary key: name the key columns"
            raise InvalidRequest(message=message)
        return keys

    def _insert(self, rows: Sequence[Values]) -> None:
        """Rows with the same columns together, so that a column left out gets its default."""
        for group in _alike(rows):
            statement = sa.insert(self._form.table)
            if len(self._form.key) == 1 and len(self._rows) <= MOST_IDS:
                key = self._form.table.c[self._form.key[0]]
                wanted = statement.returning(key)
                for row in group:
                    made = self._connection.execute(wanted.values(row)).scalar_one()
                    self._ids.append(str(normalise(made)))
            elif group[0]:
                self._connection.execute(statement, group)
            else:
                for _ in group:
                    self._connection.execute(statement.values({}))
        self._counts["inserted"] += len(rows)

    def _merge(self, rows: Sequence[Values], begin: int, keys: tuple[str, ...]) -> None:
        targets = [self._target(row, begin + at, keys) for at, row in enumerate(rows)]
        if len(set(targets)) < len(targets):  # one after the other, so that the later one counts
            for at, row in enumerate(rows):
                self._merge_distinct([row], targets[at : at + 1], begin + at, keys)
        else:
            self._merge_distinct(rows, targets, begin, keys)

    def _target(self, row: Values, index: int, keys: tuple[str, ...]) -> str:
        for name in keys:
            if row.get(name) is None:
                what = "is null" if name in row else "is missing"
                raise RowRefused(index, f"the key column '{name}' {what}")
        return _key(row, keys)

    def _merge_distinct(
        self, rows: Sequence[Values], targets: list[str], begin: int, keys: tuple[str, ...]
    ) -> None:
        stored = self._stored(rows, targets, begin, keys)
        new = []
        for row, target in zip(rows, targets, strict=True):
            if target in stored:
                self._change(row, stored[target], keys)
            elif self._write.mode == "update":
                self._counts["not_found"] += 1
            else:
                new.append(row)
        if new:
            self._insert(new)

    def _stored(
        self, rows: Sequence[Values], targets: list[str], begin: int, keys: tuple[str, ...]
    ) -> dict[str, Values]:
        columns = [self._form.table.c[name] for name in keys]
        same = [sa.and_(*(c == row[c.name] for c in columns)) for row in rows]
        one = columns[0].in_([row[keys[0]] for row in rows])
        where = one if len(columns) == 1 else sa.or_(*same)
        found: dict[str, Values] = {}
        for mapping in self._connection.execute(
            sa.select(self._form.table).where(where)
        ).mappings():
            row = {str(name): value for name, value in mapping.items()}
            target = _key(row, keys)
            if target in found and target in targets:
                raise ambiguous(begin + targets.index(target), f"the key {target}", 2)
            found[target] = row
        return found

    def _change(self, row: Values, stored: Values, keys: tuple[str, ...]) -> None:
        changed = {name: value for name, value in row.items() if not _equal(value, stored[name])}
        if len(self._form.key) == 1:
            self._ids.append(str(normalise(stored[self._form.key[0]])))
        if not changed:
            self._counts["unchanged"] += 1
            return
        own = [self._form.table.c[name] == stored[name] for name in self._form.key or keys]
        self._connection.execute(sa.update(self._form.table).where(*own).values(changed))
        self._counts["updated"] += 1


def _alike(rows: Iterable[Values]) -> list[list[Values]]:
    groups: dict[tuple[str, ...], list[Values]] = {}
    for row in rows:
        groups.setdefault(tuple(sorted(row)), []).append(row)
    return list(groups.values())


def _equal(one: Any, other: Any) -> bool:
    return bool(normalise(one) == normalise(other))


def _key(row: Values, keys: tuple[str, ...]) -> str:
    return encode(normalise([row[name] for name in keys])).decode().strip()
