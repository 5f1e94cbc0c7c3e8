"""A large sheet in columns, where that says the same as cell by cell; else nothing is said.

fastexcel reads by the same library in half the time, and makes Arrow of it. It is asked only for
sheets of which each column below the names holds cells of one type, which it checks for every cell;
blank cells and errors are null here as there. The names must stand in the first row that is looked
at or in the one that is said, so that nobody has to search for them.
"""

from __future__ import annotations

import logging
import re
from array import array
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from caudal_builtin.tables.cell_values import as_value
from caudal_builtin.tables.coded import Column
from caudal_builtin.tables.layout import Options, Table, check_size, is_filled, laid_out, names_row
from caudal_builtin.tables.problem import UnreadableTable
from caudal_builtin.tables.ranges import Block, block, cut
from caudal_builtin.tables.typed_cells import values_in, without_blanks
from caudal_builtin.tables.xlsx_head import first_rows, is_written_again

if TYPE_CHECKING:
    import pyarrow as pa
    from fastexcel import ColumnInfo, ExcelSheet

    Cells = Mapping[int, pa.Array]
    """Columns by their places from the left of the block that is read."""

LARGE: Final = 1 << 22
"""Bytes of a sheet, unpacked, from which on it pays to load another library."""

_NULL_TOO = re.compile(r"""'(?:Error\(\w+\)|String\("(?: |\\[tnr])*"\))'?$""")
"""A cell that does not fit the type of its column, and is null cell by cell as well."""


def read_columns(path: Path, sheet: str, options: Options) -> Table | None:
    """The table in a sheet, or nothing where it has to be read cell by cell."""
    area = block(options.range) if options.range else Block(0, 0, None, None)
    head = first_rows(path, sheet)
    try:
        at, names = names_row(cut(head, options.range), options.header_row)
    except UnreadableTable:
        return None
    start = at + options.skip_rows
    sample = [row[area.left : area.right] for row in head[start : area.bottom]]
    labels = list(filter(None, map(str, head[at - 1])))
    plain = at == (options.header_row or area.top + 1) and len(labels) == len(set(labels))
    if not plain or not _of_one_type(sample):
        return None
    options.check()
    found = _loaded(path, sheet, at, area, options)
    if found is None or not _agree(found.selected_columns, names, area.left):
        return None
    seen = [column.absolute_index for column in found.selected_columns]
    untold = [place for place in seen if not _label(names, place - area.left)]
    if is_written_again(path, sheet, at, untold):
        return None
    check_size(at + found.total_height, found.width, f"sheet '{sheet}'", f"hoja '{sheet}'")
    cells = _cells(found, area.left)
    del found
    options.check()
    return _laid_out(names, cells, start, area.left, options) if cells else None


def _of_one_type(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether the first rows give hope that the others are worth looking at."""
    for column in zip_longest(*rows):
        kinds = {type(cell) for cell in column if is_filled(cell)}
        if time in kinds or len(kinds - {date} if datetime in kinds else kinds) > 1:
            return False
    return True


def _loaded(path: Path, sheet: str, at: int, area: Block, options: Options) -> ExcelSheet | None:
    """The sheet below its names, if each of its columns is of one type, nulls aside."""
    import fastexcel

    logger = logging.getLogger(fastexcel.__name__)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # it tells of each empty column
    rows = None if area.bottom is None else max(0, area.bottom - at - options.skip_rows)
    right = area.right or 1 << 30
    try:
        return fastexcel.read_excel(path).load_sheet(
            sheet,
            header_row=at - 1,
            skip_rows=options.skip_rows,
            n_rows=rows,
            schema_sample_rows=None,
            dtype_coercion="strict",
            use_columns=lambda column: area.left <= column.absolute_index < right,
            whitespace_as_null=True,
        )
    except fastexcel.FastExcelError:
        return None


def _agree(columns: Sequence[ColumnInfo], names: Sequence[Any], left: int) -> bool:
    """Whether the names are those of the first rows: cells may stand in any order in a file."""
    return all(
        column.name == (_label(names, column.absolute_index - left) or f"__UNNAMED__{column.index}")
        for column in columns
    )


def _label(names: Sequence[Any], place: int) -> str:
    """What the library makes of a name; empty where that is no text and no number."""
    cell = names[place] if place < len(names) else ""
    if type(cell) is float:
        return str(as_value(cell))
    return cell if type(cell) is str else ""


def _cells(sheet: ExcelSheet, left: int) -> Cells | None:
    """The cells below the names, blank ones as null; nothing if one would be lost."""
    try:
        batch, misfits = sheet.to_arrow_with_errors()
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's, of texts beyond 2 GiB in a column
            raise
        return None
    if misfits and not all(_NULL_TOO.search(misfit.detail) for misfit in misfits.errors):
        return None
    places = [column.absolute_index - left for column in sheet.selected_columns]
    return dict(zip(places, map(without_blanks, batch.columns), strict=True))


def _laid_out(
    names: Sequence[Any], cells: Cells, start: int, left: int, options: Options
) -> Table | None:
    """As the rows would be: for names and letters it only matters which columns have a value."""
    count = len(next(iter(cells.values())))
    width = max(*cells, len(names) - 1) + 1
    header = [*names, *[""] * (width - len(names))]
    filled = {place for place, column in cells.items() if column.null_count < count}
    shown = [place in filled or None for place in range(width)]
    table = laid_out([header, shown], Options(check=options.check), as_value)
    kept = _not_empty(list(cells.values()))
    columns = [_values(cells.get(letter - 1), kept) for letter in table.letters]
    table.columns = [column for column in columns if column is not None]
    table.letters = [left + letter for letter in table.letters]
    if kept is None:
        table.places = range(start + 1, start + 1 + count)
    else:
        table.places = array("Q", (start + 1 + place for place in kept.to_pylist()))
    table.skipped = count - len(table.places)
    return table if len(table.columns) == len(columns) else None


def _values(cells: pa.Array | None, kept: pa.Array | None) -> Column | None:
    if cells is None:
        return None
    return values_in(cells if kept is None else cells.take(kept))


def _not_empty(columns: Sequence[pa.Array]) -> pa.Array | None:
    """The places of rows with a value; nothing if these are all."""
    import pyarrow.compute as pc

    empty = None
    for column in columns:
        if not column.null_count:
            return None
        empty = column.is_null() if empty is None else pc.and_(empty, column.is_null())
        if not pc.any(empty).as_py():
            return None
    return pc.indices_nonzero(pc.invert(empty))
