"""The handler `excelInput`: tables in the workflow, in text files and in workbooks."""

import json
import re
import weakref
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.builtin.files import Read, reader, warnings, workbook

from caudal_builtin.excel_input import excel_input
from caudal_builtin.tables.layout import Options, laid_out
from caudal_builtin.tables.problem import UnreadableTable
from caudal_builtin.tables.reading import read_table
from caudal_core import DataError, FileRefused, HandlerError, NotAvailable, UnknownField
from caudal_core.files import FileAccess
from caudal_core.testing.handlers import run_handler

moment = datetime.fromisoformat


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a file of this content and reads it: `read("a;b", decimal=",")`."""
    return reader(tmp_path)


SPANISH = (
    "Fecha;Precio (€/MWh);CP;Teléfono;Años\n"
    "01/02/2024 00:00;1.234,56;08001;+34600111222;3\n"
    "01/02/2024 01:00;-0,5;28001;+34600111223;12\n"
    "13/02/2024 02:15;12;08002;+34600111224;1\n"
)


# In the workflow ---------------------------------------------------------------------------------


def test_a_table_in_the_workflow_is_handed_on_as_it_is() -> None:
    """Inline values are not read again: a text stays a text."""
    rows = [{"a": "1,5", "b": "08001"}, {"a": 2, "b": None}]
    ran = run_handler(excel_input, {}, {"parsedData": rows, "fileName": "x.xlsx"})
    assert rows == ran.output
    assert "2 rows with 2 columns from x.xlsx" == ran.message
    assert (2, ["a", "b"], "x.xlsx") == tuple(
        ran.report[key] for key in ("rows", "columns", "fileName")
    )


def test_the_table_may_be_stored_as_text() -> None:
    """A list stored as JSON text is that list."""
    stored = {"parsedData": json.dumps([{"a": 1}])}
    assert [{"a": 1}] == run_handler(excel_input, {}, stored).output
    with pytest.raises(ValidationError, match="the list is not JSON"):
        excel_input.parse({"parsedData": "[{"})
    with pytest.raises(ValidationError, match="dictionary"):
        excel_input.parse({"parsedData": [1]})


def test_an_empty_table_is_a_table() -> None:
    """An empty list in the workflow is handed on; no list and no file is an error."""
    assert [] == run_handler(excel_input, {}, {"parsedData": []}).output
    with pytest.raises(HandlerError, match="neither parsedData nor a file"):
        run_handler(excel_input, {}, {"fileName": "x.xlsx", "parsedData": ""})


def test_columns_of_a_table_in_the_workflow() -> None:
    """Columns may be chosen here too."""
    stored = {"parsedData": [{"a": 1, "b": 2}], "columns": "b"}
    assert [{"b": 2}] == run_handler(excel_input, {}, stored).output


def test_a_file_wins_over_the_table_in_the_workflow(read: Read) -> None:
    """Where both are given the file is read, and the log says so."""
    ran = read("a\n1\n", parsedData=[{"a": 2}])
    assert [{"a": 1}] == ran.output
    assert ["both parsedData and a file are given; the file is read"] == warnings(ran)


# Where files may be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stored",
    [
        {"gcsPath": "gs://bucket/file.xlsx"},
        {"useGCS": True, "gcsPath": "file.xlsx", "parsedData": [{"a": 1}]},
        {"filePath": "https://example.com/a.csv"},
        {"filePath": "http://example.com/a.csv"},
        {"fileId": "s3://bucket/a.csv"},
        {"filePath": "GS://bucket/a.csv"},
    ],
)
def test_remote_files_are_refused(stored: dict[str, Any]) -> None:
    """A file elsewhere is refused, saying that this version reads none."""
    with pytest.raises(NotAvailable, match="this version reads no remote files"):
        run_handler(excel_input, {}, stored)


def test_a_cloud_path_beside_a_table_in_the_workflow_is_no_harm() -> None:
    """What an editor stored beside the table itself does not stop the table."""
    stored = {"gcsPath": "gs://b/f.xlsx", "useGCS": False, "parsedData": [{"a": 1}]}
    assert [{"a": 1}] == run_handler(excel_input, {}, stored).output


def test_files_outside_the_open_folders_are_refused(tmp_path: Path) -> None:
    """A path is read only under the folders that the operator opened."""
    (tmp_path / "open").mkdir()
    (tmp_path / "a.csv").write_text("a\n1\n")
    access = FileAccess([tmp_path / "open"])
    for name in ("../a.csv", str(tmp_path / "a.csv")):
        with pytest.raises(FileRefused):
            run_handler(excel_input, {}, {"filePath": name}, files=access)


def test_the_path_may_be_a_template(tmp_path: Path) -> None:
    """The name of the file may come from the object that came in."""
    (tmp_path / "2024.csv").write_text("a\n1\n")
    stored = {"filePath": "{{year}}.csv"}
    files = FileAccess([tmp_path])
    assert [{"a": 1}] == run_handler(excel_input, {"year": 2024}, stored, files=files).output
    with pytest.raises(UnknownField):
        run_handler(excel_input, {"month": 1}, stored, files=files)


@pytest.mark.parametrize("key", ["filePath", "fileId"])
def test_a_template_takes_the_one_record_of_a_list(tmp_path: Path, key: str) -> None:
    """A list of one record fills the name; one of none or several says that one is needed."""
    (tmp_path / "2024.csv").write_text("a\n1\n")
    stored, files = {key: "{{year}}.csv"}, FileAccess([tmp_path])
    row = {"year": 2024}
    assert [{"a": 1}] == run_handler(excel_input, [row], stored, files=files).output
    for rows, count in (([row, row], "2 records"), ([], "0 records")):
        expected = f"{key} '{{{{year}}}}.csv' is filled from one object, but {count} came in"
        with pytest.raises(DataError, match=re.escape(expected)):
            run_handler(excel_input, rows, stored, files=files)


@pytest.mark.parametrize(
    ("stored", "data"),
    [
        ({"fileId": "x" * 5_000}, {}),
        ({"filePath": "x" * 5_000 + "{{year}}"}, []),
        ({"filePath": "s3://" + "x" * 5_000}, {}),
        ({"filePath": "a.csv", "fileName": "x" * 5_000}, {}),
    ],
)
def test_a_long_name_is_not_repeated_whole(
    tmp_path: Path, stored: dict[str, Any], data: Any
) -> None:
    """An error, or what is said, is short however long a name the config gives."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    try:
        ran = run_handler(excel_input, data, stored, files=FileAccess([tmp_path]))
        said = ran.message or ""
    except HandlerError as error:
        said = str(error)
    assert "x" * 90 in said
    assert len(said) < 300 + len(str(tmp_path))


