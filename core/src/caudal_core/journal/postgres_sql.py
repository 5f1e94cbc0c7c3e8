"""The journal's writes and tables in the SQL of PostgreSQL, made from the same declarations.

Whoever adds a table or a statement writes nothing for PostgreSQL: what SQLite says in other words
is put into these, and texts compare by their characters, as they do there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects.postgresql import base

from caudal_core.journal.statements import schema, statements

_IGNORE, _REPLACE, _PLAIN = "INSERT OR IGNORE INTO", "INSERT OR REPLACE INTO", "INSERT INTO"


class _Types(base.PGTypeCompiler):
    """Texts by their characters, whatever the database's language: as in SQLite and in Python."""

    def visit_TEXT(self, type_: Any, **kw: Any) -> str:  # noqa: N802 - SQLAlchemy's name
        """See the class."""
        return f'{super().visit_TEXT(type_, **kw)} COLLATE "C"'


class _Dialect(base.PGDialect):
    type_compiler_cls = _Types
    supports_statement_cache = True


def postgres_statements() -> list[str]:
    """The SQL of every `Statement`, with `$1`, `$2` … for its values."""
    return statements(_sql)


def postgres_schema() -> list[str]:
    """What brings the tables into being where they are not there yet."""
    return schema(_sql)


def _sql(clause: Any) -> str:
    dialect: Callable[..., Any] = _Dialect
    text = str(clause.compile(dialect=dialect(paramstyle="numeric_dollar")))
    if not isinstance(clause, Insert):
        return text
    if text.startswith(_IGNORE):
        return f"{text.replace(_IGNORE, _PLAIN, 1)} ON CONFLICT DO NOTHING"
    if text.startswith(_REPLACE):
        return text.replace(_REPLACE, _PLAIN, 1) + _replaced(clause)
    return text


def _replaced(insert: Insert) -> str:
    """A row that is there gets the values of the new one, in the columns that are named."""
    key = [column.name for column in insert.table.primary_key]
    given = [name for name in insert.compile().params if name not in key]
    changed = ", ".join(f"{name} = excluded.{name}" for name in given)
    return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}"
