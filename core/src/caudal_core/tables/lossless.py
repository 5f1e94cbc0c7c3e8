"""From records to columns, where nothing is lost by it; else an error that says what would be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from caudal_core.errors import DataError
from caudal_core.tables.columns import ABSENT, Columns
from caudal_core.tables.order import common_order

_KINDS: Final = {bool: "booleans", int: "whole numbers", float: "decimal numbers", str: "texts"}
_NESTED: Final[dict[Any, str]] = {list: "a list", dict: "an object"}


class NotInColumns(DataError):
    """Records that Arrow cannot hold without changing some value."""

    code = "NOT_IN_COLUMNS"
    en = "the column '{column}' does not go into an Arrow table: {why}"
    es = "la columna '{column}' no cabe en una tabla Arrow: {why_es}"
    hint_en = "take the records as rows, or make the column of one type before"
    hint_es = "tome los registros como filas, o haga antes que la columna sea de un solo tipo"

    def __init__(self, column: str, why: str, why_es: str) -> None:
        super().__init__(column=column, why=why, why_es=why_es)


def columns_of(rows: Sequence[dict[str, Any]]) -> Columns:
    """The records in columns; `NotInColumns` names the first column that loses something."""
    import pyarrow as pa

    names = common_order(rows)
    whole = set(map(len, rows)) <= {len(names)}
    arrays, marks = {}, {}
    for name in names:
        _check_name(name)
        arrays[name] = array_of(
            name, [row[name] for row in rows] if whole else [row.get(name) for row in rows]
        )
        if not whole and not all(name in row for row in rows):
            marks[ABSENT + name] = pa.array([name not in row for row in rows], pa.bool_())
    if not names and rows:
        raise NotInColumns("", "the records have no columns", "los registros no tienen columnas")
    return Columns(pa.table({**arrays, **marks}))


def _check_name(name: Any) -> None:
    if type(name) is not str or name.startswith(ABSENT):
        raise NotInColumns(repr(name), "its name is no plain text", "su nombre no es un texto")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise NotInColumns(repr(name), *_NO_UNICODE) from None


_NO_UNICODE = ("a text is not valid Unicode", "un texto no es Unicode válido")


def array_of(name: str, values: Sequence[Any]) -> Any:
    """The values of a column as an Arrow array; `NotInColumns` where that would change one.

    NaN and infinities are null, as everywhere between nodes.
    """
    import pyarrow as pa

    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pa.nulls(len(values))
    kind = next(iter(kinds))
    if len(kinds) > 1 or kind not in _KINDS:
        raise _mixed(name, values, kinds)
    if kind is float:
        return pa.array([_finite(value) for value in values], pa.float64())
    if kind is bool:
        return pa.array(values, pa.bool_())
    try:
        return pa.array(values, pa.int64() if kind is int else pa.large_string())
    except UnicodeEncodeError:
        raise NotInColumns(name, *_NO_UNICODE) from None
    except (OverflowError, pa.ArrowInvalid):
        row = next(i for i, v in enumerate(values) if v is not None and not -(2**63) <= v < 2**63)
        why = f"the whole number in row {row} has more than 64 bits"
        why_es = f"el número entero de la fila {row} ocupa más de 64 bits"
        raise NotInColumns(name, why, why_es) from None


def _finite(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None


def _mixed(name: str, values: Sequence[Any], kinds: set[type]) -> NotInColumns:
    odd = next((kind for kind in kinds if kind not in _KINDS), None)
    if odd is not None:
        row = next(i for i, value in enumerate(values) if type(value) is odd)
        what = _NESTED.get(odd, f"a {odd.__name__}")
        return NotInColumns(name, f"row {row} holds {what}", f"la fila {row} tiene {what}")
    first: dict[type, int] = {}
    for index, value in enumerate(values):
        if value is not None:
            first.setdefault(type(value), index)
    found = " and ".join(f"{_KINDS[kind]} (row {row})" for kind, row in list(first.items())[:3])
    return NotInColumns(name, f"it holds {found}", f"tiene valores de varios tipos: {found}")
