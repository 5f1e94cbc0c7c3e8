"""A file as a table, whatever kind of file it is."""

from __future__ import annotations

from pathlib import Path

from caudal_builtin.tables.csv_file import read_text
from caudal_builtin.tables.layout import Options, Table
from caudal_builtin.tables.parquet_file import read_parquet
from caudal_builtin.tables.sniff import kind_of_file
from caudal_builtin.tables.xlsx_file import read_workbook


def read_table(path: Path, options: Options) -> Table:
    """The table in a file of any kind; `UnreadableTable` says why there is none."""
    kind = kind_of_file(path)
    if kind == "text":
        return read_text(path, options)
    return read_parquet(path, options) if kind == "parquet" else read_workbook(path, options, kind)