def test_a_name_without_templates_takes_whatever_comes(read: Read, tmp_path: Path) -> None:
    """What comes in is not looked at where the name is fixed."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    files = FileAccess([tmp_path])
    for data in ([], [{}, {}], 5, None):
        ran = run_handler(excel_input, data, {"filePath": "a.csv"}, files=files)
        assert [{"a": 1}] == ran.output


# Text files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_spanish_file_is_read_right(read: Read, encoding: str) -> None:
    """Semicolons, decimal commas, thousands, codes and dates, in each encoding."""
    ran = read(SPANISH.encode(encoding))
    assert {
        "Fecha": "2024-02-01T00:00:00",
        "Precio (€/MWh)": 1234.56,
        "CP": "08001",
        "Teléfono": "+34600111222",
        "Años": 3,
    } == ran.output[0]
    assert [1234.56, -0.5, 12] == [row["Precio (€/MWh)"] for row in ran.output]
    assert ["08001", "28001", "08002"] == [row["CP"] for row in ran.output]
    assert {
        "rows": 3,
        "columns": ["Fecha", "Precio (€/MWh)", "CP", "Teléfono", "Años"],
        "encoding": encoding,
        "delimiter": ";",
        "sheet": None,
        "fileName": "file.csv",
        "skipped": 0,
        "misfits": [],
    } == ran.report
    assert [] == warnings(ran)


def test_bytes_that_cp1252_lacks_are_latin_1(read: Read) -> None:
    """A file that not even cp1252 can be is read as Latin-1."""
    ran = read(b"a;b\n\xf1\x81;1\n")
    assert ("latin-1", "ñ\x81") == (ran.report["encoding"], ran.output[0]["a"])


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_delimiters_and_line_ends(read: Read, delimiter: str, ending: str) -> None:
    """Each usual delimiter is found out, with each usual end of a line."""
    rows = [["name", "n"], ["a, b; c| d\te", "1"], ["x", "2"]]
    quoted = [[f'"{cell}"' for cell in row] for row in rows]
    ran = read(ending.join(delimiter.join(row) for row in quoted))
    assert [{"name": "a, b; c| d\te", "n": 1}, {"name": "x", "n": 2}] == ran.output
    assert delimiter == ran.report["delimiter"]


def test_decimal_commas_do_not_look_like_delimiters(read: Read) -> None:
    """The delimiter is the one that agrees with the row of the names."""
    assert [{"Precio, €": 12.5, "b": 3.25}] == read("Precio, €;b\n12,5;3,25\n").output
    assert [{"a": 1.5}, {"a": 2}] == read("a\n1,5\n2\n").output
    assert read("a\n1,5\n2\n").report["delimiter"] is None


def test_a_delimiter_may_be_said(read: Read) -> None:
    """What the config says counts; tab can be written out."""
    assert [{"a,b": "1,2"}] == read("a,b\n1,2\n", delimiter="|", decimal=".").output
    assert [{"a": 1, "b;c": 2}] == read("a\tb;c\n1\t2\n", delimiter="tab").output
    with pytest.raises(ValidationError, match="';;' is no delimiter"):
        excel_input.parse({"delimiter": ";;"})
    assert excel_input.parse({"delimiter": ""}).delimiter is None  # type: ignore[attr-defined]


def test_the_line_that_excel_writes_for_itself(read: Read) -> None:
    """`sep=;` before the names says the delimiter and is no row."""
    assert [{"a": 1, "b": 2}] == read("sep=;\r\na;b\r\n1;2\r\n").output


def test_quotes_may_hold_anything(read: Read) -> None:
    """A quoted cell may hold delimiters, line ends and doubled quotes."""
    ran = read('a;b\n"x;1\ny ""z""";2\n')
    assert [{"a": 'x;1\ny "z"', "b": 2}] == ran.output


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('a;b\n"x;1\ny;2\n', 3),
        ('a;b\n1;2\n"x"y;2\n', 3),
        ("a;b\n1;2\n" + "x" * 200_000 + ";2\n", 3),
    ],
)
def test_a_broken_file_names_the_line(read: Read, content: str, line: int) -> None:
    """A quote left open, a stray quote and a cell without end are errors with their line."""
    with pytest.raises(UnreadableTable, match=f"at line {line}: "):
        read(content)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2", "0"], [1, -2, 0]),
        (["1.5", "-0.25", "3"], [1.5, -0.25, 3]),
        (["1,5", "-0,25", "3"], [1.5, -0.25, 3]),
        (["1.234,56", "12.345.678,9", "7"], [1234.56, 12345678.9, 7]),
        (["1.234.567"], [1234567]),
        (["123456789012345"], [123456789012345]),
        (["1234567890123456"], ["1234567890123456"]),
        (["0.12345678901234568", "2"], [0.12345678901234568, 2]),
        (["1,2345678901234567", "-0,5"], [1.2345678901234567, -0.5]),
        (["1.234,5678901234567"], [1234.5678901234567]),
        (["1,23456789012345678"], ["1,23456789012345678"]),
        (["0.1000000000000000000", "7"], [0.1, 7]),
        (["1e16", "1.5e-7", "-2.5E+20", "5e-324"], [1e16, 1.5e-7, -2.5e20, 5e-324]),
        (["1,5e-7", "1e-9"], [1.5e-7, 1e-9]),
        (["1e400", "1"], ["1e400", "1"]),
        (["1.5e-400", "1"], ["1.5e-400", "1"]),
        (["12E20", "1"], ["12E20", "1"]),
        (["0" * 500 + ".5", "1"], ["0" * 500 + ".5", "1"]),
        (["08001", "28001"], ["08001", "28001"]),
        (["+34600", "34601"], ["+34600", "34601"]),
        (["1e5", "2"], ["1e5", "2"]),
        (["ES0021000000000001AA", "1"], ["ES0021000000000001AA", "1"]),
        (["1", "n/a"], ["1", "n/a"]),
        (["1,5", "1.5"], ["1,5", "1.5"]),
        (["1.5", "01.5"], ["1.5", "01.5"]),
        (["1", "", "3"], [1, None, 3]),
        ([" 1 ", "2"], [1, 2]),
        (["1", "  ", "x "], ["1", None, "x "]),
        (["nan", "inf"], ["nan", "inf"]),
        (["true", "false"], ["true", "false"]),
        (["12 %", "3 €"], ["12 %", "3 €"]),
    ],
)
def test_numbers_are_decided_for_the_whole_column(
    read: Read, cells: list[str], expected: list[Any]
) -> None:
    """A column is numbers only if all in it are; codes, telephones and serial numbers are none."""
    ran = read("n;key\n" + "".join(f"{cell};k\n" for cell in cells))
    found = [row["n"] for row in ran.output]
    assert [(type(cell), cell) for cell in expected] == [(type(cell), cell) for cell in found]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["31/12/2024", "1/2/2024"], ["2024-12-31", "2024-02-01"]),
        (["31/12/2024 23:45", "01/02/2024 0:15"], ["2024-12-31T23:45:00", "2024-02-01T00:15:00"]),
        (["31/12/2024 23:45:10", "31/12/2024"], ["2024-12-31T23:45:10", "2024-12-31"]),
        (["31-12-2024"], ["2024-12-31"]),
        (["31-12/2024"], ["31-12/2024"]),
        (["31/02/2024", "01/02/2024"], ["31/02/2024", "01/02/2024"]),
        (["12/31/2024", "01/02/2024"], ["12/31/2024", "01/02/2024"]),
        (["31/12/24"], ["31/12/24"]),
        (["01/02/2024 24:00"], ["01/02/2024 24:00"]),
        (["2024-02-01", "2024-12-31"], ["2024-02-01", "2024-12-31"]),
        (["2024-02-01 10:30", "2024-02-01T11:30"], ["2024-02-01T10:30:00", "2024-02-01T11:30:00"]),
        (["2024-02-01T10:30:15.5"], ["2024-02-01T10:30:15.5"]),
        (["2024-02-01T10:30:00Z"], ["2024-02-01T10:30:00Z"]),
        (["2024-02-01 10:30+01:00"], ["2024-02-01T10:30:00+01:00"]),
        (["2024-02-30"], ["2024-02-30"]),
        (["01/02/2024", "2024-02-01"], ["01/02/2024", "2024-02-01"]),
        (["01/02/2024", ""], ["2024-02-01", None]),
    ],
)
def test_dates_are_decided_for_the_whole_column(
    read: Read, cells: list[str], expected: list[Any]
) -> None:
    """Dates become ISO text if all of the column are such dates; no zone is ever added."""
    ran = read("d;key\n" + "".join(f"{cell};k\n" for cell in cells))
    assert expected == [row["d"] for row in ran.output]


