"""The columns of an application's table: how what they hold is told, and what they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types

from caudal_builtin.store.application.values import TEXTS_IN_SQLITE, Take, taker

_PLAIN_IN_SQLITE = (*TEXTS_IN_SQLITE, types.Numeric)


@dataclass(frozen=True, slots=True)
class TableForm:
    """A table as it is used: its columns by name, its primary key, and what each column takes."""

    table: sa.TableClause
    key: tuple[str, ...]
    kinds: Mapping[str, str]
    takes: Mapping[str, Take]

    @property
    def order(self) -> list[sa.ColumnElement[Any]]:
        """What tells its rows apart."""
        return [self.table.c[name] for name in self.key]


def form_of(name: str, inspector: sa.Inspector) -> TableForm:
    """Look at a table."""
    sqlite = inspector.dialect.name == "sqlite"
    found = inspector.get_columns(name)
    columns = [sa.column(item["name"], _out(item["type"], sqlite=sqlite)) for item in found]
    key = tuple(inspector.get_pk_constraint(name)["constrained_columns"])
    return TableForm(
        table=sa.table(name, *columns),
        key=key,
        kinds={item["name"]: _kind(item["type"]) for item in found},
        takes={item["name"]: taker(item["type"], sqlite=sqlite) for item in found},
    )


def _out(type_: types.TypeEngine[Any], *, sqlite: bool) -> types.TypeEngine[Any]:
    """How a column is read: SQLite's own values as they are, whatever its column says."""
    return types.NullType() if sqlite and isinstance(type_, _PLAIN_IN_SQLITE) else type_


def _kind(type_: types.TypeEngine[Any]) -> str:
    """The type of the property."""
    for kind, name in (
        (types.Boolean, "boolean"),
        (types.Integer, "integer"),
        (types.Numeric, "number"),
        (types.DateTime, "dateTime"),
        (types.Date, "date"),
        (types.JSON, "any"),
        (types.ARRAY, "list"),
        (types.NullType, "any"),
    ):
        if isinstance(type_, kind):
            return name
    return "text"
