"""Values for the columns of an application's table.

A value goes in only as what it is: a column refuses what it would have to change.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import types

from caudal_builtin.row_errors import shown
from caudal_core.records import kind_of
from caudal_core.stores.matching import number_of
from caudal_core.values import JSON

TEXTS_IN_SQLITE = (types.Date, types.DateTime, types.Time)
"""Columns whose values SQLite keeps as the texts that they are."""

_BIGGEST = 2**63

Take = Callable[[JSON], Any]


_HINT = "correct the value before, such as by an addField, or leave the column out"
_HINT_ES = "corrija antes el valor, por ejemplo con un addField, o quite la columna"
_FORMS = {date: "2026-03-29", datetime: "2026-03-29T02:30:00", time: "02:30:00"}
"""How SQLite's own functions, and most programs, want to find dates and times."""

_SURE = {date: 10, datetime: 10, time: 5}
"""Characters of such a form of which none may be otherwise."""


class Misfit(Exception):
    """A value that a column cannot take: what it wants, and what to do."""

    def __init__(self, why: str, es: str, hint: str = _HINT, hint_es: str = _HINT_ES) -> None:
        super().__init__(why)
        self.why, self.es, self.hint, self.hint_es = why, es, hint, hint_es


def taker(type_: types.TypeEngine[Any], *, sqlite: bool) -> Take:
    """What brings a value into the form that a column of this type takes; raises `Misfit`."""
    if sqlite and isinstance(type_, TEXTS_IN_SQLITE):
        return _written(type_.python_type)
    if sqlite and isinstance(type_, types.Numeric):
        return _number_in_sqlite
    if isinstance(type_, types.Numeric) and not isinstance(type_, types.Float):
        return _scaled(type_.scale)
    if isinstance(type_, types.DateTime):
        return _moment(zoned=bool(type_.timezone))
    if isinstance(type_, types.String) and not isinstance(type_, types.Enum) and type_.length:
        return _up_to(type_.length)
    return next((take for kind, take in _TAKERS if isinstance(type_, kind)), _anything)


def _anything(value: JSON) -> Any:
    if isinstance(value, list | dict):
        raise Misfit(
            f"the column has no place for {kind_of(value)}",
            "la columna solo admite valores simples",
        )
    return value


def _text(value: JSON) -> Any:
    if not isinstance(value, str):
        raise Misfit(
            f"the column is for texts, not for {kind_of(value)}", "la columna es para textos"
        )
    return value


def _up_to(length: int) -> Take:
    """A text of so many characters: SQLite would keep a longer one, others would cut its blanks."""

    def take(value: JSON) -> Any:
        text = _text(value)
        if len(text) > length:
            raise Misfit(
                f"the column has {length} characters, and the text {len(text):,}",
                f"la columna tiene {length} caracteres, y el texto {len(text):,}",
                "shorten the text, such as by left(…) in an addField, or make the column longer",
                "acorte el texto, por ejemplo con left(…) en un addField, o amplíe la columna",
            )
        return text

    return take


def _written(kind: Any) -> Take:
    """The text of a date or time that there is: SQLite would keep every text."""

    def take(value: JSON) -> Any:
        found, sure = _parsed(kind, value), _SURE[kind]
        if not value.startswith(found.isoformat()[:sure]):
            raise _no_time(kind, value)
        return value

    return take


def _boolean(value: JSON) -> Any:
    if not isinstance(value, bool):
        raise Misfit(
            f"the column is for booleans, not for {kind_of(value)}", "la columna es para booleanos"
        )
    return value


def _integer(value: JSON) -> Any:
    number = number_of(value)
    if number is None or number != int(number):
        raise Misfit("the column is for whole numbers", "la columna es para números enteros")
    if not -_BIGGEST <= number < _BIGGEST:
        raise Misfit(
            "the column has 64 bits for a whole number, and this is a larger one",
            "la columna tiene 64 bits para un número entero, y este es mayor",
        )
    return int(number)


def _float(value: JSON) -> Any:
    number = number_of(value)
    if number is None:
        raise Misfit("the column is for numbers", "la columna es para números")
    try:
        near = float(number)
    except OverflowError:
        near = math.inf
    if not math.isfinite(near) or number_of(near) != number:
        raise Misfit(
            "the column would lose digits of this number",
            "la columna perdería cifras de este número",
        )
    return near


def _decimal(value: JSON) -> Any:
    number = number_of(value)
    if number is None:
        raise Misfit("the column is for numbers", "la columna es para números")
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
            raise Misfit(
                f"the column has {scale} digits behind the point, and would round",
                f"la columna tiene {scale} decimales, y redondearía",
            )
        return number

    return take


def _moment(*, zoned: bool) -> Callable[[JSON], Any]:
    def take(value: JSON) -> Any:
        found = _parsed(datetime, value)
        if zoned and found.tzinfo is None:
            raise Misfit(
                "the column wants a time with a zone, and this one has none",
                "la columna espera una hora con zona, y esta no la tiene",
            )
        if not zoned and found.tzinfo is not None:
            raise Misfit(
                "the column would lose the zone of this time",
                "la columna perdería la zona de esta hora",
            )
        return found

    return take


def _parsed(kind: Any, value: JSON) -> Any:
    try:
        return kind.fromisoformat(_text(value))
    except ValueError:
        raise _no_time(kind, value) from None


def _no_time(kind: Any, value: JSON) -> Misfit:
    what, what_es = {date: ("date", "fecha"), time: ("time", "hora")}.get(
        kind, ("date and time", "fecha y hora")
    )
    return Misfit(
        f"{shown(value)} is no ISO 8601 {what}, which the column is for",
        f"{shown(value)} no es una {what_es} ISO 8601, para las que es la columna",
        f"write a {what} that there is, in the form {_FORMS[kind]}",
        f"escriba una {what_es} que exista, en la forma {_FORMS[kind]}",
    )


def _bytes(value: JSON) -> Any:
    try:
        return base64.b64decode(_text(value), validate=True)
    except binascii.Error:
        raise Misfit(
            "the column is for bytes, as base64", "la columna es para bytes, en base64"
        ) from None


def _uuid(value: JSON) -> Any:
    try:
        return UUID(_text(value))
    except ValueError:
        raise Misfit(
            "the text is no UUID, which the column is for",
            "el texto no es un UUID, para los que es la columna",
        ) from None


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
