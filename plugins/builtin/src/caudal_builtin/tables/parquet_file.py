"""Parquet: columns with types of their own."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from caudal_builtin.tables.cell_values import values_of
from caudal_builtin.tables.layout import Options, Table, check_size
from caudal_builtin.tables.problem import UnreadableTable
from caudal_core.values import normalise


def read_parquet(path: Path, options: Options) -> Table:
    """The table in a Parquet file; `UnreadableTable` says what is wrong with it.

    Moments with a zone are handed on in UTC, with it; those without stay without.
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
    columns = [_values(column.to_pylist()) for column in found.columns]
    names = [str(name) for name in found.column_names]
    return Table(names, columns, range(1, found.num_rows + 1))


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
