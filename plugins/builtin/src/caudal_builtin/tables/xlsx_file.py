"""Excel workbooks: the cells of one sheet with the types that they have there."""

from __future__ import annotations

import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile

from caudal_builtin.tables.layout import Options, Table, check_size, laid_out
from caudal_builtin.tables.problem import UnreadableTable, with_password
from caudal_builtin.tables.xlsx_scan import SheetScan, glance, scan, sheets_of
from caudal_builtin.wording import counted
from caudal_core.errors import nearest
from caudal_core.values import MAX_SAFE_INTEGER, iso_duration

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook


def read_workbook(path: Path, options: Options, kind: str = "xlsx") -> Table:
    """The table in one sheet of a workbook; `UnreadableTable` says what is wrong with it.

    Read by calamine, whose cells keep their types; fastexcel is faster, but turns a column of mixed
    types into texts.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheet = _chosen(workbook, options.sheet)
            seen = glance(path, sheet) if kind == "xlsx" else SheetScan()
            options.check()
            found = workbook.get_sheet_by_name(sheet)
            check_size(found.total_height, found.total_width, *_of_sheet(sheet))
            rows = found.to_python(skip_empty_area=False)
    except (CalamineError, BadZipFile, ExpatError, KeyError, OSError, zlib.error) as error:
        raise _unreadable(error) from None
    options.check()
    table = laid_out(rows, options, as_value)
    table.sheet = sheet
    table.columns = [values_of(list(column)) for column in table.columns]
    _tell(table, seen)
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


def values_of(column: list[Any]) -> list[Any]:
    """The cells as JSON values; midnights are date-times where the column has other times."""
    kinds = set(map(type, column))
    if kinds == {float}:
        most = MAX_SAFE_INTEGER
        return [int(n) if n.is_integer() and -most <= n <= most else n for n in column]
    if datetime in kinds and kinds <= {datetime, date}:
        return [_moment(cell) for cell in column]
    if kinds == {bool} or (kinds == {str} and all(map(str.strip, set(column)))):
        return column
    timed = datetime in kinds
    return [
        f"{cell.isoformat()}T00:00:00" if timed and type(cell) is date else as_value(cell)
        for cell in column
    ]


def _moment(cell: date) -> str:
    return cell.isoformat() if type(cell) is datetime else f"{cell.isoformat()}T00:00:00"


def as_value(cell: Any) -> Any:
    """A cell as a JSON value: whole numbers without decimals, dates in ISO form."""
    if type(cell) is float:
        return int(cell) if cell.is_integer() and abs(cell) <= MAX_SAFE_INTEGER else cell
    if type(cell) is str:
        return cell if cell.strip() else None
    if isinstance(cell, date | time):
        return cell.isoformat()
    return iso_duration(cell) if isinstance(cell, timedelta) else cell
