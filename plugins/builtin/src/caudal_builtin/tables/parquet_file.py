"""Parquet: columns with types of their own."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from caudal_builtin.tables.cell_values import values_of
from caudal_builtin.tables.layout import Options, Table, check_size
from caudal_builtin.tables.problem import UnreadableTable
from caudal_builtin.tables.reasons import SHOWN
from caudal_core.errors import InvalidRequest
from caudal_core.intake import loads
from caudal_core.values import normalise


def read_parquet(path: Path, options: Options) -> Table:
    """The table in a Parquet file; `UnreadableTable` says what is wrong with it.

    Moments with a zone are handed on in UTC, with it; those without stay without. Texts of a column
    whose field says `json: true`, as our own files do, are read as JSON if all of them are.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            check_size(file.metadata.num_rows, len(file.schema_arrow), "table", "tabla")
            found = file.read()
    except (pa.ArrowException, OSError) as error:
        raise UnreadableTable(
            f"the Parquet file cannot be read: {str(error)[:300]}",
            es="el archivo Parquet no se puede leer: está dañado",
            hint="write it again",
            hint_es="escríbalo de nuevo",
        ) from None
    options.check()
    table = Table([str(n) for n in found.column_names], [], range(1, found.num_rows + 1))
    columns: list[list[Any]] = []
    for name, field, column in zip(table.names, found.schema, found.columns, strict=True):
        options.check()
        values = _values(column.to_pylist())
        said = (field.metadata or {}).get(b"json") == b"true"
        columns.append(_from_json(table, name, values) if said else values)
    table.columns = columns
    return table


def _from_json(table: Table, name: str, texts: list[Any]) -> list[Any]:
    """The values that the texts of a column are said to be; the texts themselves where one is none.

    Who says so may be anybody: each is read as strictly as JSON that comes over HTTP.
    """
    stays = f"column '{name}' stays text, though its field says that it is JSON"
    values: list[Any] = []
    for row, text in enumerate(texts, 1):
        if text is None:
            values.append(None)
            continue
        if type(text) is not str:
            table.notes.append(f"column '{name}' holds no texts, though its field says JSON")
            return texts
        try:
            values.append(loads(text, what=f"the text in row {row}"))
        except InvalidRequest as error:
            table.notes.append(f"{stays}: {str(error)[:200]}, '{text[:SHOWN]}'")
            return texts
    return values


def _values(column: list[Any]) -> list[Any]:
    kinds = set(map(type, column)) - {type(None)}
    if kinds <= {str, bool, int}:
        return column
    if kinds == {float}:
        return [None if v is None or v != v else v for v in column]  # noqa: PLR0124 - NaN
    if Decimal in kinds or kinds & {list, dict, bytes}:
        found: list[Any] = normalise(column)
        return found
    return values_of(column)
