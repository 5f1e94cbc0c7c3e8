"""A file as a table, whatever kind of file it is."""

from __future__ import annotations

from pathlib import Path

from caudal_builtin.tables.csv_file import read_text
from caudal_builtin.tables.layout import Options, Table
from caudal_builtin.tables.sniff import kind_of_file
from caudal_builtin.tables.xlsx_file import read_workbook


def read_table(path: Path, options: Options) -> Table:
    """The table in a workbook or a text file; `UnreadableTable` says why there is none."""
    kind = kind_of_file(path)
    return read_workbook(path, options) if kind == "xlsx" else read_text(path, options)
