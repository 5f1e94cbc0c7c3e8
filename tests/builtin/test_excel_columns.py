"""The columns of a text file: which of them are numbers, and why one is not."""

from pathlib import Path

import pytest
from tests.builtin.files import Read, reader, warnings


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a file of this content and reads it: `read("a;b", decimal=",")`."""
    return reader(tmp_path)


def test_the_file_decides_what_one_column_leaves_open(read: Read) -> None:
    """`1.234` is a thousand where other columns have decimal commas."""
    assert {"a": 1234, "b": 0.5} == read("a;b\n1.234;0,5\n").output[0]
    assert {"a": 1.234, "b": 0.5} == read("a;b\n1.234;0.5\n").output[0]
    ran = read("a;b\n1.234;x\n")
    assert {"a": 1.234, "b": "x"} == ran.output[0]
    assert ["the point in '1.234' is taken for a decimal point"] == [
        line.split(": ")[1].split(";")[0] for line in warnings(ran)
    ]


def test_english_thousands_are_not_guessed(read: Read) -> None:
    """Where commas part the cells, `1,234` stays text until the config says what it is."""
    content = 'a,b\n"1,234",x\n'
    ran = read(content)
    assert [{"a": "1,234", "b": "x"}] == ran.output
    assert "may have decimals or thousands" in warnings(ran)[0]
    assert [{"a": 1234, "b": "x"}] == read(content, decimal=".").output
    assert [{"a": 1.234, "b": "x"}] == read(content, decimal=",").output
    assert [{"a": 1.25, "b": "x"}] == read('a,b\n"1,25",x\n').output


def test_columns_that_disagree_decide_nothing(read: Read) -> None:
    """Where the file has both decimal marks, what may be thousands stays text until it is said."""
    content = "a;b;c;d;e\n1.234;2.345;0,5;0.5;7\n12;1.000;1,25;1.25;8\n"
    ran = read(content)
    assert {"a": "1.234", "b": "2.345", "c": 0.5, "d": 0.5, "e": 7} == ran.output[0]
    why = "may have decimals or thousands, as other columns have both decimal marks"
    assert [
        f"column 'a' stays text: '1.234' in row 2 {why}; set decimal to say which",
        f"column 'b' stays text: '2.345' in row 2 {why}; set decimal to say which",
    ] == warnings(ran)
    assert {"a": 1234, "b": 2345, "c": 0.5, "d": "0.5", "e": 7} == (
        read(content, decimal=",").output[0]
    )
    assert {"a": 1.234, "b": 2.345, "c": "0,5", "d": 0.5, "e": 7} == (
        read(content, decimal=".").output[0]
    )


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["28001", "08001", "28002"], "because of '08001' in row 3, which begins with a zero"),
        (["34600", "+34601"], "because of '+34601' in row 3, which begins with a plus"),
        (["1", "1e5"], "because of '1e5' in row 3, which may be a code as well as a number"),
        (["1", "1e999"], "because of '1e999' in row 3, which is beyond what a number can be"),
        (
            ["1", "2", "1234567890123456"],
            "because of '1234567890123456' in row 4, which has more than 15 digits",
        ),
        (
            ["0.12345678901234567", "1.12345678901234567"],
            "because of '0.12345678901234567' in row 2, which has more digits than a number keeps",
        ),
        (
            ["1,5", "0,12345678901234567"],
            "because of '0,12345678901234567' in row 3, which has more digits than a number keeps",
        ),
        (["n/a", "1", "2"], "because of 'n/a' in row 2"),
        (["1,5", "2,5", "", "x"], "because of 'x' in row 5"),
        (["31/12/2024", "30/02/2024"], "because of '30/02/2024' in row 3"),
        (["2024-01-01", "01/02/2024", "2024-01-02"], "because of '01/02/2024' in row 3"),
        (["1,5", "1.5"], "because of '1,5' in row 2"),
    ],
)
def test_the_first_odd_value_is_told(read: Read, cells: list[str], why: str) -> None:
    """The log names what keeps most of a column from being numbers or dates, and its row."""
    ran = read("n;key\n" + "".join(f"{cell};k\n" for cell in cells))
    assert [f"column 'n' stays text {why}"] == [line["message"] for line in ran.log]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["1,5 €", "2,5 €"], "'1,5 €' in row 2 has a sign beside the number; an addField with"),
        (["1", "12%", "13 %"], "'12%' in row 3 has a sign beside the number; an addField with"),
    ],
)
def test_a_sign_beside_numbers_is_told(read: Read, cells: list[str], why: str) -> None:
    """The log says how to take a sign away that keeps a column from being numbers."""
    ran = read("n;key\n" + "".join(f"{cell};k\n" for cell in cells))
    (line,) = ran.log
    assert f"column 'n' stays text: {why} number(replace([n], " in line["message"]


@pytest.mark.parametrize(
    ("content", "decimal", "told"),
    [
        ("n;k\n1,234.50;x\n2.5;y\n", None, "has commas between thousands; set decimal to '.'"),
        ('n,k\n"1,234.50",x\n', None, "has commas between thousands; set decimal to '.'"),
        ("n;k\n12;x\n1.5;y\n", ",", "'1.5' in row 3 is no number with decimal ','"),
        ("n;k\n1,5;x\n2,5;y\n", ".", "'1,5' in row 2 is no number with decimal '.'"),
    ],
)
def test_what_decimal_would_mend_is_a_warning(
    read: Read, content: str, decimal: str | None, told: str
) -> None:
    """A column that stays text for want of the right decimal mark is warned of."""
    (line,) = warnings(read(content, decimal=decimal))
    assert told in line


@pytest.mark.parametrize("cells", [["x", "y", "1"], ["true"], ["", ""], ["Calle 5, 3", "b"]])
def test_nothing_is_told_of_texts(read: Read, cells: list[str]) -> None:
    """A column of texts is what it seems."""
    assert [] == read("n;key\n" + "".join(f"{cell};k\n" for cell in cells)).log


def test_rows_are_counted_as_in_the_file(read: Read) -> None:
    """The row in the log is that of the file, names and empty rows counted too."""
    ran = read("Prices\n\nn;k\n1;a\n\n;\nx;b\n2;c\n", headerRow=3)
    assert ["column 'n' stays text because of 'x' in row 7"] == [
        line["message"] for line in ran.log
    ]


@pytest.mark.parametrize(
    ("content", "sign", "row"),
    [
        ("Report of prices\n\na;b\n1;2\n3;4\n", ";", 3),
        ("Report, 2024\na;b;c\n1;2;3\n4;5;6\n", ";", 2),
        ("Report\nof prices\na\tb\n1\t2\n3\t4\n", "tab", 3),
        ("Report\na,b\n1,x\n3,y\n", ",", 2),
    ],
)
def test_a_title_above_the_table_is_told(read: Read, content: str, sign: str, row: int) -> None:
    """Where the rows agree on a delimiter that the names lack, the log says where they may be."""
    told = f"the row of the names lacks the delimiter '{sign}' on which the rows below agree; "
    told += f"if the names stand in row {row}, set headerRow to {row}"
    assert told in warnings(read(content))
    assert [] == warnings(read(content, headerRow=row))


@pytest.mark.parametrize(
    "content", ["a\n1,5\n2,5\n3,25\n", "a\nx\ny, z\nw\n", "a\n1\n", "a;b\n1,5;2,5\n3,5;4,5\n"]
)
def test_a_table_without_a_title_is_not_doubted(read: Read, content: str) -> None:
    """Decimal commas and a comma here and there are no delimiters."""
    assert [] == warnings(read(content))
