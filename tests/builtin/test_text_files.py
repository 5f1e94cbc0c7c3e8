"""The handler `excelInput`: text files, and what their columns become."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.builtin.files import SPANISH, Read, warnings

from caudal_builtin.excel_input import excel_input
from caudal_builtin.tables.problem import UnreadableTable


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
