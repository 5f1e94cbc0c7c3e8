"""Expressions over the fields of a record."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal_builtin.expressions import ExpressionError, compile_expression
from caudal_builtin.expressions.functions import FUNCTIONS
from caudal_builtin.expressions.nodes import LAZY
from caudal_builtin.moments import Zone
from caudal_builtin.row_errors import RowError
from caudal_core import Records, UnknownField

RECORD: dict[str, Any] = {
    "Precio (€/MWh)": 50.0,
    "Temp [°C]": 21,
    "a": 7,
    "b": 2,
    "text": "Ebro",
    "num": "3.5",
    "code": "08001",
    "null": None,
    "yes": True,
    "date": "2024-01-31",
    "when": "2024-03-01T10:30:15",
    "o": {"x": 5},
    "list": [1, 2],
    "bools": [True, 2],
    "exact": Decimal("0.12345678901234567890"),
    "big": 2**80,
}


def value(text: str, record: dict[str, Any] | None = None, zone: str = "UTC") -> Any:
    """An expression's value for one record."""
    data = Records([RECORD if record is None else record], single=True)
    return compile_expression(text).column(data, Zone(zone))[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 / 2", 3.5),
        ("7 % 3", 1),
        ("-7 % 3", 2),
        ("2 ** 10", 1024),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("1 ** 99999", 1),
        ("10 - 2 - 3", 5),
        ("+[a]", 7),
        ("--[a]", 7),
        ("[Precio (€/MWh)] * 1.21", 60.5),
        ("[Temp [°C]] + 1", 22),
        ("[num] * 2", 7.0),
        ("[o.x] + 1", 6),
        ("[list[1]]", 2),
        ("[missing|4] + 1", 5),
        ("[a]", 7),
        ("[list]", [1, 2]),
        ("1e3", 1000.0),
        ("1.50", 1.5),
        ("0.1234567890123456789", Decimal("0.1234567890123456789")),
        ("[big] + 1", 2**80 + 1),
        ("[exact] * 10", Decimal("1.23456789012345678900")),
        ("[exact] + 0.1", Decimal("0.22345678901234567890")),
        ("-[exact]", Decimal("-0.12345678901234567890")),
        ("27021597764222979 / 3", 9007199254740993),
        ("[big] / 2 ** 20 + 1", 2**60 + 1),
        ("(10 ** 18 + 1) / 2", Decimal("500000000000000000.5")),
        ("10 ** 18 + 0.5", Decimal("1000000000000000000.5")),
        ("0.5 - 10 ** 18", Decimal("-999999999999999999.5")),
        ("(10 ** 18 + 1) * 1.0", 10**18 + 1),
        ("(10 ** 18 + 1) % 0.3", 0.2),
        ("(2 ** 60) ** 0.5", 1073741824.0),
        ("10 ** 18 / 10 ** 15", 1000.0),
        ("1 / 10 ** 18", 1e-18),
        ("9007199254740991 / 2", 4503599627370495.5),
    ],
)
def test_arithmetic(text: str, expected: Any) -> None:
    """Arithmetic binds as in mathematics, keeps whole numbers whole and decimals exact."""
    found = value(text)
    assert (type(expected), expected) == (type(found), found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a] = 7", True),
        ("[a] == 7.0", True),
        ("[a] != 7", False),
        ("[a] <> 8", True),
        ("[a] > [b]", True),
        ("[a] <= 6", False),
        ("[num] = 3.5", True),
        ("[num] > 3", True),
        ("[code] = 8001", False),
        ("[code] = '08001'", True),
        ("[text] = 'ebro'", False),
        ("[yes] = true", True),
        ("[yes] = 1", False),
        ("[date] < '2024-02-01'", True),
        ("[when] >= [date]", True),
        ("[list] = [list]", True),
        ("[exact] > 0.1", True),
        ("[exact] = [exact]", True),
        ("sqrt(10 ** 400) = 10 ** 200", True),
        ("0.10000000000000000000 * 1 = 0.1", True),
        ("[list] = [bools]", False),
        ("[null] = null", True),
        ("[a] = null", False),
        ("[null] != 1", True),
        ("1 + 1 = 2 and 2 * 2 = 4", True),
        ("not [a] = 7 or [b] = 2", True),
        ("NOT true", False),
        ("'a' & 'b' = 'ab'", True),
    ],
)
def test_comparison(text: str, expected: Any) -> None:
    """Values compare as in a condition; nothing is put in order by its letters."""
    assert expected is value(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[null] + 1", None),
        ("2 ** [null]", None),
        ("-[null]", None),
        ("[null] > 1", None),
        ("1 <= [null]", None),
        ("not [null]", None),
        ("[null] and true", None),
        ("[null] and false", False),
        ("false and [null]", False),
        ("[null] or true", True),
        ("[null] or false", None),
        ("if([null] > 1, 'yes', 'no')", "no"),
        ("if(false, 1)", None),
        ("coalesce([null], [null], 3)", 3),
        ("coalesce([null])", None),
        ("[null] & 'x'", "x"),
        ("concat('a', [null], 1)", "a1"),
        ("isempty([null])", True),
        ("round([null], 2)", None),
        ("upper([null])", None),
        ("min(1, [null])", None),
        ("dateadd([null], 1, 'day')", None),
    ],
)
def test_null(text: str, expected: Any) -> None:
    """Null goes through all but what is there to deal with it."""
    found = value(text)
    assert (type(expected), expected) == (type(found), found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(2.675, 2)", 2.68),
        ("round(1234, -2)", 1200),
        ("round(1250, -2)", 1300),
        ("round(-1250, -2)", -1300),
        ("round(12.3, -1)", 10),
        ("round(7, 2)", 7),
        ("round([exact], 3)", Decimal("0.123")),
        ("round(1e300, 2)", 1e300),
        ("ABS(-3)", 3),
        ("abs(-[exact])", Decimal("0.12345678901234567890")),
        ("min(3, [num], 2)", 2),
        ("max([num], 2)", 3.5),
        ("max('2024-01-01', [date])", "2024-01-31"),
        ("floor(-1.5)", -2),
        ("ceil(1.2)", 2),
        ("sqrt(16)", 4.0),
        ("sqrt(1e400)", 1e200),
        ("sqrt((10 ** 17 + 1) ** 2)", 10**17 + 1),
        ("isempty('')", True),
        ("isempty(0)", False),
        ("upper([text]) & lower('ÀB')", "EBROàb"),
        ("trim('  a b ')", "a b"),
        ("len([text])", 4),
        ("len([list])", 2),
        ("left([code], 2)", "08"),
        ("left('ab', 5)", "ab"),
        ("right([code], 2)", "01"),
        ("right('ab', 0)", ""),
        ("replace('a.b.c', '.', '')", "abc"),
        ("concat([a], ' ', [yes], ' ', 1.5)", "7 true 1.5"),
        ("contains([text], 'br')", True),
        ("contains([list], 2)", True),
        ("number(' +08001 ')", 8001),
        ("number('-007.5')", -7.5),
        ("number('0.5')", 0.5),
        ("number('0')", 0),
        ("number('1.234,56')", 1234.56),
        ("number('')", None),
        ("number([a])", 7),
        ("text(7)", "7"),
        ("text([list])", "[1,2]"),
    ],
)
def test_functions_of_numbers_and_texts(text: str, expected: Any) -> None:
    """Each function does what its name says, in any case."""
    found = value(text)
    assert (type(expected), expected) == (type(found), found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("year([date])", 2024),
        ("month([when])", 3),
        ("day([when])", 1),
        ("hour([when])", 10),
        ("minute([when])", 30),
        ("hour([date])", 0),
        ("weekday('2024-03-04')", 1),
        ("weekday('2024-03-10')", 7),
        ("year('31/12/2023')", 2023),
        ("date('31/12/2023')", "2023-12-31"),
        ("date('1/2/2023 9:05')", "2023-02-01T09:05:00"),
        ("date('2024-03-01 10:30')", "2024-03-01T10:30:00"),
        ("date('2024-03-01T10:30Z')", "2024-03-01T10:30:00+00:00"),
        ("date('2024-03-01T00:00')", "2024-03-01T00:00:00"),
        ("dateadd([date], 1, 'month')", "2024-02-29"),
        ("dateadd([date], -1, 'year')", "2023-01-31"),
        ("dateadd('2024-02-29', 12, 'months')", "2025-02-28"),
        ("dateadd([date], 1, 'day')", "2024-02-01"),
        ("dateadd([date], 90, 'minutes')", "2024-01-31T01:30:00"),
        ("dateadd([when], 2, 'weeks')", "2024-03-15T10:30:15"),
        ("dateadd('2024-03-01T10:00:00+02:00', 1, 'HOUR')", "2024-03-01T11:00:00+02:00"),
        ("datediff([date], '2024-03-01', 'days')", 30),
        ("datediff('2024-03-01', [date], 'day')", -30),
        ("datediff('2024-03-01', [when], 'hour')", 10.504166666666666),
        ("datediff([date], '2024-02-29', 'month')", 1),
        ("datediff('2024-01-15', '2024-03-14', 'month')", 1),
        ("datediff('2024-03-14', '2024-01-15', 'month')", -1),
        ("datediff('2020-02-29', '2024-02-28', 'year')", 3),
        ("datediff('2024-01-01', '2024-01-08', 'week')", 1),
        ("datediff('2024-03-01T10:00Z', '2024-03-01T12:00+01:00', 'hour')", 1),
    ],
)
def test_functions_of_dates(text: str, expected: Any) -> None:
    """Dates are read in ISO form or as dd/mm/yyyy and handed on in ISO form."""
    found = value(text)
    assert (type(expected), expected) == (type(found), found)


