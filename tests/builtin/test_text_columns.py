"""Reading text files in columns: the same table as by rows, in every detail."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal_builtin.tables import csv_file, job, text_columns
from caudal_builtin.tables.coded import Coded
from caudal_builtin.tables.layout import Options, Table
from caudal_builtin.tables.problem import UnreadableTable
from caudal_builtin.tables.reading import read_table
from caudal_core import Records

PLAIN = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters='\0"\r\n;,'), max_size=5
)
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
DATES = st.datetimes().map(lambda at: at.strftime("%d/%m/%Y %H:%M")) | st.dates().map(str)
COLUMNS = (
    PLAIN,
    st.integers(-(10**18), 10**18).map(str),
    st.integers(0, 10**5).map(lambda n: f"{n:05}"),
    st.floats(-1e6, 1e6).map(repr),
    st.floats(-1e6, 1e6).map(lambda n: f"{n:.2f}".replace(".", ",")),
    st.floats(-1e6, 1e6).map(lambda n: f"{n:,.2f}".translate(str.maketrans(",.", ".,"))),
    st.integers(-99, 99).map(str) | st.floats(-9, 9).map(lambda n: f"{n:.1f}"),
    st.sampled_from(
        ["31/12/2026", "1/1/2026 0:15", "2026-02-29", "2026-03-29T02:15", "30/02/2026"]
    ),
    DATES,
    st.sampled_from(["1.234", "1,5 €", "12%", "0", "-0", "1e5", "\ufeff", "\x1c", " 7 ", "\xa0"]),
    st.sampled_from(["", " ", "x"]),
)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """A text file, and the delimiter of its cells."""
    delimiter = draw(st.sampled_from(";,\t"))
    odd = draw(st.integers(0, 4)) == 0
    kinds = draw(
        st.lists(st.sampled_from((*COLUMNS, ANY) if odd else COLUMNS), min_size=2, max_size=5)
    )
    row = st.tuples(*(st.just("") | kind for kind in kinds))
    empty = st.tuples(*(st.sampled_from(["", " "]) for _ in kinds))
    ragged = st.lists(PLAIN, max_size=6)
    rows = draw(st.lists(row | empty | ragged if odd else row | row | empty, max_size=12))
    names = draw(st.lists(PLAIN.map("n".__add__) | PLAIN, min_size=len(kinds), max_size=len(kinds)))
    out = io.StringIO()
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    csv.writer(out, delimiter=delimiter, lineterminator=ending).writerows([names, *rows])
    end = draw(st.sampled_from(["\n", " ", "x", ";", '"', '"a"b\n'] if odd else [""]))
    return out.getvalue() + end, delimiter


def said(table: Table) -> dict[str, Any]:
    """All that a table says, its values with their types."""
    about = {name: getattr(table, name) for name in Table.__slots__}
    columns = [list(map(repr, column)) for column in table.columns]
    return about | {"columns": columns, "places": [*table.places], "letters": [*table.letters]}


def read(path: Path, options: Options, size: int) -> Any:
    """What is read, or why not, where files of this size are large."""
    with mock.patch.object(text_columns, "LARGE", size):
        try:
            return said(read_table(path, options))
        except UnreadableTable as error:
            return str(error)


def records(path: Path, large: int) -> Records:
    """The records of a file, where tables of so many rows are large."""
    with mock.patch.object(text_columns, "LARGE", large), mock.patch.object(job, "LARGE", large):
        return job.records_of(job.read(job.request(path, Options(delimiter=";"), [])), lambda: None)


@settings(deadline=None)
@given(
    texts(),
    st.builds(
        Options,
        header_row=st.sampled_from([None, 1, 2]),
        skip_rows=st.integers(0, 2),
        decimal=st.sampled_from([None, ".", ","]),
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
    st.booleans(),
)
def test_in_columns_everything_is_as_by_rows(
    tmp_path_factory: pytest.TempPathFactory,
    made: tuple[str, str],
    options: Options,
    encoding: str,
    hint: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """Names, values and their types, places, warnings, misfits and errors do not differ."""
    content, delimiter = made
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    line = f"sep={delimiter}\n" if hint else ""
    path.write_bytes((line + content).encode(encoding, "replace"))
    for said_so in (options, replace(options, delimiter=delimiter)):
        assert read(path, said_so, 1 << 40) == read(path, said_so, 0)


@settings(deadline=None)
@given(texts())
def test_large_tables_give_the_records_of_small_ones(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[str, str]
) -> None:
    """Records made of columns are those that rows make, value by value."""
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(made[0].encode())
    try:
        small = records(path, 1 << 40)
    except UnreadableTable:
        return
    assert repr(small.to_json()) == repr(records(path, 0).to_json())


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_plain_texts_are_read_in_columns(tmp_path: Path, encoding: str, ending: str) -> None:
    """The way by rows is not taken for a plain file, and its records stay in columns."""
    path = tmp_path / "a.csv"
    lines = ["Día;Precio;CP;Nota", *(f"{n % 28 + 1:02}/01/2026;{n},5;{n:05};ñ" for n in range(99))]
    path.write_bytes(ending.join(lines).encode(encoding))
    with mock.patch.object(csv_file, "_rows", side_effect=AssertionError):
        found = records(path, 0)
    assert found.in_columns
    assert {"Día": "2026-01-02", "Precio": 1.5, "CP": "00001", "Nota": "ñ"} == found.view()[1]
    assert 99 == len(found)


def test_a_row_of_many_blocks_is_read_by_rows(tmp_path: Path) -> None:
    """What does not fit into a block that is cut at a time is no reason to lose it."""
    path = tmp_path / "a.csv"
    path.write_text("a;b\n" + "x" * 100_000 + ";1\n" + "y" * 100_000 + ";2\n")
    with mock.patch.object(text_columns, "_BLOCK", 1_000):
        assert [1, 2] == records(path, 0).column("b")


def test_texts_that_come_again_are_kept_once(tmp_path: Path) -> None:
    """A column's memory goes with its different texts."""
    path = tmp_path / "a.csv"
    path.write_text("a;b\n" + "north;1\nsouth;2\n" * 500)
    with mock.patch.object(text_columns, "LARGE", 0):
        columns = read_table(path, Options()).columns
    assert [["north", "south"], [1, 2]] == [c.values for c in columns if isinstance(c, Coded)]
