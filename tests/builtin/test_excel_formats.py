"""The handler `excelInput`: every kind of file, a block of one, and files that are hostile."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
import xlwt  # type: ignore[import-untyped]
from odf.opendocument import OpenDocumentSpreadsheet  # type: ignore[import-untyped]
from odf.table import Table, TableCell, TableRow  # type: ignore[import-untyped]
from odf.text import P  # type: ignore[import-untyped]
from pydantic import ValidationError
from pyxlsbwriter import XlsbWriter  # type: ignore[import-untyped]
from tests.builtin.files import Read, reader, warnings, workbook

from caudal_builtin.excel_input import excel_input
from caudal_builtin.tables.job import LARGE
from caudal_builtin.tables.problem import UnreadableTable
from caudal_core import HandlerError, WorkerLimit
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import run_handler
from caudal_core.workers import Limits

NAMES = ["when", "plant", "price", "count"]
MOMENT = datetime.fromisoformat("2026-03-29T01:45:00")
ROWS: list[list[Any]] = [[MOMENT, "Málaga", 1.5, 3], [MOMENT, "Ñuñoa", -2.25, None]]
RECORDS = [
    {"when": "2026-03-29T01:45:00", "plant": "Málaga", "price": 1.5, "count": 3},
    {"when": "2026-03-29T01:45:00", "plant": "Ñuñoa", "price": -2.25, "count": None},
]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a file of this content and reads it: `read("a;b", decimal=",")`."""
    return reader(tmp_path)


# Kinds of files ----------------------------------------------------------------------------------


def xls() -> bytes:
    """The table in the form of Excel 97."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("Data")
    moment = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    for r, row in enumerate([NAMES, *ROWS]):
        for c, value in enumerate(row):
            if value is not None:
                sheet.write(r, c, value, *([moment] if isinstance(value, datetime) else []))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods() -> bytes:
    """The table in the OpenDocument form."""
    document = OpenDocumentSpreadsheet()
    table = Table(name="Data")
    for row in [NAMES, *ROWS]:
        line = TableRow()
        for value in row:
            line.addElement(_cell(value))
        table.addElement(line)
    document.spreadsheet.addElement(table)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return TableCell()
    if isinstance(value, datetime):
        return TableCell(valuetype="date", datevalue=value.isoformat())
    if isinstance(value, int | float):
        return TableCell(valuetype="float", value=value)
    cell = TableCell(valuetype="string")
    cell.addElement(P(text=value))
    return cell


def parquet() -> bytes:
    """The table in Parquet."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    columns = dict(zip(NAMES, zip(*ROWS, strict=True), strict=True))
    out = pa.BufferOutputStream()
    pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), out)
    return bytes(out.getvalue().to_pybytes())


def xlsx() -> bytes:
    """The table as Excel writes it today."""
    book = openpyxl.Workbook()
    for row in [NAMES, *ROWS]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def tsv() -> bytes:
    """The table with tabs between its cells."""
    lines = ["\t".join("" if v is None else str(v) for v in row) for row in [NAMES, *ROWS]]
    return "\n".join(lines).encode("utf-8-sig")


def xlsm() -> bytes:
    """The same as a workbook with macros: another type of its main part, and the macros' own."""
    plain, macros = (f"application/vnd.{name}.main+xml" for name in _MAIN_PARTS)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx())) as book, zipfile.ZipFile(out, "w") as made:
        for name in book.namelist():
            content = book.read(name)
            if name == "[Content_Types].xml":
                assert plain.encode() in content
                content = content.replace(plain.encode(), macros.encode())
            made.writestr(name, content)
        made.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    return out.getvalue()


def xlsb(folder: Path) -> bytes:
    """The table in Excel's binary form."""
    with XlsbWriter(str(folder / "made.xlsb")) as book:
        book.add_sheet("Data")
        book.write_sheet([NAMES, *ROWS])
    return (folder / "made.xlsb").read_bytes()


_MAIN_PARTS = ("openxmlformats-officedocument.spreadsheetml.sheet", "ms-excel.sheet.macroEnabled")


@pytest.mark.parametrize("made", [xls, ods, parquet, xlsx, xlsm, tsv])
def test_every_kind_says_the_same(read: Read, made: Callable[[], bytes]) -> None:
    """The same table in any form gives the same records, whatever the file is called."""
    for name in ("data.bin", "data.csv"):
        assert RECORDS == read(made(), name=name).output


def test_a_binary_workbook_says_the_same(read: Read, tmp_path: Path) -> None:
    """So does the form in which Excel keeps large workbooks."""
    assert RECORDS == read(xlsb(tmp_path), name="data.bin").output