def test_times_without_a_zone_are_placed_where_it_matters() -> None:
    """A time without a zone meets one that has one in the zone that is given."""
    record = {"local": "2024-07-01T12:00", "utc": "2024-07-01T11:00:00Z"}
    assert 1 == value("datediff([local], [utc], 'hour')", record, "Europe/Madrid")
    assert value("[local] < [utc]", record, "Europe/Madrid") is True
    assert value("[local] < [utc]", record, "UTC") is False
    constant = "'2024-07-01T12:00' < '2024-07-01T11:00Z'"
    assert value(constant, record, "Europe/Madrid") is True


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / ([a] - 7)", "division by zero"),
        ("[a] % 0.0", "division by zero"),
        ("[exact] / 0", "division by zero"),
        ("[exact] % 0", "division by zero"),
        ("0 ** -[a]", "division by zero"),
        ("[a] ** 99999", "the result is too large a number"),
        ("[big] ** [big]", "the result is too large a number"),
        ("1e308 * [a]", "the result is too large a number"),
        ("[big] ** 20.0 / 3", "the result is too large a number"),
        ("(-[a]) ** 0.5", "the result is no real number"),
        ("(-[exact]) ** 0.5", "the numbers do not allow this operation"),
        ("[text] + 1", '"Ebro" is not a number'),
        ("[code] + 1", '"08001" is not a number'),
        ("[yes] + 1", "true is not a number"),
        ("[list] * 2", "[1,2] is not a number"),
        ("-[text]", '"Ebro" is not a number'),
        ("[text] < 'F'", '"Ebro" < "F" cannot be told: both must be numbers, or both dates'),
        ("[a] < [date]", '7 < "2024-01-31" cannot be told'),
        ("[a] and true", "7 is not true or false"),
        ("if([text], 1, 2)", '"Ebro" is not true or false'),
        ("sqrt(-[a])", "-7 is not a number from 0"),
        ("round([a], [text])", '"Ebro" is not a number'),
        ("round([a], 99)", "99 is not a whole number from -15 to 15"),
        ("left([text], -1)", "-1 is not a whole number from 0"),
        ("replace([text], '', 'x')", '"" is not a text to look for'),
        ("number([text])", '"Ebro" is not a number'),
        ("date([text])", '"Ebro" is not a date'),
        ("date('31/02/2024')", '"31/02/2024" is not a date'),
        ("dateadd([date], 1, 'dey')", "there is no unit 'dey', only year, month, week"),
        ("dateadd([date], 0.5, 'day')", "0.5 is not a whole number"),
        ("dateadd([date], 99999, 'year')", "the date would lie outside the years 1 to 9999"),
        ("dateadd([date], 1e300, 'day')", "the date would lie outside the years 1 to 9999"),
    ],
)
def test_what_values_do_not_allow(text: str, why: str) -> None:
    """A value that an operation cannot take is an error that shows it, in both languages."""
    with pytest.raises((RowError, ExpressionError)) as caught:
        value(text)
    assert why in str(caught.value)
    assert caught.value.text("es") != caught.value.text("en")


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("", 1, "it ends too early"),
        ("[a] +", 6, "it ends too early"),
        ("[a", 1, "the '[' is never closed"),
        ("1 + (2", 5, "the '(' is never closed"),
        ("1 + 'abc", 5, "the text is never closed"),
        ("(1))", 4, "')' does not belong here"),
        ("1,5 * 2", 2, "write decimals with a point"),
        ("[a] [b]", 5, "'[b]' does not belong here"),
        ("a * 2", 1, "'a' is no value; write [a] for a field"),
        ("[]", 1, "this names no field"),
        ("[}}]", 1, "this names no field"),
        ("rund(1)", 1, "there is no function rund(); did you mean round()?"),
        ("now()", 1, "there is no function now(); there are abs, ceil"),
        ("round()", 1, "write round(number, digits)"),
        ("if(true)", 1, "write if(condition, a, b)"),
        ("left('a'; 1)", 9, "put commas between arguments"),
        ("[a] ^ 2", 5, "write ** for a power"),
        ("![a]", 1, "write not"),
        ("1 < 2 < 3", 7, "comparisons do not chain"),
        ("[a] @ 2", 5, "it means nothing here"),
        ("2 ** 99999", 3, "the result is too large a number"),
        ("[a] + 1 / 0", 9, "division by zero"),
        ("upper(1 + 'x')", 9, '"x" is not a number'),
        ("1" * 1001, 1, "the number has more than 1000 digits"),
        ("1e9999", 1, "the number is too large"),
        ("[a|number:2]", 1, "[a|number:2] has a filter; use a function"),
        ("1 + " * 2000 + "1", 5001, "it is longer than 5000 characters"),
    ],
)
def test_what_cannot_be_read(text: str, place: int, why: str) -> None:
    """An unreadable expression is refused once, with the character where reading stopped."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert f"at character {place}: " in str(caught.value)
    assert why in str(caught.value)
    assert caught.value.text("es") != caught.value.text("en")


@pytest.mark.parametrize(
    "text",
    [
        "[a].x",
        "[a].__class__",
        "'a'.upper()",
        "__import__('os')",
        "lambda: 1",
        "f'{1}'",
        "'a'[0]",
        "{1: 2}",
        "1 if true else 2",
        "a := 1",
        "`ls`",
        "1; 2",
    ],
)
def test_nothing_but_expressions_can_be_written(text: str) -> None:
    """No attribute, subscript, call of a method or statement has a place in the grammar."""
    with pytest.raises(ExpressionError):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000 + "1" + ")" * 2000,
        "-" * 3000 + "1",
        "not " * 1000 + "true",
        "abs(" * 900 + "1" + ")" * 900,
        "+".join(["[a]"] * 1000),
        "**".join(["1"] * 1000),
    ],
)
def test_depth_has_a_limit(text: str) -> None:
    """What is nested or chained beyond measure is refused, never a crash."""
    with pytest.raises(ExpressionError, match="too long or too deeply nested"):
        compile_expression(text)


def test_a_long_sum_is_fine() -> None:
    """A hundred and fifty summands are no problem."""
    assert 150 * 7 == value("+".join(["[a]"] * 150))


def test_texts_are_bounded() -> None:
    """No text grows beyond a million characters."""
    record = {"t": "x" * 600_000}
    with pytest.raises(RowError, match="longer than 1000000 characters"):
        value("[t] & [t]", record)
    with pytest.raises(RowError, match="longer than 1000000 characters"):
        value("replace([t], 'x', 'yy')", record)
    assert 600_000 == value("len(replace([t], 'x', 'y'))", record)


def test_what_is_skipped_is_not_looked_at() -> None:
    """The branch not taken, and what decides nothing more, cannot fail."""
    assert 0 == value("if([b] = 2, 0, 1 / ([b] - 2))")
    assert value("[b] = 2 or 1 / ([b] - 2) = 1") is True
    assert value("[b] = 3 and 1 / ([b] - 2) = 1") is False
    assert 2 == value("coalesce([b], 1 / ([b] - 2))")


def test_quotes_are_doubled_inside_a_text() -> None:
    """Both kinds of quotes make a text, and each can hold itself doubled and the other plainly."""
    assert "it's" == value("'it''s'")
    assert 'say "no"' == value('"say ""no"""')
    assert "it's" == value('"it\'s"')


