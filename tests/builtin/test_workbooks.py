"""The handler `excelInput`: workbooks."""

import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from tests.builtin.files import Read, warnings, workbook

from caudal_builtin.excel_input import excel_input
from caudal_builtin.tables.layout import Options
from caudal_builtin.tables.problem import UnreadableTable
from caudal_builtin.tables.reading import read_table

moment = datetime.fromisoformat


def test_a_workbook_keeps_its_types(read: Read, tmp_path: Path) -> None:
    """Numbers, texts, booleans, dates, times and durations are what they are in the cells."""
    book = workbook(
        tmp_path,
        [
            ["n", "f", "t", "b", "d", "dt", "h", "dur", "none"],
            [5, 5.5, "08001", True, date(2024, 1, 31), moment("2024-01-31T10:15"), time(10, 30),
             timedelta(hours=30), None],
            [6.0, 6, "12", False, date(2024, 2, 1), moment("2024-02-01"), None, None, None],
        ],
    )  # fmt: skip
    ran = read(book, name="whatever.csv")
    assert [
        {"n": 5, "f": 5.5, "t": "08001", "b": True, "d": "2024-01-31", "dt": "2024-01-31T10:15:00",
         "h": "10:30:00", "dur": "P1DT21600S", "none": None},
        {"n": 6, "f": 6, "t": "12", "b": False, "d": "2024-02-01", "dt": "2024-02-01T00:00:00",
         "h": None, "dur": None, "none": None},
    ] == ran.output  # fmt: skip
    assert [int, int] == [type(row["n"]) for row in ran.output]
    assert (None, None, "Sheet1") == tuple(
        ran.report[key] for key in ("encoding", "delimiter", "sheet")
    )


def test_quarter_hours_are_exact(read: Read, tmp_path: Path) -> None:
    """A whole year of quarter-hours comes back without a single rounded second."""
    start = moment("2024-01-01")
    moments: list[Any] = [start + timedelta(minutes=15 * step) for step in range(0, 35_136, 7)]
    book = workbook(tmp_path, [["t"], *([at] for at in moments)])
    assert [at.isoformat() for at in moments] == [row["t"] for row in read(book).output]


def test_a_sheet_is_chosen_by_name_or_number(read: Read, tmp_path: Path) -> None:
    """Without a choice the first visible sheet is read; an unknown one names the nearest."""
    sheets = [[["a"], [1]], [["a"], [2]], [["a"], [3]]]
    book = workbook(tmp_path, *sheets, names=("Oculta", "Precios", "2024"))
    loaded = openpyxl.load_workbook(book)
    loaded["Oculta"].sheet_state = "hidden"
    loaded.save(book)
    expected = {None: 2, "": 2, "Precios": 2, 1: 1, "1": 1, 3: 3, "2024": 3}
    for sheet, number in expected.items():
        assert [{"a": number}] == read(book, sheet=sheet).output
    with pytest.raises(UnreadableTable, match="Oculta, Precios, 2024; did you mean 'Precios'"):
        read(book, sheet="Precio")
    for sheet in (9, 0, "0", -1):
        told = (
            f"there is no sheet '{sheet}'; the sheets are: .*; give its name, or its number, from 1"
        )
        with pytest.raises(UnreadableTable, match=told):
            read(book, sheet=sheet)


def test_a_sheet_whose_name_is_a_number_is_found(read: Read, tmp_path: Path) -> None:
    """A name comes before a number, whether a form stored it as a text or as a number."""
    sheets = [[["a"], [number]] for number in range(4)]
    book = workbook(tmp_path, *sheets, names=("x", "2026", "1", "0"))
    expected = {2026: 1, "2026": 1, 1: 2, "1": 2, 0: 3, "0": 3, 2: 1, 4: 3}
    for sheet, number in expected.items():
        assert [{"a": number}] == read(book, sheet=sheet).output


def test_names_may_stand_anywhere(read: Read, tmp_path: Path) -> None:
    """Empty rows and columns before the table do no harm; the row of the names may be said."""
    rows = [[], [None, "Report"], [None, "year", 2024, date(2024, 1, 1)], [None, "x", 1, 2], []]
    ran = read(workbook(tmp_path, rows), headerRow=3)
    assert [{"year": "x", "2024": 1, "2024-01-01": 2}] == ran.output
    later = read(workbook(tmp_path, [[], [None, "a"], [None, 1], [], [None, 2]]))
    assert [{"a": 1}, {"a": 2}] == later.output
    assert 1 == later.report["skipped"]


def test_errors_and_formulas_without_result_are_told(read: Read, tmp_path: Path) -> None:
    """A cell with an error is null, and so is a formula that was never computed; both counted."""
    rows = [["a", "b", "c"], ["#N/A", "=1+1", 1], ["#DIV/0!", 2, 3], ["x", 3, None]]
    ran = read(workbook(tmp_path, rows))
    assert [None, None, "x"] == [row["a"] for row in ran.output]
    assert [None, 2, 3] == [row["b"] for row in ran.output]
    assert [
        "2 cells with an error such as #N/A, now null",
        "1 formula without a stored result, now null; save the file in Excel",
    ] == warnings(ran)


def test_two_cells_in_far_corners_do_not_fill_the_memory(read: Read, tmp_path: Path) -> None:
    """A sheet that would take all memory is refused before it is laid out."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["XFD1048576"] = "a", 1
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(UnreadableTable, match="1048576 × 16384 cells, the limit is 20000000"):
        read(tmp_path / "far.xlsx")


def test_a_far_cell_is_seen_however_it_is_written(read: Read, tmp_path: Path) -> None:
    """The look at a sheet understands all that XML allows in an attribute."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["XFD1048576"] = "a", 1
    book.save(tmp_path / "far.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "far.xlsx") as old,
        zipfile.ZipFile(tmp_path / "odd.xlsx", "w") as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if "worksheets" in name:
                content = content.replace(b' r="XFD1048576"', b"\n r = 'XFD1048576'")
            new.writestr(name, content)
    with pytest.raises(UnreadableTable, match="the limit is 20000000"):
        read(tmp_path / "odd.xlsx")


def test_a_damaged_workbook_is_a_clear_error(read: Read, tmp_path: Path) -> None:
    """A workbook with a broken sheet says so."""
    book = workbook(tmp_path, [["a"], [1]])
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as new:
        for name in old.namelist():
            broken = b"<worksheet><sheetData><row><c" if "worksheets" in name else old.read(name)
            new.writestr(name, broken)
    with pytest.raises(UnreadableTable, match="the workbook cannot be read"):
        read(tmp_path / "bad.xlsx")


def test_unpacked_a_workbook_has_a_largest_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small archive of a vast content is refused before it is unpacked."""
    book = workbook(tmp_path, [["a"], [1]])
    monkeypatch.setattr("caudal_builtin.tables.sniff.MAX_UNPACKED", 100)
    with pytest.raises(UnreadableTable, match="unpacked it has more than"):
        read_table(book, Options())


def test_columns_of_a_workbook(read: Read, tmp_path: Path) -> None:
    """Columns are chosen by the names that they have after all were made unique."""
    book = workbook(tmp_path, [["a", "a", None], [1, 2, 3]])
    ran = read(book, columns=["a_2", "column_3"])
    assert [{"a_2": 2, "column_3": 3}] == ran.output


def test_reading_runs_in_a_thread() -> None:
    """The handler computes, so it is a plain function that is never called on the spot."""
    assert not excel_input.is_async
    assert not excel_input.light
