"""The handler `excelInput`: which columns, which encodings, and what is no table."""

import weakref
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.builtin.files import SPANISH, Read

from caudal_builtin.excel_input import excel_input
from caudal_builtin.tables.layout import Options, laid_out
from caudal_builtin.tables.problem import UnreadableTable
from caudal_builtin.tables.reading import read_table
from caudal_core import UnknownField
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import run_handler


def test_columns_are_chosen_in_order(read: Read) -> None:
    """Only the columns of the config are kept, in its order; an unknown one is an error."""
    ran = read("a;b;c\n1;2;3\n", columns="c, a")
    assert [("c", 3), ("a", 1)] == list(ran.output[0].items())
    assert ["c", "a"] == ran.report["columns"]
    with pytest.raises(UnknownField, match="did you mean 'Precio'"):
        read("Precio;b\n1;2\n", columns=["precios"])


@pytest.mark.parametrize(
    ("content", "wanted", "why"),
    [
        (SPANISH.encode("cp1252"), "utf-8", "offset 14 does not fit; it seems to be cp1252"),
        (SPANISH.encode(), "latin-1", "as in UTF-8; it seems to be utf-8"),
        (SPANISH.encode("utf-16"), "utf-8", "offset 0 does not fit; it seems to be utf-16"),
        (b"a;b\nx" * 300_000 + b"\xf1", "utf-8", "offset 1500000 does not fit"),
        (b"a;b\n\xc3", "utf-8", "offset 4 does not fit"),
        (SPANISH.encode(), "ascii", "offset 14 does not fit; it seems to be utf-8"),
    ],
)
def test_a_wrong_encoding_says_what_it_seems_to_be(
    read: Read, content: bytes, wanted: str, why: str
) -> None:
    """A file that is not in the encoding that the config says is an error, never garbled text."""
    with pytest.raises(UnreadableTable, match=f"the file is not {wanted}: .*{why}"):
        read(content, encoding=wanted)


@pytest.mark.parametrize(
    ("encoding", "wanted"),
    [
        ("utf-8-sig", "utf-8"),
        ("utf-8", "UTF8"),
        ("cp1252", "windows-1252"),
        ("cp1252", "latin-1"),
        ("utf-16-le", "utf-16-le"),
        ("cp850", "cp850"),
        ("utf-8", "  "),
    ],
)
def test_an_encoding_may_be_said(read: Read, encoding: str, wanted: str) -> None:
    """The encoding that the config says is used, under any of its names."""
    content = SPANISH.replace("€", "EUR") if encoding == "cp850" else SPANISH
    ran = read(content.encode(encoding), encoding=wanted)
    assert "+34600111222" == ran.output[0]["Teléfono"]


@pytest.mark.parametrize("name", ["utf-9", "rot13", "hex", "base64"])
def test_an_unknown_encoding_is_found_when_the_config_is_read(name: str) -> None:
    """What is no encoding of texts is refused before anything runs."""
    with pytest.raises(ValidationError, match=f"there is no encoding '{name}'"):
        excel_input.parse({"encoding": name})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"%PDF-1.7 x", "it is a PDF"),
        (b"PAR1....", "the Parquet file cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "the workbook cannot be read"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"PK\x03\x04 not really", "it is a damaged workbook or archive"),
        (b"<html><table>", "an HTML or XML document"),
        (bytes(range(256)) * 8, "it is binary data"),
        ("a;b\n1;2\n".encode("utf-16-le"), "seems to be utf-16-le without a mark"),
        ("a;b\n1;2\n".encode("utf-16-be"), "seems to be utf-16-be without a mark"),
        (b"\n \n\t\n", "the table is empty; give one with a row of names"),
        (b"\n" * 50, "the table is empty; give one with a row of names"),
        (b"name;value\nfirst;\x00\n", "it is binary data; give a .csv"),
    ],
)
def test_what_is_no_table_says_what_it_is(read: Read, content: bytes, why: str) -> None:
    """Whatever its name, a file that is no table is refused by its content, with what to do."""
    with pytest.raises(UnreadableTable, match=why) as caught:
        read(content, name="file.xlsx")
    assert all(map(caught.value.hint, ("en", "es")))


