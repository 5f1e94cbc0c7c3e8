"""Workbooks written cell by cell, for what no library writes; and one sheet read both ways."""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from string import ascii_uppercase
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pytest

from caudal_builtin.tables import job, xlsx_file, xlsx_head
from caudal_builtin.tables.held import Held
from caudal_builtin.tables.layout import Options, Table
from caudal_core.errors import CaudalError

_OOXML = "http://schemas.openxmlformats.org"
_SHEETS = f"{_OOXML}/spreadsheetml/2006/main"
_RELATIONS = f"{_OOXML}/officeDocument/2006/relationships"
_PACKAGE = f"{_OOXML}/package/2006"
_FORMATS = (0, 22, 14, 46, 21)

_BEGIN = f'<worksheet xmlns="{_SHEETS}"><sheetData>'
SHOWN = 500
"""Bytes of the rows of a sheet that are looked at first, so few that what follows may differ."""

MOMENT, DAY, DURATION, TIME = 1, 2, 3, 4
"""Styles by which a number is a date and time, a date, a duration, a time of day."""


def number(value: Any, style: int = 0) -> str:
    """A cell that holds a number, shown in a style."""
    return f'<c s="{style}"><v>{value}</v></c>'


def text(value: str) -> str:
    """A cell that holds a text."""
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def shared(place: int) -> str:
    """A cell that holds one of the shared texts."""
    return f'<c t="s"><v>{place}</v></c>'


def flag(value: int) -> str:
    """A cell that holds a boolean, by 0 or 1."""
    return f'<c t="b"><v>{value}</v></c>'


def error(value: str = "#N/A") -> str:
    """A cell that holds an error."""
    return f'<c t="e"><v>{value}</v></c>'


def formula(value: Any = "", kind: str = "") -> str:
    """A cell that holds a formula and its result, if it was ever computed."""
    return f"<c{kind and f' t={kind!r}'}><f>A1</f><v>{value}</v></c>"


NOTHING = "<c/>"


def cells(*rows: Iterable[str]) -> str:
    """The rows of a sheet, one below the other, of up to 26 cells each."""
    return "".join(
        f'<row r="{n}">{"".join(_placed(row, n))}</row>' for n, row in enumerate(rows, 1)
    )


def _placed(row: Iterable[str], n: int) -> Iterator[str]:
    for letter, cell in zip(ascii_uppercase, row, strict=False):
        yield cell.replace("<c", f'<c r="{letter}{n}"', 1)


def write(path: Path, data: str, texts: Sequence[str] = (), *, since_1904: bool = False) -> Path:
    """A workbook whose sheet has these rows."""
    since = '<workbookPr date1904="1"/>' if since_1904 else ""
    styles = "".join(f'<xf numFmtId="{code}" applyNumberFormat="1"/>' for code in _FORMATS)
    shared_texts = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_RELATIONS}">{since}<sheets>'
        '<sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
        f'<Relationship Id="rId3" Type="{_RELATIONS}/styles" Target="styles.xml"/>'
        "</Relationships>",
        "xl/styles.xml": f'<styleSheet xmlns="{_SHEETS}"><cellXfs>{styles}</cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{_SHEETS}">{shared_texts}</sst>',
        "xl/worksheets/sheet1.xml": f"{_BEGIN}{data}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def ended(path: Path, tail: bytes) -> Path:
    """The same workbook with another end of its sheet."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content.replace(b"</sheetData></worksheet>", tail))
    return path


def read(path: Path, *, in_columns: bool, shown: int, **options: Any) -> Table:
    """The table in a sheet, read as if it were a large one, or as if it were not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xlsx_file, "LARGE", 0 if in_columns else 1 << 60)
        patch.setattr(xlsx_head, "_SHOWN", len(_BEGIN) + shown)
        return xlsx_file.read_workbook(path, Options(**options))


def is_read_in_columns(path: Path, *, shown: int = SHOWN, **options: Any) -> bool:
    """Whether a sheet, if it were a large one, would be read in columns."""
    table = read(path, in_columns=True, shown=shown, **options)
    return any(isinstance(column, Held) for column in table.columns)


def same(path: Path, *, shown: int = SHOWN, **options: Any) -> dict[str, Any]:
    """What is said of a sheet, the same whichever way it is read, in JSON as in Arrow.

    `shown` bytes of its rows are looked at before it is read in columns.
    """
    expected, found = (_said(path, in_columns=way, shown=shown, **options) for way in (False, True))
    assert expected == found
    return found


def _said(path: Path, **how: Any) -> dict[str, Any]:
    try:
        table = read(path, **how)
    except CaudalError as problem:
        return {"error": str(problem)}
    answers = [_answered(table, large) for large in (0, 1 << 60)]
    return {
        "rows": len(table.places),
        "places": list(table.places),
        "answers": answers,
        "table": replace(table, places=[], columns=[list(map(repr, c)) for c in table.columns]),
    }


def _answered(table: Table, large: int) -> Any:
    """What the parent makes of a worker's answer, which is in Arrow from so many rows on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "LARGE", large)
        patch.setattr("caudal_builtin.tables.reading.read_table", lambda *_: table)
        answer = job.read({"path": "", "options": {}, "columns": []})
    schema = pa.ipc.open_stream(answer.body).schema if answer.body else None
    return {
        **answer.value,
        "columns": schema,
        "records": repr(list(job.records_of(answer, lambda: None))),
    }