def test_a_field_of_other_records_is_null_here() -> None:
    """A field that only some records have is null in the others; one of none is an error."""
    data = Records([{"a": 1}, {"b": 2}])
    assert [1, 0] == compile_expression("coalesce([a], 0)").column(data, Zone("UTC"))
    with pytest.raises(UnknownField, match="unknown field 'c'"):
        compile_expression("if(false, [c], 1)").column(data, Zone("UTC"))


def test_a_bad_row_is_named_by_its_index() -> None:
    """The error of a record says which, counted from 0."""
    data = Records([{"a": 1}, {"a": 2}, {"a": "x"}])
    with pytest.raises(RowError, match=r'^row 2, "x" is not a number'):
        compile_expression("[a] * 2").column(data, Zone("UTC"))


def test_a_compiled_expression_is_kept() -> None:
    """The same text is read once."""
    assert compile_expression("[a] + 41") is compile_expression("[a] + 41")


def test_every_function_is_tested_here() -> None:
    """No function of the closed list goes without a test."""
    from pathlib import Path

    text = Path(__file__).read_text(encoding="utf-8").lower()
    assert [] == [name for name in (*FUNCTIONS, *LAZY) if f"{name}(" not in text]


NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6, allow_nan=False)


@settings(deadline=None)
@given(NUMBERS, NUMBERS, st.sampled_from(["+", "-", "*", "<", "<=", ">", ">=", "=", "!="]))
def test_plain_numbers_behave_as_in_python(a: float, b: float, sign: str) -> None:
    """Arithmetic and comparison of plain numbers give what Python gives."""
    operators: dict[str, Any] = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "<": lambda: a < b,
        "<=": lambda: a <= b,
        ">": lambda: a > b,
        ">=": lambda: a >= b,
        "=": lambda: a == b,
        "!=": lambda: a != b,
    }
    assert operators[sign]() == value(f"[a] {sign} [b]", {"a": a, "b": b})


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is written compiles or is refused with its place, and never anything else."""
    try:
        compile_expression(text)
    except ExpressionError as error:
        where = int(str(error).split("character ")[1].split(":")[0])
        assert 1 <= where <= len(text) + 1


FORMS = ["and", "or", "not", "if(", "round(", "concat(", "min(", "left(", "date(", "coalesce("]
PIECES = st.lists(
    st.sampled_from(
        [*"()+-*/%&,=<>", *FORMS, "**", "[a]", "[text]", "[null]", "1", "'x'", "true", "null"]
    ),
    max_size=12,
).map(" ".join)


@settings(deadline=None)
@given(PIECES)
def test_any_sentence_of_the_grammar_computes_or_says_why_not(text: str) -> None:
    """What compiles gives a JSON value for a record, or an error made for people."""
    try:
        found = value(text)
    except (ExpressionError, RowError):
        return
    assert isinstance(found, bool | int | float | str | Decimal | list | dict | None)
