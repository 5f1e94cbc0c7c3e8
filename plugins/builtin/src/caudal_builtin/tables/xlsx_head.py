"""The first rows of a sheet, read as a small workbook of their own.

They say where the names of the columns stand and whether it is worth reading the rest in columns.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, Final

from caudal_builtin.tables.xlsx_scan import member_of

_SHOWN: Final = 1 << 18
"""Bytes of the sheet that are looked at: some thousand rows."""
_ROW_END: Final = b"</row>"
_NEEDED: Final = (
    "[content_types].xml",
    ".rels",
    "workbook.xml",
    "workbook.xml.rels",
    "styles.xml",
    "sharedstrings.xml",
)
"""What a workbook cannot be opened without."""


def first_rows(path: Path, sheet: str) -> list[list[Any]]:
    """The cells of the first rows, from the first column on; none where that cannot be told."""
    from python_calamine import CalamineError, CalamineWorkbook

    with zipfile.ZipFile(path) as archive:
        member = member_of(archive, sheet)
        small = member and _cut(archive, member)
    if not small:
        return []
    try:
        with CalamineWorkbook.from_filelike(small) as workbook:
            return workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except CalamineError:
        return []


def _cut(archive: zipfile.ZipFile, member: str) -> io.BytesIO | None:
    """The workbook with the beginning of this sheet and no other; nothing if that has no rows."""
    with archive.open(member) as file:
        begin = file.read(_SHOWN)
    end = begin.rfind(_ROW_END)
    if end < 0:
        return None
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as small:
        small.writestr(member, begin[:end] + _ROW_END + b"</sheetData></worksheet>")
        for name in archive.namelist():
            if name.replace("\\", "/").rpartition("/")[2].lower() in _NEEDED:
                small.writestr(name, archive.read(name))
    made.seek(0)
    return made
