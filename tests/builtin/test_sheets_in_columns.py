"""Large sheets in columns: whichever way a sheet is read, all that is said of it is the same."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builtin.sheets import (
    DAY,
    DURATION,
    MOMENT,
    NOTHING,
    TIME,
    cells,
    ended,
    error,
    flag,
    formula,
    is_read_in_columns,
    number,
    same,
    shared,
    text,
    write,
)

from caudal_builtin.excel_input import excel_input
from caudal_builtin.tables import xlsx_columns
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import run_handler

MOST = 2**53
ENOUGH = 1 << 18
"""So many bytes that all of a small sheet is looked at."""

WORDS = ("NA", "n/a", "nan", "null", "None", "NULL", "-1.#IND", "#N/A")
"""Texts that the library takes for nothing where the others of a column are no texts."""

BLANKS = {
    "no cell": NOTHING,
    "spaces": text("  "),
    "an empty text": text(""),
    "an empty result": formula("", "str"),
    "an error": error("#DIV/0!"),
}


def table(column: Sequence[str], folder: Path, **book: Any) -> Path:
    """A workbook with this column and one of whole numbers, below two names."""
    rows = ([cell, number(n)] for n, cell in enumerate(column))
    return write(folder / "a.xlsx", cells([text("value"), text("row")], *rows), **book)


# Columns of one type -----------------------------------------------------------------------------

ONE_TYPE = {
    "whole numbers": [number(n) for n in (1, 0, -7, "-0", "3.0", "1E3", MOST - 1, 1 - MOST)],
    "decimals": [number(n) for n in ("0.1", "-2.5", "1E-7", "4.9E-324", "29.020000000000003")],
    "both": [number(n) for n in ("1", "2.5", "-0", "1E15", MOST - 1, "0.1")],
    "too large to be whole": [number(n) for n in ("1E300", MOST, -MOST)],
    "whole, decimals, and too large": [number(n) for n in ("1", "2.5", "1E300")],
    "decimals, and too large": [number(n) for n in ("2.5", "1E300", MOST)],
    "results of formulas": [formula(2), formula("2.5"), formula("")],
    "dates": [number(n, DAY) for n in (46_000, 45_999, 2_958_465, 1_464)],
    "nearly whole days": [number(n, DAY) for n in ("46000.000000001", 46_001)],
    "dates and times": [number(n, MOMENT) for n in ("46000.010416666664", 46_000, "46000.5")],
    "milliseconds": [number(n, MOMENT) for n in ("46000.00000001157", "46000.123456789", 46_000)],
    "durations": [number(n, DURATION) for n in ("1.25", "0.00001", 0, 400, -1)],
    "booleans": [flag(1), flag(0), flag(1)],
    "results that are booleans": [formula(1, "b"), flag(0)],
    "texts": [text(t) for t in ("Málaga", "08001", "1,5", "1.234,56", " x ", "true", "#N/A")],
    "words for nothing": [text(word) for word in WORDS],
    "shared texts": [shared(0), shared(1), shared(0), shared(2)],
    "results that are texts": [formula("x", "str"), formula("", "str"), text("y")],
    "odd texts": [text(t) for t in ("a\nb", "<&>\"'", "_x000D_", "🌞", "a\xa0", "\x85y")],
    "blank texts": [text(t) for t in (" ", "", "\xa0", "\t\n", "\u2003", "\x1f ", "x")],
    "nothing": [NOTHING, NOTHING],
}


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("kind", ONE_TYPE)
def test_a_column_of_one_type(tmp_path: Path, kind: str, blank: str) -> None:
    """Cells of one type, with blank ones among them, are read in columns and stay what they are."""
    column = [*ONE_TYPE[kind], BLANKS[blank], *ONE_TYPE[kind]]
    path = table(column, tmp_path, texts=("one", " ", "two"))
    assert len(column) == same(path)["rows"]
    assert is_read_in_columns(path)


@pytest.mark.parametrize("style", [DAY, MOMENT])
def test_days_may_be_counted_from_1904(tmp_path: Path, style: int) -> None:
    """Days are counted from the year that the workbook says."""
    days = [number(n, style) for n in (44_538, "44538.25", 44_539)]
    path = table(days, tmp_path, since_1904=True)
    assert same(path) != same(table(days, tmp_path))
    assert is_read_in_columns(path)


def test_days_that_are_nearly_whole(tmp_path: Path) -> None:
    """Moments that miss midnight by less than can be shown are dates, unless others have times."""
    nearly = number("46000.000000001", DAY)
    values = {"dates": ["'2025-12-09'"] * 2, "moments": ["'2025-12-09T00:00:00'"] * 2}
    values["moments"].append("'2025-12-09T12:00:00'")
    for kind, more in (("dates", []), ("moments", [number("46000.5", MOMENT)])):
        found = same(table([nearly, number(46_000, DAY), *more], tmp_path))
        assert values[kind] == found["table"].columns[0]


def test_a_large_sheet(tmp_path: Path) -> None:
    """What a node makes of a sheet does not depend on its size, and odd cells are told by name."""
    rows = [
        [number(n), text(f"{n:05}"), number(46_000 + n / 96, MOMENT), flag(n % 2), NOTHING]
        for n in range(28_000)
    ]
    rows[7][0], rows[9][1] = error("#REF!"), formula()
    names = [text(name) for name in ("number", "code", "when", "flag", "none")]
    made = [write(tmp_path / f"{n}.xlsx", cells(names, *rows[:n])) for n in (100, len(rows))]
    assert xlsx_columns.LARGE < zipfile.ZipFile(made[1]).infolist()[-1].file_size
    files = FileAccess([tmp_path])
    part, whole = (run_handler(excel_input, {}, {"filePath": p.name}, files=files) for p in made)
    assert len(rows) == len(whole.output)
    assert list(map(repr, part.output)) == list(map(repr, whole.output[:100]))
    assert part.report["misfits"] == whole.report["misfits"]
    assert ["A9", "B11"] == [misfit["cell"] for misfit in whole.report["misfits"]]
    assert part.log == whole.log


# Columns of several types ------------------------------------------------------------------------

ONE, DECIMAL, NAME = number(1), number("1.5"), text("x")
DATE, NOON = number(46_000, DAY), number("46000.5", MOMENT)
SEVERAL_TYPES = {
    "numbers and a text": [ONE, ONE, text("n/d")],
    "numbers and a text that is one": [ONE, ONE, text("2")],
    "numbers and a boolean": [ONE, DECIMAL, flag(1)],
    "numbers and a date": [ONE, ONE, DATE],
    "texts and a number": [NAME, NAME, DECIMAL],
    "texts and a date": [NAME, NAME, DATE],
    "texts and a boolean": [NAME, NAME, flag(0)],
    "booleans and a number": [flag(1), flag(1), number(0)],
    "dates and a number": [DATE, NOON, number(46_000)],
    "dates and a text": [DATE, NOON, text("2026-01-01")],
    "dates and a duration": [DATE, NOON, number(1, DURATION)],
    "dates and a time": [DATE, DATE, number("0.5", TIME)],
    "times": [number("0.25", TIME), number("0.5", TIME)],
    "dates before 1904": [number(1, DAY), number(60, DAY), number(1_463, DAY)],
    "a day beyond the calendar": [DATE, number(2_958_466, DAY)],
    "a day beyond all measure": [DATE, number("1E9", DAY)],
    "days before the calendar": [DATE, number(-1, DAY), number("-1E9", DAY)],
    "durations and a text": [number(1, DURATION), number(2, DURATION), NAME],
    "dates as texts of the format": ['<c t="d"><v>2026-01-01T00:00:00</v></c>'] * 2,
    "moments as texts of the format": ["<c t='d'><v>2026-01-01T00:00:00.123456</v></c>"] * 2,
    "an error that has another name": [ONE, error("#NAME?")],
    **{f"numbers and {word}": [ONE, DECIMAL, text(word)] for word in WORDS},
    **{f"dates and {word}": [DATE, NOON, text(word)] for word in WORDS},
    **{f"booleans and {word}": [flag(1), flag(0), text(word)] for word in WORDS},
}


@pytest.mark.parametrize("shown", [300, ENOUGH])
@pytest.mark.parametrize("kind", SEVERAL_TYPES)
def test_a_column_of_several_types(tmp_path: Path, kind: str, shown: int) -> None:
    """A sheet with a column of several types is read cell by cell, wherever the odd one stands."""
    first, *others = SEVERAL_TYPES[kind]
    path = table([first] * 9 + others, tmp_path)
    assert 9 + len(others) == same(path, shown=shown)["rows"]
    assert not is_read_in_columns(path, shown=shown)


# Names and blocks --------------------------------------------------------------------------------

BODY = [[number(n), text(f"t{n}"), number(46_000 + n, DAY), flag(n % 2)] for n in range(4)]
NAMES = {
    "all texts": [text("a"), text("b"), text("c"), text("d")],
    "numbers and texts": [number(2024), number("1.5"), text("c"), text("2025")],
    "a blank one": [text("a"), text(" "), NOTHING, text("d")],
    "dates and booleans": [number(46_000, DAY), number("46000.5", MOMENT), flag(1), error()],
    "with line breaks": [text("a\nb"), text(" b "), text("\ufeffc"), text("__UNNAMED__3")],
    "too few": [text("a")],
    "too many": [text("a"), text("b"), text("c"), text("d"), text("e"), text("f")],
}


@pytest.mark.parametrize("names", NAMES)
def test_names(tmp_path: Path, names: str) -> None:
    """Names are what they are cell by cell, whatever kind of cell they stand in."""
    path = write(tmp_path / "a.xlsx", cells(NAMES[names], *BODY))
    assert 4 == same(path)["rows"]
    assert is_read_in_columns(path)


@pytest.mark.parametrize(
    "names", [["a", "a"], ["a", "a_1", "a"], ["1E300"], ["-0"], ["__UNNAMED__1", ""]]
)
def test_names_that_the_library_would_change(tmp_path: Path, names: list[str]) -> None:
    """Names that would not come back as they are, are made unique in our own way."""
    row = [number(name) if name[:1].isdigit() else text(name) for name in names]
    assert 4 == same(write(tmp_path / "a.xlsx", cells(row, *BODY)))["rows"]


GAPS = [[], [NOTHING, text("a"), text("b")], [NOTHING, number(1), text("x")], [], [text(" ")]]
GAPS += [[NOTHING, NOTHING, text("y")], [NOTHING, error(), NOTHING], [NOTHING, number(2)], []]


@pytest.mark.parametrize(
    ("options", "rows", "in_columns"),
    [
        ({}, 3, False),  # the names are searched for
        ({"header_row": 2}, 3, True),
        ({"header_row": 2, "skip_rows": 1}, 2, True),
        ({"header_row": 2, "skip_rows": 7}, 0, True),
        ({"header_row": 2, "skip_rows": 99}, 0, False),
        ({"header_row": 3}, 2, True),
        ({"header_row": 99}, None, False),
        ({"range": "B2:C8"}, 3, True),
        ({"range": "B2:C3"}, 1, True),
        ({"range": "B2:C2"}, 0, True),
        ({"range": "C:C", "header_row": 2}, 2, True),
        ({"range": "B2:Z99"}, 3, True),
        ({"range": "B1:B9"}, 2, False),
        ({"range": "B2", "skip_rows": 1}, 2, True),
        ({"range": "X1:Z9"}, None, False),
    ],
)
def test_blocks(
    tmp_path: Path, options: dict[str, Any], rows: int | None, *, in_columns: bool
) -> None:
    """Ranges, rows of names and rows to skip cut the same block; empty rows are left out."""
    path = write(tmp_path / "a.xlsx", cells(*GAPS))
    assert rows == same(path, **options).get("rows")
    assert rows is None or in_columns == is_read_in_columns(path, **options)


def row(place: int, **found: str | int) -> str:
    """A row whose cells are placed by their own names; what is no number there, is a text."""
    row = "".join(f'<c r="{name}"><v>{value}</v></c>' for name, value in found.items())
    return f'<row r="{place}">{row}</row>'


@pytest.mark.parametrize(
    "rows",
    [
        [row(3, A3=2), row(1, A1="a")],
        [row(2, A2="a"), row(3, A3=2), row(1, A1="b")],
        [row(1, A1="a"), row(2, A2=2), row(1, A1="b", B1="c")],
        [row(1, A1="a"), row(2, A2=2, A9=1), row(3, A3="x", A2="y")],
        [row(1, C1="c", A1="a"), row(2, C2=1, B2=2)],
        ["<row><c><v>a</v></c><c/><c><v>b</v></c></row>", "<row><c><v>1</v></c></row>"],
    ],
)
@pytest.mark.parametrize("shown", [50, ENOUGH])
def test_cells_in_any_order(tmp_path: Path, rows: list[str], shown: int) -> None:
    """A cell is where its name says, wherever it stands in the file."""
    assert same(write(tmp_path / "a.xlsx", "".join(rows)), shown=shown)["rows"]


def test_a_duration_that_nothing_can_hold(tmp_path: Path) -> None:
    """A duration of more than a million years is an error of the workbook."""
    path = table([number(1, DURATION), number("1E12", DURATION)], tmp_path)
    assert "the workbook cannot be read" in same(path)["error"]


@pytest.mark.parametrize("data", ["", "<row/>", "<row><c/></row>", cells([text("a")])])
def test_a_sheet_of_next_to_nothing(tmp_path: Path, data: str) -> None:
    """An empty sheet is the same error, and one of names alone has no rows."""
    assert {"error", "rows"} & set(same(write(tmp_path / "a.xlsx", data)))


AGAIN = {"text": text("x"), "flag": flag(0), "moment": number(46_001, MOMENT), "error": error()}


@pytest.mark.parametrize("again", [*AGAIN, "what the library calls one without a name"])
@pytest.mark.parametrize("first", [NOTHING, text(""), error(), flag(1), number(46_000, DAY)])
@pytest.mark.parametrize("at", ["A1", "C1"])
def test_a_name_that_is_written_again(tmp_path: Path, at: str, first: str, again: str) -> None:
    """Of two cells in one place the last one counts, however far behind it stands."""
    data = cells([first, text("b")], *([number(n), number(n)] for n in range(40)))
    cell = AGAIN.get(again, text("__UNNAMED__0")).replace("<c", f'<c r="{at}"', 1)
    same(write(tmp_path / "a.xlsx", f'{data}<row r="42">{cell}</row>'))


TAILS = {
    b"</sheetData></worksheet>": True,
    b"</sheetData><mergeCells><x></mergeCells></worksheet>": True,
    b"</sheetData></wrong>": True,
    b"</sheetData>": True,
    b"</sheetData><broken": False,
    b"</sheetData>\x00\xff</worksheet>": False,
}


@pytest.mark.parametrize("tail", TAILS)
def test_what_follows_the_cells(tmp_path: Path, tail: bytes) -> None:
    """What is an error cell by cell is one in columns as well."""
    path = ended(table([number(n) for n in range(30)], tmp_path), tail)
    assert TAILS[tail] is ("error" not in same(path))
    if TAILS[tail]:
        assert is_read_in_columns(path)


# Any sheet ---------------------------------------------------------------------------------------

_NUMBERS = st.one_of(st.integers(-(10**17), 10**17), st.floats(allow_nan=False)).map(number)
_DAYS = st.one_of(st.integers(-10, 60_000), st.floats(-10, 3e6))
_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=6)
KINDS = [
    _NUMBERS,
    st.integers(-50, 50).map(number),
    *(_DAYS.map(lambda day, style=style: number(day, style)) for style in range(1, 5)),
    st.integers(40_000, 50_000).map(lambda day: number(day, MOMENT)),
    st.sampled_from([flag(0), flag(1)]),
    st.one_of(_TEXTS, st.sampled_from([*WORDS, "", " ", "1", "1,5", "08001"])).map(text),
]
BLANK = st.sampled_from(list(BLANKS.values()))


@st.composite
def sheets(draw: st.DrawFn) -> str:
    """Columns mostly of one type each, with blanks, and now and then a cell of another."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    odd = draw(st.sampled_from([0, 0, 1]))
    rows = [draw(st.lists(st.one_of(_TEXTS.map(text), BLANK), min_size=1, max_size=4))]
    for _ in range(draw(st.integers(0, 8))):
        choices = [st.one_of(kind, kind, kind, BLANK, *KINDS[: odd * 9]) for kind in kinds]
        rows.append([draw(choice) for choice in choices])
    return cells(*rows)


@settings(deadline=None, max_examples=150)
@given(sheets(), st.integers(0, 600), st.sampled_from([{}, {"header_row": 1}, {"range": "A1:C5"}]))
def test_any_sheet(
    tmp_path_factory: pytest.TempPathFactory, data: str, shown: int, options: dict[str, Any]
) -> None:
    """Whatever stands in a sheet, and however much of it is looked at first."""
    path = tmp_path_factory.mktemp("any") / "a.xlsx"
    same(write(path, data), shown=shown, **options)


def test_texts_beyond_what_a_column_can_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the library gives up as its texts take too many bytes, cells are read one by one."""

    class PanicException(BaseException):
        """As Rust's is called here; to bring about a real one takes 5 GB."""

    def panics(_: Any) -> Any:
        raise PanicException

    path = table([text("x")], tmp_path)
    monkeypatch.setattr("fastexcel.ExcelSheet.to_arrow_with_errors", panics)
    assert 1 == same(path)["rows"]
    assert not is_read_in_columns(path)