def test_a_large_table_is_the_same_as_a_small_one(read: Read, tmp_path: Path) -> None:
    """Values do not depend on how many rows there are: mixed columns keep theirs."""
    header = ["number", "whole", "mixed", "text", "flag", "none"]
    rows = [
        [n / 2, n, n if n % 2 else "a", f"t{n}", n % 3 == 0, None if n else "x"]
        for n in range(LARGE + 1)
    ]
    whole = read(workbook(tmp_path, [header, *rows])).output
    part = read(workbook(tmp_path, [header, *rows[:100]])).output
    assert isinstance(whole, list)
    assert [dict(zip(header, row, strict=True)) for row in rows] == whole
    assert list(map(repr, whole[:100])) == list(map(repr, part))  # type: ignore[arg-type]


# A block of a file -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"range": "B2:C4"}, [{"b": 1, "c": 2}, {"b": 3, "c": 4}]),
        ({"range": "$B$2:$C$3"}, [{"b": 1, "c": 2}]),
        ({"range": "c2"}, [{"c": 2, "d": "x"}, {"c": 4, "d": "y"}, {"c": 6, "d": "z"}]),
        ({"range": "B:B", "headerRow": 2}, [{"b": 1}, {"b": 3}, {"b": 5}]),
        ({"range": "B2", "skipRows": 2}, [{"b": 5, "c": 6, "d": "z"}]),
    ],
)
def test_a_range(
    read: Read, tmp_path: Path, config: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    """A block by its corners, columns, or from one cell on, in a workbook as in a text."""
    rows = [["title", "", "", ""], ["a", "b", "c", "d"]]
    rows += [["n", 1, 2, "x"], ["m", 3, 4, "y"], ["o", 5, 6, "z"]]  # type: ignore[list-item]
    assert expected == read(workbook(tmp_path, rows), **config).output
    text = "\n".join(";".join(map(str, row)) for row in rows)
    assert expected == read(text, delimiter=";", **config).output


@pytest.mark.parametrize("text", ["1:2", "B0", "D2:B3", "B4:C2", "ABCD1", "B2:C4:D5"])
def test_what_is_no_range(text: str) -> None:
    """A range that is none is found before anything runs."""
    with pytest.raises(ValidationError, match="range"):
        excel_input.parse({"range": text})


def test_what_does_not_fit_is_told_by_its_cell(read: Read, tmp_path: Path) -> None:
    """Cells with errors and formulas without results are named as Excel names them."""
    book = workbook(tmp_path, [["a", "b"], ["#N/A", "=1+1"], [1, 2]])
    ran = read(book)
    assert [
        {"cell": "A2", "value": "#N/A", "why": "an error"},
        {"cell": "B2", "value": None, "why": "a formula without a stored result"},
    ] == ran.report["misfits"]
    assert 2 == len(warnings(ran))


def test_a_text_that_does_not_fit_is_told_by_its_cell(read: Read) -> None:
    """So are the texts that keep a column of a csv from being numbers or dates, the first few."""
    lines = ["Fecha;Precio;Nota", *(f"0{n}/01/2026;{n},5;x" for n in range(1, 10))]
    lines[3], lines[5] = "ayer;2,5;x", "05/01/2026;n/d;x"
    ran = read("\n".join(lines))
    assert [
        {"cell": "A4", "value": "ayer", "why": "no date, unlike most of its column"},
        {"cell": "B6", "value": "n/d", "why": "no number, unlike most of its column"},
    ] == ran.report["misfits"]
    codes = read("n;k\n28001;x\n08001;y\n", name="codes.csv")
    assert [{"cell": "A3", "value": "08001", "why": "it begins with a zero"}] == (
        codes.report["misfits"]
    )
    many = "\n".join(["n", *["1"] * 60, *["n/d"] * 50])
    assert 20 == len(read(many).report["misfits"])  # type: ignore[arg-type]


# Hostile and broken files ------------------------------------------------------------------------


def sheet_of(*cells: str) -> bytes:
    """A workbook with these cells, each `<c …>`, in a row of their own."""
    out = io.BytesIO(xlsx())
    made = io.BytesIO()
    rows = "".join(f"<row>{cell}</row>" for cell in cells)
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                start = content.index(b"<sheetData>")
                content = content[:start] + f"<sheetData>{rows}</sheetData></worksheet>".encode()
            new.writestr(name, content)
    return made.getvalue()


def limited(folder: Path, content: bytes, **limits: Any) -> Any:
    """What comes of a file within these limits."""
    (folder / "file").write_bytes(content)
    found = Limits(**{"seconds": 30, "memory": 1 << 30, **limits})
    files = FileAccess([folder])
    return run_handler(excel_input, {}, {"filePath": "file"}, files=files, limits=found)


def test_a_far_cell(tmp_path: Path, read: Read) -> None:
    """Two cells in far corners, which would end the process, are an error; others are read."""
    far = sheet_of('<c r="A1"><v>1</v></c>', '<c r="XFD1048576"><v>2</v></c>')
    assert len(far) < 10_000
    with pytest.raises(UnreadableTable, match="reaches over 1048576 × 16384 cells"):
        limited(tmp_path, far)
    assert RECORDS == read(xlsx()).output


def test_a_zip_bomb(tmp_path: Path) -> None:
    """An archive that says how vast it is, is refused; a vast cell harms no other file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.infolist()[0].file_size = 2_000_000_000
    with pytest.raises(UnreadableTable, match="unpacked it has more than 1000 MB"):
        limited(tmp_path, made.getvalue())
    vast = sheet_of("<c><v>" + "1" * 100_000_000 + "</v></c>")
    assert len(vast) < 200_000
    with suppress(HandlerError):
        limited(tmp_path, vast, memory=200 << 20)
    assert RECORDS == limited(tmp_path, xlsx()).output


def test_a_table_beyond_the_memory(tmp_path: Path) -> None:
    """A file that needs more memory than it may have is an error that names the setting."""
    line = ";".join(f"{n}.5" for n in range(200)) + "\n"
    with pytest.raises(WorkerLimit, match=r"asked for more than 160 MiB .*CAUDAL_FILE_MEMORY"):
        limited(tmp_path, line.encode() * 20_000, memory=160 << 20)


def test_a_table_beyond_the_time(tmp_path: Path) -> None:
    """A file that takes longer than it may is an error that names the setting."""
    line = ";".join(f"{n}.5" for n in range(200)) + "\n"
    with pytest.raises(WorkerLimit, match=r"took longer than 0\.3 s .*CAUDAL_FILE_SECONDS"):
        limited(tmp_path, line.encode() * 50_000, seconds=0.3)


def test_one_endless_line(tmp_path: Path) -> None:
    """A line without an end is refused by its size, or read as the one name that it is."""
    (tmp_path / "file").write_bytes(b"")
    with (tmp_path / "file").open("r+b") as file:
        file.truncate(1_000_000_000)
    with pytest.raises(UnreadableTable, match="it has 1000 MB, the limit is 200 MB"):
        run_handler(excel_input, {}, {"filePath": "file"}, files=FileAccess([tmp_path]))
    with pytest.raises(HandlerError):
        limited(tmp_path, b"x" * 100_000_000, memory=150 << 20)


@pytest.mark.parametrize("start", [b"<html><table>", b" <!DOCTYPE html>", b"\xef\xbb\xbf<html>"])
def test_a_page_that_is_called_a_workbook(tmp_path: Path, start: bytes) -> None:
    """HTML named .xls, as many portals send it, is named for what it is."""
    (tmp_path / "report.xls").write_bytes(start + b"<tr><td>1</td></tr></table>")
    files = FileAccess([tmp_path])
    with pytest.raises(UnreadableTable, match=r"HTML or XML document.*save it as \.xlsx"):
        run_handler(excel_input, {}, {"filePath": "report.xls"}, files=files)


def with_a_password() -> Iterator[bytes]:
    """A workbook encrypted as by Excel, and a container as LibreOffice writes it.

    `locked.xlsx` was made by msoffcrypto-tool (ECMA-376, agile); its password is «llave».
    """
    yield Path(__file__).with_name("locked.xlsx").read_bytes()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("content.xml", "scrambled")
        archive.writestr("META-INF/manifest.xml", "<manifest:encryption-data/>")
    yield made.getvalue()


@pytest.mark.parametrize("content", [*with_a_password()], ids=["excel", "libreoffice"])
def test_a_workbook_with_a_password(read: Read, content: bytes) -> None:
    """A protected workbook says that it is, and what to do."""
    with pytest.raises(UnreadableTable, match="protected by a password; save it"):
        read(content)


@pytest.mark.parametrize("made", [xls, ods, parquet, xlsx])
def test_a_truncated_file(read: Read, made: Callable[[], bytes]) -> None:
    """Half a file of any kind is an error that says so."""
    whole = made()
    for part in (len(whole) // 2, 10):
        with pytest.raises(HandlerError) as caught:
            read(whole[:part])
        assert caught.value.hint()
    try:
        found = read(whole[:-30]).output
    except HandlerError as error:
        assert error.hint()  # noqa: PT017 - what is read of it may also be whole
    else:
        assert RECORDS == found
