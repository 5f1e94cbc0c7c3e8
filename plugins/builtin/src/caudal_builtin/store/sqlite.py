"""The store in an SQLite file."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, func

from caudal_builtin.store import tables
from caudal_builtin.store.dialect import Change, Path, Stored, Values
from caudal_core.values import MAX_SAFE_INTEGER, encode

_INSERT = f"INSERT INTO caudal_record ({', '.join(tables.COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_CHANGE = (
    "UPDATE caudal_record SET key = ?, created = ?, updated = ?, properties = ? "
    "WHERE entity = ? AND seq = ?"
)


def raw(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, in the same transaction."""
    found: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return found


class SqliteDialect:
    """JSON functions over text; numbers are doubles there, and 64-bit whole numbers."""

    exact = False
    numbers = ("integer", "real")
    booleans = ("true", "false")
    text = "text"

    def make(self, connection: Connection) -> None:
        """Make the tables; the records lie in the order of their key."""
        parts = tables.statements(
            number="INTEGER PRIMARY KEY", document="TEXT", tail=" WITHOUT ROWID"
        )
        for statement in parts:
            connection.exec_driver_sql(statement)

    def insert(self, connection: Connection, rows: Iterable[Values]) -> None:
        """One prepared statement for all rows."""
        raw(connection).executemany(_INSERT, rows)

    def change(self, connection: Connection, entity: int, changes: Sequence[Change]) -> None:
        """The same."""
        rows = ((c.key, c.created, c.updated, c.text, entity, c.seq) for c in changes)
        raw(connection).executemany(_CHANGE, rows)

    def set_keys(self, connection: Connection, entity: int, keys: Iterable[Values]) -> None:
        """The same."""
        rows = ((key, entity, seq) for seq, key in keys)
        statement = "UPDATE caudal_record SET key = ? WHERE entity = ? AND seq = ?"
        raw(connection).executemany(statement, rows)

    def look_up(
        self, connection: Connection, entity: int, column: str, values: list[str]
    ) -> list[Stored]:
        """All values in one parameter. SQLite would not see by itself that an index fits."""
        statement = (
            f"SELECT {column}, seq, id, created, properties FROM caudal_record "  # noqa: S608
            f"INDEXED BY caudal_record_{column} WHERE entity = ? "
            f"AND {column} IN (SELECT value FROM json_each(?))"
        )
        rows = raw(connection).execute(statement, (entity, encode(values).decode())).fetchall()
        return list(map(Stored._make, rows))

    def document(self) -> ColumnElement[str]:
        """It is a text."""
        return tables.record.c.properties

    def kind(self, path: Path) -> ColumnElement[str | None]:
        """`json_type`, or our own where it has no path."""
        if _quoted(path):
            return func.caudal_kind(self.document(), _listed(path))
        return func.json_type(self.document(), _path(path))

    def number_at(self, path: Path) -> ColumnElement[Any]:
        """The value where it is a number."""
        return sa.case((self.kind(path).in_(self.numbers), self._value(path)))

    def text_at(self, path: Path) -> ColumnElement[str | None]:
        """The value where it is a text."""
        return sa.case((self.kind(path) == self.text, self._value(path)))

    def truth_at(self, path: Path) -> ColumnElement[Any]:
        """By its kind."""
        return sa.case((self.kind(path) == "true", 1), else_=0)

    def _value(self, path: Path) -> ColumnElement[Any]:
        if _quoted(path):
            return func.caudal_value(self.document(), _listed(path))
        return func.json_extract(self.document(), _path(path))

    def bounds(self, number: int | Decimal) -> tuple[Any, Any]:
        """Itself where a double holds it for certain, else some doubles around it."""
        if isinstance(number, int) and abs(number) <= MAX_SAFE_INTEGER:
            return number, number
        try:
            near = float(number)
        except OverflowError:
            near = math.inf if number > 0 else -math.inf
        width = abs(near) * 2**-50 if math.isfinite(near) else 0.0
        low, high = near - width - 5e-324, near + width + 5e-324
        return (min(low, 1.7e308), max(high, -1.7e308))

    def starts(self, text: ColumnElement[Any], beginning: str) -> ColumnElement[bool]:
        """LIKE would not heed capitals."""
        return func.substr(text, 1, len(beginning)) == beginning

    def ends(self, text: ColumnElement[Any], ending: str) -> ColumnElement[bool]:
        """The same from behind."""
        if not ending:
            return text.is_not(None)
        return func.substr(text, -len(ending)) == ending

    def contains(self, text: ColumnElement[Any], part: str) -> ColumnElement[bool]:
        """By `instr`."""
        return func.instr(text, part) > 0


def _quoted(path: Path) -> bool:
    return any('"' in step for step in path)


def _listed(path: Path) -> str:
    return encode(list(path)).decode()


def _path(path: Path) -> str:
    """Each key as it is written in JSON, which is how SQLite compares it."""
    return "$" + "".join(f".{encode(step).decode()}" for step in path)
