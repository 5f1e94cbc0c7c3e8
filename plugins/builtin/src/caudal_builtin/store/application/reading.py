"""Reads the rows of an application's table as records."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from caudal_builtin.store.application.columns import TableForm
from caudal_core import NotAvailable, UnknownField
from caudal_core.errors import InvalidRequest
from caudal_core.stores import Comparison, Filter, Group, Page, Query, gathered
from caudal_core.stores.matching import matcher, operand_number
from caudal_core.values import normalise

AT_ONCE = 5_000
_STREAMED = {"stream_results": True, "max_row_buffer": AT_ONCE}


def record_of(row: Mapping[Any, Any], form: TableForm) -> dict[str, Any]:
    """A row as a record: with an `id` where its key is one column of another name."""
    found: dict[str, Any] = normalise(dict(row))
    if len(form.key) == 1 and "id" not in found:
        return {"id": found[form.key[0]], **found}
    return found


def known_to(form: TableForm) -> dict[str, str]:
    """What records can be filtered by."""
    known = dict(form.kinds)
    if len(form.key) == 1:
        known.setdefault("id", known[form.key[0]])
    return known


def read_page(connection: Connection, form: TableForm, query: Query) -> Page:
    """The records that a query asks for; a cursor counts those before the page."""
    if query.as_of is not None:
        raise NotAvailable(
            "an application's table does not say what it held at a moment (asOf)",
            es="una tabla de la aplicación no dice qué contenía en un momento (asOf)",
        )
    known = known_to(form)
    for name in (*(query.columns or ()), *(one.field for one in query.sort)):
        if name not in known:
            raise UnknownField(name, list(known))
    begin = _position(query)
    with closing(_rows(connection, form, query, known, begin)) as rows:
        wanted = islice(rows, query.limit)
        shown = gathered((_chosen(row, query.columns) for row in wanted), query)
        more = query.limit is not None and next(rows, None) is not None
    return Page(shown, _cursor(query, begin + len(shown)) if more else None)


def _rows(
    connection: Connection, form: TableForm, query: Query, known: Mapping[str, str], begin: int
) -> Generator[dict[str, Any], None, None]:
    statement = sa.select(form.table).order_by(*_order(connection, form, query))
    if query.where is None:
        limit = None if query.limit is None else query.limit + 1
        statement = statement.offset(begin or None).limit(limit)
        begin = 0
        test = None
    else:
        statement = statement.where(_narrowed(query.where, form))
        test = matcher(query.where, known)
    with connection.execute(statement, execution_options=_STREAMED) as result:
        for part in result.mappings().partitions(AT_ONCE):
            query.check()
            for row in part:
                record = record_of(row, form)
                if test is not None and not test(record):
                    continue
                if begin:
                    begin -= 1
                else:
                    yield record


def _order(connection: Connection, form: TableForm, query: Query) -> Iterator[ColumnElement[Any]]:
    for one in query.sort:
        column: ColumnElement[Any] = _column(form, one.field)
        if connection.dialect.name == "postgresql" and form.kinds.get(one.field) == "text":
            column = sa.cast(column, sa.Text).collate("C")
        yield column.desc().nulls_last() if one.descending else column.asc().nulls_first()
    yield from form.order or [sa.literal_column(_ROW.get(connection.dialect.name, "1"))]


_ROW = {"sqlite": "rowid", "postgresql": "ctid"}
"""What tells rows apart where a table has no key."""


def _column(form: TableForm, name: str) -> sa.ColumnClause[Any]:
    found: sa.ColumnClause[Any] = form.table.c[name if name in form.kinds else form.key[0]]
    return found


def _narrowed(where: Filter, form: TableForm) -> ColumnElement[bool]:
    """A condition that all records meet which the filter takes, and perhaps others."""
    if isinstance(where, Group):
        parts = [_narrowed(part, form) for part in where.parts]
        return sa.or_(sa.false(), *parts) if where.any_of else sa.and_(sa.true(), *parts)
    name = where.field
    if name not in form.kinds and not (name == "id" and len(form.key) == 1):
        return sa.true()
    column = _column(form, name)
    if form.kinds.get(column.name) == "integer":
        return _whole(column, where)
    if form.kinds.get(column.name) == "text" and isinstance(column.type, sa.String):
        if where.operator == "equals" and isinstance(where.value, str):
            return column == where.value
        if where.operator == "in" and all(isinstance(value, str) for value in where.value):
            return column.in_(where.value)
    return sa.true()


def _whole(column: sa.ColumnClause[Any], term: Comparison) -> ColumnElement[bool]:
    number = operand_number(term.value)
    if not isinstance(number, int) or abs(number) >= 2**31:
        return sa.true()
    if term.operator == "equals":
        return column == number
    if term.operator.startswith("greater"):
        return column >= number
    return column <= number if term.operator.startswith("less") else sa.true()


def _chosen(record: dict[str, Any], columns: Sequence[str] | None) -> dict[str, Any]:
    return record if columns is None else {name: record[name] for name in columns}


def _digest(query: Query) -> str:
    return hashlib.sha256(repr((query.where, query.sort)).encode()).hexdigest()[:16]


def _cursor(query: Query, count: int) -> str:
    return base64.urlsafe_b64encode(f"{_digest(query)}:{count}".encode()).decode().rstrip("=")


def _position(query: Query) -> int:
    if not query.cursor:
        return 0
    try:
        text = base64.urlsafe_b64decode(query.cursor + "=" * (-len(query.cursor) % 4)).decode()
    except ValueError:
        text = ""
    digest, _, count = text.partition(":")
    if digest != _digest(query) or not count.isascii() or not count.isdecimal():
        message = "cursor is of no page of this filter and order; begin again without it"
        raise InvalidRequest(message=message)
    return int(count)
