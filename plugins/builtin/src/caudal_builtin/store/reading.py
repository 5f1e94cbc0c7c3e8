"""Reads the records of one entity."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from caudal_builtin.store import tables
from caudal_builtin.store.dialect import Dialect
from caudal_builtin.store.documents import OF_ALL, unpacked
from caudal_builtin.store.narrowing import Narrowing
from caudal_builtin.store.ordering import behind, cursor_of, keys_of, position
from caudal_core import NotAvailable, UnknownField
from caudal_core.stores import Page, Query, gathered
from caudal_core.stores.filters import Comparison, Filter, Group
from caudal_core.stores.matching import Test, matcher, operand_text

AT_ONCE = 5_000
"""Rows that are fetched before somebody may stop it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A record, and the values by which it is sorted."""

    id: str
    created: str
    document: dict[str, Any]
    values: Sequence[Any]

    def record(self) -> dict[str, Any]:
        """As it is given out."""
        return {"id": self.id, "createdAt": self.created, **self.document}


_STREAMED = {"stream_results": True, "max_row_buffer": AT_ONCE}


def read_page(
    connection: Connection, dialect: Dialect, number: int, known: Mapping[str, Any], query: Query
) -> Page:
    """The records that a query asks for, and the cursor of the next page if there is one."""
    _refuse(query, known)
    reading = Reading(dialect, number, known, query)
    with closing(reading.rows(connection)) as rows:
        if query.limit is None:
            return Page(gathered((_chosen(row, query.columns) for row in rows), query))
        last: list[Found] = []
        page = _noted(islice(rows, query.limit), last)
        records = gathered((_chosen(row, query.columns) for row in page), query)
        more = bool(last) and next(rows, None) is not None
    return Page(records, cursor_of(query, last[0].values) if more else None)


def _noted(rows: Iterable[Found], last: list[Found]) -> Iterator[Found]:
    """The same rows; the one that was given out last is in `last`."""
    for row in rows:
        last[:] = [row]
        yield row


class Reading:
    """One query over one entity."""

    def __init__(
        self, dialect: Dialect, number: int, known: Mapping[str, Any], query: Query
    ) -> None:
        self._known = known
        self._query = query
        self._keys = keys_of(query.sort, known, dialect)
        self._start = position(query, len(self._keys)) if query.cursor else None
        self._test = _test(dialect, query.where, known)
        record = tables.record.c
        columns = [record.id, record.created, dialect.document(), *(k.column for k in self._keys)]
        conditions = [record.entity == number]
        if query.where is not None:
            conditions.append(Narrowing(dialect, known).condition(_by_text_id(query.where)))
        order = [key.order for key in self._keys]
        self._statement = sa.select(*columns).where(*conditions).order_by(*order)

    def rows(self, connection: Connection) -> Generator[Found, None, None]:
        """What the database finds; where it is not exact, what of that is meant.

        With a limit it is asked for so many; if some of them were not meant, for as many behind.
        """
        limit, start = self._query.limit, self._start
        wanted = None if limit is None else limit + 1
        while True:
            count = 0
            last: Any = None
            with closing(self._asked(connection, start, wanted)) as asked:
                for row in asked:
                    count, last = count + 1, row
                    found = Found(row[0], row[1], unpacked(row[2]), row[3:])
                    if self._test is None or self._test(_seen(found, self._known)):
                        yield found
            if wanted is None or count < wanted or last is None:
                return
            start = last[3:]

    def _asked(
        self, connection: Connection, start: Sequence[Any] | None, limit: int | None
    ) -> Generator[Any, None, None]:
        statement = self._statement.limit(limit)
        if start is not None:
            statement = statement.where(behind(self._keys, start))
        with connection.execute(statement, execution_options=_STREAMED) as result:
            for part in result.partitions(AT_ONCE):
                self._query.check()
                yield from part


def _refuse(query: Query, known: Mapping[str, Any]) -> None:
    if query.as_of is not None:
        raise NotAvailable(
            "the store keeps records as they are now, not as they were at a moment (asOf)",
            es="el almacén guarda los registros como son ahora, no como eran en un momento (asOf)",
            hint="save with insert and a column for the moment, and filter by it",
            hint_es="guarde con insert y una columna con el momento, y filtre por ella",
        )
    for name in query.columns or ():
        if name not in OF_ALL and name not in known:
            raise UnknownField(name, list(dict.fromkeys((*OF_ALL, *known))))


def _test(dialect: Dialect, where: Filter | None, known: Mapping[str, Any]) -> Test | None:
    if where is None or dialect.exact:
        return None
    return matcher(_by_text_id(where), {**dict.fromkeys(OF_ALL), **known})


def _seen(found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
    """The record as a filter sees it: its id is a text, and what it has of its own counts."""
    seen = {**found.document, "id": found.id}
    return seen if "createdAt" in known else {"createdAt": found.created, **seen}


def _by_text_id(where: Filter) -> Filter:
    """The filter with ids as texts, as 7 and `7` are one id."""
    if isinstance(where, Group):
        return Group(tuple(map(_by_text_id, where.parts)), where.any_of)
    if where.field != "id" or where.value is None:
        return where
    values = where.value
    if isinstance(values, list):
        return replace(where, value=list(map(operand_text, values)))
    return Comparison(where.field, where.operator, operand_text(values))


def _chosen(found: Found, columns: tuple[str, ...] | None) -> dict[str, Any]:
    record = found.record()
    if columns is None:
        return record
    return {name: record[name] for name in columns if name in record}
