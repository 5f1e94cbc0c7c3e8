"""When the keys of two records are equal, for a join.

- Null and a missing field match nothing, not even each other.
- Booleans match booleans alone: true is not 1.
- Numbers match by value: 1 and 1.0 are equal, and so are 0.1 and the exact decimal 0.10.
- Texts match letter by letter. In a key where either side holds numbers, a text that is a
  canonical number (see `numbers`) counts as that number: "1" matches 1 there, "01" does not.
- Lists and objects are no keys.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from decimal import Decimal
from typing import Any

from caudal_builtin.numbers import NUMBERS, canonical_number, exact
from caudal_builtin.row_errors import shown
from caudal_core import CaudalError, DataError, Records, UnknownField
from caudal_core.records import kind_of

Key = Hashable | None
"""What a record is found by; null for one that matches nothing."""


class UnknownKey(UnknownField):
    """A key that no record of one side has."""

    en = "port {port}: " + UnknownField.en
    es = "puerto {port}: " + UnknownField.es

    def __init__(self, port: str, field: str, known: list[str]) -> None:
        super().__init__(field, known)
        self.params["port"] = port


class InvalidKey(DataError):
    """A list or an object where a key is wanted."""

    code = "INVALID_KEY"
    en = "port {port}, row {row}: the key '{field}' is {kind}, {value}"
    es = "puerto {port}, fila {row}: la clave '{field}' no es un valor simple: {value}"
    hint_en = "join by a field of texts or numbers"
    hint_es = "una por un campo de textos o números"

    def __init__(self, port: str, row: int, field: str, value: Any) -> None:
        CaudalError.__init__(
            self,
            message="",
            port=port,
            row=row,
            field=field,
            kind=kind_of(value),
            value=shown(value),
        )


def names_in(key: str | Sequence[str], *tables: Records) -> list[str]:
    """The fields that a config names: one, several between commas, or a list.

    A text with commas is one name if a column of one of `tables` is called exactly so.
    """
    if not isinstance(key, str):
        return list(key)
    if "," not in key or any(key in data.columns for data in tables):
        return [key]
    return [name.strip() for name in key.split(",") if name.strip()] or [key]


def require(data: Records, fields: Sequence[str], port: str) -> None:
    """Raise `UnknownKey` for the first field that no record of this side has."""
    if not len(data):
        return
    try:
        data.require(*fields)
    except UnknownField as unknown:
        raise UnknownKey(port, unknown.params["field"], data.columns) from None


def keys_of(
    a: Records, fields_a: list[str], b: Records, fields_b: list[str]
) -> tuple[Sequence[Key], Sequence[Key]]:
    """The key of each record, in an order of their own, for both sides."""
    pairs = [
        _alike(_values(a, of_a, "A"), _values(b, of_b, "B"))
        for of_a, of_b in zip(fields_a, fields_b, strict=True)
    ]
    if len(pairs) == 1:
        return pairs[0]
    return _together([side[0] for side in pairs]), _together([side[1] for side in pairs])


def _values(data: Records, field: str, port: str) -> list[Any]:
    values = data.column(field) if len(data) else []
    if not {list, dict}.isdisjoint(map(type, values)):
        row = next(i for i, value in enumerate(values) if type(value) in (list, dict))
        raise InvalidKey(port, row, field, values[row])
    return values


def _alike(a: list[Any], b: list[Any]) -> tuple[list[Any], list[Any]]:
    """Both columns in a form in which equal keys are equal to Python."""
    kinds = {*map(type, a), *map(type, b)} - {type(None)}
    decimals = Decimal in kinds and not kinds.isdisjoint((float, str))
    if kinds <= {str} or (kinds <= NUMBERS and not decimals):
        return a, b
    numeric = not kinds.isdisjoint(NUMBERS)
    keys_a, keys_b = ([_plain(value, numeric=numeric) for value in side] for side in (a, b))
    return (_written(keys_a), _written(keys_b)) if decimals else (keys_a, keys_b)


def _plain(value: Any, *, numeric: bool) -> Key:
    if type(value) is bool:
        return ("boolean", value)
    if numeric and type(value) is str:
        number = canonical_number(value)
        return value if number is None else number
    key: Key = value
    return key


def _written(keys: list[Key]) -> list[Key]:
    """Floats as the decimals that they are written as: Python would take their binary value."""
    return [exact(key) if isinstance(key, float) else key for key in keys]


def _together(columns: list[list[Any]]) -> list[Key]:
    return [None if None in parts else parts for parts in zip(*columns, strict=True)]
