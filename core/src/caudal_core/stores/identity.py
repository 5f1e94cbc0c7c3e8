"""By what a record is known: its id, and the values of key columns. The same in every store."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from caudal_core.records import kind_of
from caudal_core.stores.errors import RowRefused
from caudal_core.values import JSON, encode

Row = Mapping[str, Any]
LONGEST = 1_000
"""Characters of an id, and of all key values of a record together."""


def id_of(row: Row, index: int) -> str | None:
    """The id that a row brings, as text; nothing where it has none. 7 and `7` are one id."""
    value = row.get("id")
    if value is None:
        return None
    if type(value) is int:
        value = str(value)
    if type(value) is not str:
        raise _no_id(
            index,
            f"is {kind_of(value)}; an id is a text or a whole number",
            "no es un texto ni un número entero",
        )
    if not value:
        raise _no_id(index, "is an empty text", "es un texto vacío")
    if "\x00" in value:
        raise _no_id(index, "holds a NUL character", "contiene un carácter NUL")
    if len(value) > LONGEST:
        raise _no_id(
            index,
            f"has {len(value):,} characters; {LONGEST:,} are most",
            f"tiene {len(value):,} caracteres; {LONGEST:,} es el máximo",
        )
    return value


def _no_id(index: int, why: str, why_es: str) -> RowRefused:
    return RowRefused(
        index,
        f"its id {why}",
        f"su id {why_es}",
        hint="give it another id, or leave the id out to have one made",
        hint_es="dele otro id, o quite el id para que se cree uno",
    )


def key_of(row: Row, keys: tuple[str, ...]) -> str | None:
    """The values of the key columns as one text: equal where they are; nothing if one lacks."""
    values = [row.get(name) for name in keys]
    if any(value is None or isinstance(value, list | dict) for value in values):
        return None
    return encode([_plain(value) for value in values]).decode().strip()


def required_key(row: Row, keys: tuple[str, ...], index: int) -> str:
    """The same of a row that is to be written; `RowRefused` where a key value lacks."""
    found = key_of(row, keys)
    if found is None:
        name = next(
            name for name in keys if row.get(name) is None or isinstance(row[name], list | dict)
        )
        what = f"is {kind_of(row[name])}" if name in row else "is missing"
        raise RowRefused(
            index,
            f"the key column '{name}' {what}",
            f"la columna clave '{name}' no tiene un valor simple",
            hint="every record needs a value in each key column",
            hint_es="cada registro necesita un valor en cada columna clave",
        )
    if len(found) > LONGEST:
        raise RowRefused(
            index,
            f"its key has {len(found):,} characters; {LONGEST:,} are most",
            f"su clave tiene {len(found):,} caracteres; {LONGEST:,} es el máximo",
        )
    return found


def _plain(value: JSON) -> JSON:
    """Numbers that are equal, in one form."""
    if type(value) is float and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if type(value) is Decimal:
        value = value.normalize()
        whole = value.to_integral_value()
        return int(whole) if whole == value and value.adjusted() < LONGEST else value
    if type(value) is float:
        return value if abs(value) < 2**53 else _plain(Decimal(repr(value)))
    return value


def ambiguous(index: int, what: str, count: int) -> RowRefused:
    """Several stored records are meant by one row."""
    return RowRefused(
        index,
        f"{count} records have {what}",
        f"{count} registros tienen {what}",
        hint="choose key columns that tell the records apart, or delete those too many",
        hint_es="elija columnas clave que distingan los registros o borre los que sobran",
    )


def taken(index: int, record_id: str) -> RowRefused:
    """A new record has the id of another."""
    return RowRefused(
        index,
        f"there is a record with the id '{record_id}' already",
        f"ya hay un registro con el id '{record_id}'",
        hint="save with upsert or update, or leave the id out",
        hint_es="guarde con upsert o update, o quite el id",
    )
