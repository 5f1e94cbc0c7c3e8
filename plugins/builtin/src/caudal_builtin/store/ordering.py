"""Sorting in SQL, and where a page ended: a cursor holds the values of its last record."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from caudal_builtin.store import tables
from caudal_builtin.store.dialect import Dialect
from caudal_builtin.store.narrowing import field_of
from caudal_core.errors import InvalidRequest
from caudal_core.stores.model import Query, Sort
from caudal_core.values import decode, encode


@dataclass(frozen=True, slots=True)
class Key:
    """One expression that is sorted by; none is ever null."""

    column: ColumnElement[Any]
    descending: bool = False

    def behind(self, value: Any) -> ColumnElement[bool]:
        """Whether a record comes behind one with this value."""
        found: ColumnElement[bool] = self.column < value if self.descending else self.column > value
        return found

    @property
    def order(self) -> ColumnElement[Any]:
        """As it stands in ORDER BY."""
        return self.column.desc() if self.descending else self.column.asc()


def keys_of(sort: Sequence[Sort], known: Mapping[str, Any], dialect: Dialect) -> list[Key]:
    """What to sort by: of each field its kind, its number and its text; at last the creation."""
    found = []
    for one in sort:
        field = field_of(one.field, known, dialect)
        kind, down = field.kind, one.descending
        rank = sa.case(
            (sa.or_(kind.is_(None), kind == "null"), 0),
            (kind.in_(dialect.booleans), 1),
            (kind.in_(dialect.numbers), 2),
            (kind == dialect.text, 3),
            else_=4,
        )
        found.append(Key(rank, down))
        if one.field == "id":
            found.append(Key(field.text, down))
            continue
        found.append(Key(sa.func.coalesce(field.number, field.truth), down))
        found.append(Key(sa.func.coalesce(field.text, ""), down))
    return [*found, Key(tables.record.c.seq)]


def behind(keys: Sequence[Key], values: Sequence[Any]) -> ColumnElement[bool]:
    """The records that come behind one with these values."""
    parts = []
    for place, key in enumerate(keys):
        same = [keys[at].column == values[at] for at in range(place)]
        parts.append(sa.and_(*same, key.behind(values[place])))
    return sa.or_(*parts)


def cursor_of(query: Query, values: Sequence[Any]) -> str:
    """A cursor that says where a page of this query ended."""
    text = encode([_digest(query), *values])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def position(query: Query, count: int) -> list[Any]:
    """The values in the query's cursor; `InvalidRequest` where it is of no page of this query."""
    given = query.cursor or ""
    try:
        found = decode(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    except ValueError:
        found = None
    if not isinstance(found, list) or len(found) != count + 1 or found[0] != _digest(query):
        message = "cursor is of no page of this filter and order; begin again without it"
        raise InvalidRequest(message=message)
    if any(isinstance(value, dict | list) or value is None for value in found):
        raise InvalidRequest(message="cursor is none that this server gave; begin without it")
    return found[1:]


def _digest(query: Query) -> str:
    return hashlib.sha256(repr((query.where, query.sort)).encode()).hexdigest()[:16]