def test_empty_rows_are_skipped_and_counted(read: Read) -> None:
    """Rows without any content are left out; how many is told."""
    ran = read("a;b\n1;2\n\n;\n  ; \n3;\n\n")
    assert [{"a": 1, "b": 2}, {"a": 3, "b": None}] == ran.output
    assert 4 == ran.report["skipped"]
    assert "2 rows with 2 columns from file.csv, 4 empty rows left out" == ran.message


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("price;price;price", ["price", "price_2", "price_3"]),
        ("price;price;price_2", ["price", "price_3", "price_2"]),
        ("price;;price", ["price", "column_2", "price_2"]),
        (";column_1;x", ["column_1_2", "column_1", "x"]),
        (" a ;b\t;c", ["a", "b", "c"]),
        ('"two\nlines";b;c', ["two lines", "b", "c"]),
    ],
)
def test_names_are_made_unique(read: Read, header: str, names: list[str]) -> None:
    """No two columns share a name and none is without; given names are kept where possible."""
    assert names == list(read(f"{header}\n1;2;3\n", delimiter=";").output[0])


def test_changed_names_are_told(read: Read) -> None:
    """The log says which names are not those of the file."""
    assert [
        "1 column without a name: column_2",
        "1 column with a name used before: a_2",
    ] == warnings(read("a;;a\n1;2;3\n"))


