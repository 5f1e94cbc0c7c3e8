"""Excel workbooks: the cells of one sheet with the types that they have there."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile

from caudal_builtin.tables.layout import Options, Table, laid_out
from caudal_builtin.tables.problem import UnreadableTable
from caudal_builtin.tables.xlsx_scan import scan
from caudal_builtin.wording import counted
from caudal_core.errors import nearest
from caudal_core.values import MAX_SAFE_INTEGER, iso_duration

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook


def read_workbook(path: Path, options: Options) -> Table:
    """The table in one sheet of a workbook; `UnreadableTable` says what is wrong with it."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(path) as workbook:
            sheet = _chosen(workbook, options.sheet)
            seen = scan(path, sheet)
            options.check()
            rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except (CalamineError, BadZipFile, ExpatError, KeyError, OSError) as error:
        raise UnreadableTable(
            f"the workbook cannot be read: {error}",
            es=f"el libro no se puede leer: {error}",
            hint="open it in Excel and save it again as .xlsx",
            hint_es="ábralo en Excel y guárdelo de nuevo como .xlsx",
        ) from None
    options.check()
    table = laid_out(rows, options, _as_value)
    table.sheet = sheet
    table.columns = [_values(column) for column in table.columns]
    if seen.errors:
        table.warnings.append(
            f"{counted(seen.errors, 'cell')} with an error such as #N/A, now null"
        )
    if seen.formulas:
        cells = counted(seen.formulas, "formula")
        table.warnings.append(f"{cells} without a stored result, now null; save the file in Excel")
    return table


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


def _values(column: list[Any]) -> list[Any]:
    """The cells as JSON values; midnights are date-times where the column has other times."""
    timed = any(type(cell) is datetime for cell in column)
    return [
        f"{cell.isoformat()}T00:00:00" if timed and type(cell) is date else _as_value(cell)
        for cell in column
    ]


def _as_value(cell: Any) -> Any:
    if type(cell) is float:
        return int(cell) if cell.is_integer() and abs(cell) <= MAX_SAFE_INTEGER else cell
    if type(cell) is str:
        return cell if cell.strip() else None
    if isinstance(cell, date | time):
        return cell.isoformat()
    return iso_duration(cell) if isinstance(cell, timedelta) else cell
