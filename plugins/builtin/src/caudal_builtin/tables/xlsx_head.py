"""The first rows of a sheet, read as a small workbook of their own.

They say where the names of the columns stand and whether it is worth reading the rest in columns.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
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


_MARKS: Final = 50
_TAIL: Final = b"</sheetData></worksheet>"


def ends_well(path: Path, sheet: str, tail: bytes | None) -> bool:
    """Whether what follows the cells is read without an error where cells are read one by one."""
    return bool(tail == _TAIL or (tail and first_rows(path, sheet, tail)))


def first_rows(path: Path, sheet: str, tail: bytes = _TAIL) -> list[list[Any]]:
    """The cells of the first rows, from the first column on; none where that cannot be told.

    `tail` follows them in the place of all that follows them in the sheet.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    with zipfile.ZipFile(path) as archive:
        member = member_of(archive, sheet)
        small = member and _cut(archive, member, tail)
    if not small:
        return []
    try:
        with CalamineWorkbook.from_filelike(small) as workbook:
            return workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except CalamineError:
        return []


def is_written_again(path: Path, sheet: str, row: int, columns: Sequence[int]) -> bool:
    """Whether cells of a row, in columns counted from 0, stand behind the first rows once more.

    No program writes a sheet so. Of more than `_MARKS` columns nobody looks for each.
    """
    if not columns or len(columns) > _MARKS:
        return bool(columns)
    places = [f"{_letters(column)}{row}" for column in columns]
    names = [f"<row r={quote}{row}" for quote in "\"'"] + places
    marks = [f"{name}{quote}".encode() for name in names for quote in "\"'"]
    with zipfile.ZipFile(path) as archive:
        member = member_of(archive, sheet)
        if member is None:
            return False
        with archive.open(member) as file:
            begin = file.read(_SHOWN)
            rest = begin[begin.rfind(_ROW_END) :]
            while chunk := file.read(1 << 20):
                rest += chunk
                if any(mark in rest for mark in marks):
                    return True
                rest = rest[-32:]
            return any(mark in rest for mark in marks)


def _letters(column: int) -> str:
    """`A` for 0, `Z` for 25, `AA` for 26."""
    before, last = divmod(column, 26)
    return (_letters(before - 1) if before else "") + chr(65 + last)


def _cut(archive: zipfile.ZipFile, member: str, tail: bytes) -> io.BytesIO | None:
    """The workbook with the beginning of this sheet and no other; nothing if that has no rows."""
    with archive.open(member) as file:
        begin = file.read(_SHOWN)
    end = begin.rfind(_ROW_END)
    if end < 0:
        return None
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as small:
        small.writestr(member, begin[:end] + _ROW_END + tail)
        for name in archive.namelist():
            if name.replace("\\", "/").rpartition("/")[2].lower() in _NEEDED:
                small.writestr(name, archive.read(name))
    made.seek(0)
    return made
