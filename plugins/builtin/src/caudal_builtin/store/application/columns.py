"""The columns of an application's table: what they take, and how what they hold is told.

A value goes in only as what it is: a column refuses what it would have to change.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import types

from caudal_core.records import kind_of
from caudal_core.stores.matching import number_of
from caudal_core.values import JSON

_TEXTS_IN_SQLITE = (types.Date, types.DateTime, types.Time)
_PLAIN_IN_SQLITE = (*_TEXTS_IN_SQLITE, types.Numeric)
_BIGGEST = 2**63


class Misfit(Exception):
    """A value that a column cannot take; the text says what it wants."""


@dataclass(frozen=True, slots=True)
class TableForm:
    """A table as it is used: its columns by name, its primary key, and what each column takes."""

    table: sa.TableClause
    key: tuple[str, ...]
    kinds: Mapping[str, str]
    takes: Mapping[str, Callable[[JSON], Any]]

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
        takes={item["name"]: _taker(item["type"], sqlite=sqlite) for item in found},
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


def _taker(type_: types.TypeEngine[Any], *, sqlite: bool) -> Callable[[JSON], Any]:
    if sqlite and isinstance(type_, _TEXTS_IN_SQLITE):
        return _text
    if sqlite and isinstance(type_, types.Numeric):
        return _number_in_sqlite
    if isinstance(type_, types.Numeric) and not isinstance(type_, types.Float):
        return _scaled(type_.scale)
    if isinstance(type_, types.DateTime):
        return _moment(zoned=bool(type_.timezone))
    return next((take for kind, take in _TAKERS if isinstance(type_, kind)), _anything)


def _anything(value: JSON) -> Any:
    if isinstance(value, list | dict):
        raise Misfit(f"the column has no place for {kind_of(value)}")
    return value


def _text(value: JSON) -> Any:
    if not isinstance(value, str):
        raise Misfit(f"the column is for texts, not for {kind_of(value)}")
    return value


def _boolean(value: JSON) -> Any:
    if not isinstance(value, bool):
        raise Misfit(f"the column is for booleans, not for {kind_of(value)}")
    return value


def _integer(value: JSON) -> Any:
    number = number_of(value)
    if number is None or number != int(number):
        raise Misfit("the column is for whole numbers")
    if not -_BIGGEST <= number < _BIGGEST:
        raise Misfit("the column has 64 bits for a whole number, and this is a larger one")
    return int(number)


def _float(value: JSON) -> Any:
    number = number_of(value)
    if number is None:
        raise Misfit("the column is for numbers")
    try:
        near = float(number)
    except OverflowError:
        near = math.inf
    if not math.isfinite(near) or number_of(near) != number:
        raise Misfit("the column would lose digits of this number")
    return near


def _decimal(value: JSON) -> Any:
    number = number_of(value)
    if number is None:
        raise Misfit("the column is for numbers")
    return Decimal(number)


def _number_in_sqlite(value: JSON) -> Any:
    """Whole numbers stay whole, as SQLite keeps each value by its own type."""
    return _integer(value) if isinstance(value, int) else _float(value)


def _scaled(scale: int | None) -> Callable[[JSON], Any]:
    """A decimal of so many digits behind the point: more would be rounded in silence."""

    def take(value: JSON) -> Any:
        number = _decimal(value)
        exponent = number.normalize().as_tuple().exponent
        if scale is not None and isinstance(exponent, int) and -exponent > scale:
            raise Misfit(f"the column has {scale} digits behind the point, and would round")
        return number

    return take


def _moment(*, zoned: bool) -> Callable[[JSON], Any]:
    def take(value: JSON) -> Any:
        found = _parsed(datetime, value)
        if zoned and found.tzinfo is None:
            raise Misfit("the column wants a time with a zone, and this one has none")
        if not zoned and found.tzinfo is not None:
            raise Misfit("the column would lose the zone of this time")
        return found

    return take


def _parsed(kind: Any, value: JSON) -> Any:
    try:
        return kind.fromisoformat(_text(value))
    except ValueError:
        raise Misfit("the text is no ISO 8601 date or time, which the column is for") from None


def _bytes(value: JSON) -> Any:
    try:
        return base64.b64decode(_text(value), validate=True)
    except binascii.Error:
        raise Misfit("the column is for bytes, as base64") from None


def _uuid(value: JSON) -> Any:
    try:
        return UUID(_text(value))
    except ValueError:
        raise Misfit("the text is no UUID, which the column is for") from None


def _same(value: JSON) -> Any:
    return value


_TAKERS: tuple[tuple[Any, Callable[[JSON], Any]], ...] = (
    (types.Boolean, _boolean),
    (types.Integer, _integer),
    (types.Float, _float),
    (types.Date, lambda value: _parsed(date, value)),
    (types.Time, lambda value: _parsed(time, value)),
    (types.LargeBinary, _bytes),
    (types.JSON, _same),
    (types.ARRAY, _same),
    (types.Uuid, _uuid),
    (types.String, _text),
)
