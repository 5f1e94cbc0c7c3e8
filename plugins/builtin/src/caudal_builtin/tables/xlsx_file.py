"""Excel workbooks: the cells of one sheet with the types that they have there."""

from __future__ import annotations

import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile

from caudal_builtin.tables.cell_values import as_value, dated, values_of
from caudal_builtin.tables.layout import Options, Table, check_size, laid_out
from caudal_builtin.tables.problem import UnreadableTable, with_password
from caudal_builtin.tables.xlsx_columns import LARGE, read_columns
from caudal_builtin.tables.xlsx_head import ends_well
from caudal_builtin.tables.xlsx_scan import SheetScan, glance, scan, sheets_of, size_of
from caudal_builtin.wording import counted
from caudal_core.errors import nearest

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_OF_THE_FILE: Final = (BadZipFile, ExpatError, KeyError, OSError, OverflowError, zlib.error)
"""Errors that come of what stands in a file, among them that a duration is too long."""


def read_workbook(path: Path, options: Options, kind: str = "xlsx") -> Table:
    """The table in one sheet of a workbook; `UnreadableTable` says what is wrong with it.

    Read by calamine, whose cells keep their types; a large sheet in columns where it can be.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheet = _chosen(workbook, options.sheet)
            table, seen = (
                _in_columns(path, sheet, options) if kind == "xlsx" else (None, SheetScan())
            )
            if table is None:
                table = _by_cells(workbook.get_sheet_by_name(sheet), options)
    except (CalamineError, *_OF_THE_FILE) as error:
        raise _unreadable(error) from None
    table.sheet = sheet
    _tell(table, seen)
    return table


def _in_columns(path: Path, sheet: str, options: Options) -> tuple[Table | None, SheetScan]:
    """The table if it can be read in columns, and what a look at its cells shows, side by side."""
    if size_of(path, sheet) < LARGE:
        return None, glance(path, sheet)
    with ThreadPoolExecutor(1) as beside:
        reading = beside.submit(read_columns, path, sheet, options)
        seen = glance(path, sheet)
        import pyarrow  # noqa: ICN001, F401 - it takes its time, and will be needed

        table = reading.result()
    usual = table is not None and not seen.iso and ends_well(path, sheet, seen.tail)
    return table if usual else None, seen


def _by_cells(sheet: CalamineSheet, options: Options) -> Table:
    check_size(sheet.total_height, sheet.total_width, *_of_sheet(sheet.name))
    rows = sheet.to_python(skip_empty_area=False)
    options.check()
    table = laid_out(rows, options, as_value)
    table.columns = [values_of(dated(list(column))) for column in table.columns]
    return table


def why_too_large(path: Path, options: Options) -> None:
    """`UnreadableTable` if a sheet of an .xlsx reaches too far; nothing of any other file."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for sheet in sheets_of(archive):
            if options.sheet in (None, sheet) or str(options.sheet).isdecimal():
                scan(path, sheet)


def _tell(table: Table, seen: SheetScan) -> None:
    """What of the cells is not in the values."""
    if seen.errors:
        cells = counted(seen.errors, "cell")
        table.warnings.append(f"{cells} with an error such as #N/A, now null")
    if seen.formulas:
        cells = counted(seen.formulas, "formula")
        table.warnings.append(f"{cells} without a stored result, now null; save the file in Excel")
    table.misfits += seen.cells


def _of_sheet(sheet: str) -> tuple[str, str]:
    return f"sheet '{sheet}'", f"hoja '{sheet}'"


def _unreadable(error: Exception) -> UnreadableTable:
    if "assword" in str(error) or "ncrypt" in str(error):
        return with_password()
    return UnreadableTable(
        f"the workbook cannot be read: {error}",
        es=f"el libro no se puede leer: {error}",
        hint="open it in Excel and save it again as .xlsx",
        hint_es="ábralo en Excel y guárdelo de nuevo como .xlsx",
    )


def _chosen(workbook: CalamineWorkbook, wanted: str | int | None) -> str:
    """The sheet of this name or 1-based number; the first that is visible if none is named."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    names = [s.name for s in workbook.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    if wanted is None:
        visible = {
            s.name for s in workbook.sheets_metadata if s.visible == SheetVisibleEnum.Visible
        }
        wanted = next((name for name in names if name in visible), "")
    name = str(wanted)  # a form may store a name of digits as a number
    if name in names:
        return name
    if name in map(str, range(1, len(names) + 1)):
        return names[int(name) - 1]
    near = nearest(name, names)
    raise UnreadableTable(
        f"there is no sheet '{name}'; the sheets are: {', '.join(names) or 'none'}",
        es=f"no existe la hoja '{name}'; las hojas son: {', '.join(names) or 'ninguna'}",
        hint=f"did you mean '{near}'?" if near else "give its name, or its number, from 1",
        hint_es=f"¿quiso decir '{near}'?" if near else "indique su nombre, o su número, desde 1",
    )