def test_a_column_without_name_and_values_is_left_out(read: Read) -> None:
    """Delimiters at the end of every line make no column."""
    ran = read("a;b;;\n1;2;;\n")
    assert [{"a": 1, "b": 2}] == ran.output
    assert [] == warnings(ran)


def test_longer_and_shorter_rows_lose_nothing(read: Read) -> None:
    """What is beyond the names is kept in columns of its own, what is missing is null."""
    ran = read("a;b\n1;2;3\n4\n5;6\n")
    assert [
        {"a": 1, "b": 2, "column_3": 3},
        {"a": 4, "b": None, "column_3": None},
        {"a": 5, "b": 6, "column_3": None},
    ] == ran.output
    assert [
        "1 column without a name: column_3",
        "1 row shorter than the header, filled with null",
        "1 row longer than the header, kept in columns of their own",
    ] == warnings(ran)


def test_the_row_of_the_names(read: Read) -> None:
    """The names are the first row with content, or the row that the config says."""
    content = "Report of prices\n\na;b\n1;2\n"
    assert [{"a": 1, "b": 2}] == read(content, headerRow="3").output
    assert [{"a": 1, "b": 2}] == read("\n\na;b\n1;2\n").output
    for row in (2, 9):
        with pytest.raises(UnreadableTable, match=f"row {row} holds no column names"):
            read(content, headerRow=row)
    with pytest.raises(ValidationError):
        excel_input.parse({"headerRow": 0})


def test_only_names_are_a_table_without_rows(read: Read) -> None:
    """A file of names alone gives no records, and says which columns there were."""
    ran = read("a;b\n")
    assert [] == ran.output
    assert (0, ["a", "b"]) == (ran.report["rows"], ran.report["columns"])


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


# Workbooks ---------------------------------------------------------------------------------------


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