def test_a_zip_archive_is_no_workbook(read: Read, tmp_path: Path) -> None:
    """An archive without a workbook in it is refused."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
    with pytest.raises(UnreadableTable, match=r"a zip archive that is no workbook"):
        read(tmp_path / "a.zip")


def test_a_file_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond the limit is refused before it is read."""
    monkeypatch.setattr("caudal_builtin.tables.sniff.MAX_BYTES", 5)
    (tmp_path / "a.csv").write_text("a;b\n1;2\n")
    with pytest.raises(UnreadableTable, match="the limit is 0 MB; split it"):
        read_table(tmp_path / "a.csv", Options())


def test_one_long_row_does_not_fill_the_memory(read: Read) -> None:
    """A table that would be padded to more cells than memory holds is refused."""
    with pytest.raises(UnreadableTable, match="2000 × 10001 cells, the limit is 20000000"):
        read("a;b\n" + ";" * 10_000 + "1\n" + "1\n" * 10_000)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        ('a;b\n1;2\n3;4\n5;6\n"never closed', "3 × 2"),
        ('a;b\n1;2;3;4;5;6;7;"never closed', "1 × 7"),
    ],
)
def test_cells_are_counted_while_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, size: str
) -> None:
    """A table beyond the limit is refused at the row that passes it, be it the first."""
    monkeypatch.setattr("caudal_builtin.tables.layout.MAX_CELLS", 5)
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(UnreadableTable, match=f"{size} cells, the limit is 5"):
        read_table(tmp_path / "a.csv", Options(delimiter=";"))


class Row(list[str]):
    """A row of cells that can be watched."""


def test_empty_rows_are_not_kept() -> None:
    """Rows without content are counted as they pass, above the names and below."""
    made: list[weakref.ref[Row]] = []

    def rows() -> Iterator[Row]:
        for cells in (*[[""]] * 50, ["a", "b"], *[["", " "]] * 50, ["1", "2"], *[[]] * 50, ["3"]):
            row = Row(cells)
            made.append(weakref.ref(row))
            yield row
            assert sum(found() is not None for found in made) < 10

    table = laid_out(rows(), Options())
    assert (["a", "b"], [["1", "3"], ["2", ""]]) == (table.names, table.columns)
    assert (100, [102, 153]) == (table.skipped, list(table.places))


def test_cancelling_stops_the_reading(tmp_path: Path) -> None:
    """A reader asks now and then whether anybody still waits, column by column of a wide table."""
    asked = 0

    def stop_at_last() -> None:
        nonlocal asked
        asked += 1
        if asked == 1_000:
            message = "stopped"
            raise InterruptedError(message)

    (tmp_path / "a.csv").write_text(";".join("a" * 500) + "\n1\n")
    with pytest.raises(InterruptedError):
        read_table(tmp_path / "a.csv", Options(check=stop_at_last, delimiter=";"))


def test_many_columns_of_one_name_are_named_in_order() -> None:
    """However many columns share a name, or have none, each gets its own."""
    header = ["a"] * 20_000 + [""] * 2 + ["a_7"]
    table = laid_out([header, ["1"] * len(header)], Options())
    expected = ["a", *(f"a_{n}" for n in range(2, 20_002) if n != 7)]
    assert [*expected, "column_20001", "column_20002", "a_7"] == table.names
    assert [["1"]] * len(header) == table.columns


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
CELLS = TEXT | st.integers(-(10**6), 10**6).map(str) | st.floats(-1e3, 1e3).map(repr)


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_every_table_that_csv_can_hold_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    """No cell is lost or moved: each is its own text, a number or date it reads as, or null."""
    import csv

    folder = tmp_path_factory.mktemp("csv")
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    files = FileAccess([folder])
    ran = run_handler(excel_input, {}, {"filePath": "a.csv", "delimiter": ";"}, files=files)
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    assert len(filled) == len(ran.output)
    for row, record in zip(filled, ran.output, strict=True):
        for cell, found in zip(row, record.values(), strict=True):
            if isinstance(found, int | float):
                assert float(cell.strip().replace(",", ".")) == found
            else:
                assert (found is None) == (not cell.strip())
