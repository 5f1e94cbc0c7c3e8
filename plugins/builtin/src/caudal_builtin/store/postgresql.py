"""The store in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, func
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from caudal_builtin.store import tables
from caudal_builtin.store.dialect import Change, Path, Stored, Values

if TYPE_CHECKING:
    import psycopg

_COPY = f"COPY caudal_record ({', '.join(tables.COLUMNS)}) FROM STDIN"
_TEMPORARY = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS caudal_change (seq BIGINT, key TEXT, created TEXT, "
    "updated TEXT, properties JSON) ON COMMIT DELETE ROWS"
)
_CHANGE = (
    "UPDATE caudal_record AS r SET key = c.key, created = c.created, updated = c.updated, "
    "properties = c.properties FROM caudal_change AS c WHERE r.entity = %s AND r.seq = c.seq"
)
_KEYS = (
    "UPDATE caudal_record AS r SET key = c.key FROM caudal_change AS c "
    "WHERE r.entity = %s AND r.seq = c.seq"
)
MAKING = 0x6361_7564
"""The advisory lock under which the tables are made: two servers may start at one time."""


def raw(connection: Connection) -> psycopg.Connection[Any]:
    """The driver's own connection, in the same transaction."""
    found: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    return found


class PostgresqlDialect:
    """A column of the type `json`, which keeps the text as it is; numbers compare exactly."""

    exact = True
    numbers = ("number",)
    booleans = ("boolean",)
    text = "string"

    def make(self, connection: Connection) -> None:
        """Make the tables, one server at a time."""
        connection.execute(sa.select(func.pg_advisory_xact_lock(MAKING)))
        parts = tables.statements(number="SERIAL PRIMARY KEY", document="JSON", tail="")
        for statement in parts:
            connection.exec_driver_sql(statement)

    def insert(self, connection: Connection, rows: Iterable[Values]) -> None:
        """By COPY."""
        self._copy(connection, _COPY, rows)

    def change(self, connection: Connection, entity: int, changes: Sequence[Change]) -> None:
        """By COPY into a table of this connection, and one UPDATE."""
        self._through(connection, entity, changes, _CHANGE)

    def set_keys(self, connection: Connection, entity: int, keys: Iterable[Values]) -> None:
        """The same."""
        rows = ((seq, key, None, None, None) for seq, key in keys)
        self._through(connection, entity, rows, _KEYS)

    def _through(
        self, connection: Connection, entity: int, rows: Iterable[Values], statement: str
    ) -> None:
        driver = raw(connection)
        driver.execute(_TEMPORARY)
        self._copy(connection, "COPY caudal_change FROM STDIN", rows)
        driver.execute(statement, (entity,))
        driver.execute("TRUNCATE caudal_change")

    @staticmethod
    def _copy(connection: Connection, statement: str, rows: Iterable[Values]) -> None:
        with raw(connection).cursor() as cursor, cursor.copy(statement) as copy:
            write = copy.write_row
            for row in rows:
                write(row)

    def look_up(
        self, connection: Connection, entity: int, column: str, values: list[str]
    ) -> list[Stored]:
        """All values in one parameter, each found by its index.

        OFFSET keeps the planner from turning the look-ups into one scan of the entity, which it
        would while it has no statistics of rows that were just written.
        """
        statement = (
            "SELECT found.* FROM unnest(%s::text[]) AS w(wanted) CROSS JOIN LATERAL "  # noqa: S608
            f"(SELECT {column}, seq, id, created, properties::text FROM caudal_record "
            f"WHERE entity = %s AND {column} = w.wanted OFFSET 0) AS found"
        )
        rows = raw(connection).execute(statement, (values, entity)).fetchall()
        return list(map(Stored._make, rows))

    def document(self) -> ColumnElement[str]:
        """The text as it was written."""
        return sa.cast(tables.record.c.properties, sa.Text)

    def kind(self, path: Path) -> ColumnElement[str | None]:
        """By `json_typeof`."""
        return func.json_typeof(self._at("#>", path))

    def number_at(self, path: Path) -> ColumnElement[Any]:
        """All its digits."""
        number = sa.cast(self._at("#>>", path), sa.Numeric)
        return sa.case((self.kind(path) == "number", number))

    def text_at(self, path: Path) -> ColumnElement[Any]:
        """The text, compared by its characters whatever the database's language."""
        text = sa.cast(self._at("#>>", path), sa.Text)
        return sa.case((self.kind(path) == self.text, text)).collate("C")

    def truth_at(self, path: Path) -> ColumnElement[Any]:
        """By what it is written as; a text that reads so is another kind."""
        return sa.case((sa.cast(self._at("#>>", path), sa.Text) == "true", 1), else_=0)

    @staticmethod
    def _at(operator: str, path: Path) -> ColumnElement[Any]:
        steps = sa.cast(sa.literal(list(path), ARRAY(sa.Text)), ARRAY(sa.Text))
        return sa.type_coerce(tables.record.c.properties, JSON).op(operator)(steps)

    def bounds(self, number: int | Decimal) -> tuple[Any, Any]:
        """Itself."""
        exact = Decimal(number)
        return exact, exact

    def starts(self, text: ColumnElement[Any], beginning: str) -> ColumnElement[bool]:
        """By `starts_with`."""
        return func.starts_with(text, beginning)

    def ends(self, text: ColumnElement[Any], ending: str) -> ColumnElement[bool]:
        """The same from behind."""
        if not ending:
            return text.is_not(None)
        return func.right(text, len(ending)) == ending

    def contains(self, text: ColumnElement[Any], part: str) -> ColumnElement[bool]:
        """By `strpos`."""
        return func.strpos(text, part) > 0
