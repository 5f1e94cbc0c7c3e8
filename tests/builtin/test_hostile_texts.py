"""No text makes a reader slow: what is read takes time in proportion to its length.

None of these would end within a test's patience if its time grew with the square of the length.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from tests.builtin.conditions import ran
from tests.builtin.files import reader, workbook

from caudal_builtin import answers, named_file
from caudal_builtin.conditions.comparison import comparison, pair_in
from caudal_builtin.conditions.fields import find
from caudal_builtin.equality import items_in
from caudal_builtin.expressions import compile_expression
from caudal_builtin.expressions.functions import FUNCTIONS
from caudal_builtin.moments import Zone, read_moment
from caudal_builtin.numbers import canonical_number, comma_number
from caudal_builtin.tables import csv_file, sniff, xlsx_scan
from caudal_builtin.tables.dates import iso_date, spanish_date
from caudal_builtin.tables.numerals import unclear_thousands, with_comma, with_point
from caudal_core import CaudalError, Records
from caudal_core.formats import literal
from caudal_core.template import compile_template

LENGTH = 50_000


def searched(pattern: Any) -> Callable[[str], Any]:
    """A look for a pattern of bytes everywhere in a text."""
    return lambda text: pattern.findall(text.encode())


READERS: dict[str, Callable[[str], Any]] = {
    "pair_in": pair_in,
    "items_in": items_in,
    "find": lambda text: find(text, Records([{"a": 1}])),
    "comparison": lambda text: comparison("greaterThan", text, Zone("UTC"))(text),
    "read_moment": read_moment,
    "canonical_number": canonical_number,
    "comma_number": comma_number,
    "with_comma": with_comma,
    "with_point": with_point,
    "unclear_thousands": lambda text: unclear_thousands([text], ","),
    "spanish_date": spanish_date,
    "iso_date": iso_date,
    "number()": FUNCTIONS["number"].call,
    "date()": FUNCTIONS["date"].call,
    "compile_expression": compile_expression,
    "compile_template": compile_template,
    "literal": literal,
    "wrong_name": answers.wrong_name,
    "header_text": lambda text: answers.header_text("X-Id", text, {}),
    "body_of": lambda text: answers.body_of(text, {"a": 1}),
    "remote": named_file._REMOTE.match,  # noqa: SLF001
    "excel's line": csv_file._EXCEL_HINT.fullmatch,  # noqa: SLF001
    "delimiter_of": lambda text: sniff.delimiter_of([text], None),
    "title_above": lambda text: sniff.title_above([text, text, text], None, None),
    "markup": lambda text: sniff._MARKUP.match(text.encode()),  # noqa: SLF001
    "reference": searched(xlsx_scan._REFERENCE),  # noqa: SLF001
    "any reference": searched(xlsx_scan._ANY_REFERENCE),  # noqa: SLF001
    "end of a cell": searched(xlsx_scan._CELL_END),  # noqa: SLF001
    "no result": searched(xlsx_scan._NO_RESULT),  # noqa: SLF001
}
BEGINNINGS = ("", "1", "-1,", "[", '"', "a.", "1/1/2026", "2026-01-01T", " r", "</f>", "</", "{{a|")
FILLINGS = (
    " ",
    "\t ",
    "0",
    "1 ",
    "a",
    ", ",
    ".000",
    '"',
    "[0]",
    ".a",
    "\\",
    "{{a}}",
    "</f> ",
    " y ",
)
ENDINGS = ("", "!", "</v> <x/>")


@pytest.mark.parametrize("name", READERS)
def test_no_text_takes_more_than_its_length(name: str) -> None:
    """Whatever a text of fifty thousand characters repeats, each reader is soon done with it."""
    for beginning in BEGINNINGS:
        for filling in FILLINGS:
            text = beginning + filling * (LENGTH // len(filling))
            for ending in ENDINGS:
                with contextlib.suppress(CaudalError):
                    READERS[name](text + ending)


def test_limits_far_apart_are_soon_read() -> None:
    """The limits of a `between` that is filled from data may have any blanks around them."""
    limits = "1" + " " * LENGTH + "5"
    with pytest.raises(CaudalError, match="needs two values to lie between"):
        ran({"v": 3, "x": limits}, "v", "between", "{{x}}")
    limits = "1" + " " * LENGTH + "and" + " " * LENGTH + "5"
    assert ["true"] == list(ran({"v": 3, "x": limits}, "v", "between", "{{x}}").outputs)


def rewritten(book: Path, sheet: Callable[[bytes], bytes]) -> bytes:
    """The workbook with its sheets' XML changed."""
    target = BytesIO()
    with ZipFile(book) as old, ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, sheet(content) if "worksheets" in name else content)
    return target.getvalue()


def test_blanks_between_a_formula_and_its_result(tmp_path: Path) -> None:
    """A sheet with blanks where nobody puts them is soon looked at, and read as it is."""
    book = workbook(tmp_path, [["a"], ["=1"]])
    odd = b"<f>1</f>" + b" " * LENGTH + b"<v>1</v>"
    read = reader(tmp_path)(rewritten(book, lambda xml: xml.replace(b"<f>1</f><v />", odd)))
    assert ([{"a": 1}], []) == (read.output, read.log)


@pytest.mark.parametrize("filling", [b" ", b'<c r="A9" s="1"/>', b"<x>"])
def test_a_sheet_without_the_end_of_a_cell(tmp_path: Path, filling: bytes) -> None:
    """A sheet is looked at piece by piece, whether or not a cell ends in each of them."""
    book = rewritten(
        workbook(tmp_path, [["a"]]),
        lambda xml: xml.replace(b"</sheetData>", filling * (1 << 24) + b"</sheetData>"),
    )
    (tmp_path / "long.xlsx").write_bytes(book)
    longest = max(map(len, pieces(tmp_path / "long.xlsx")))
    assert longest <= 6 << 20


def pieces(path: Path) -> list[bytes]:
    """The pieces in which the first sheet is looked at."""
    with ZipFile(path) as archive:
        return list(xlsx_scan._pieces(archive, "xl/worksheets/sheet1.xml"))  # noqa: SLF001
