"""The comparison rules of `condition`, operator by operator."""

from decimal import Decimal
from typing import Any

import pytest

from caudal_builtin.conditions.comparison import NotComparable, Operator, comparison
from caudal_builtin.equality import is_empty
from caudal_builtin.moments import Zone


def holds(left: Any, operator: Operator, right: Any) -> bool:
    """Whether the comparison holds."""
    return comparison(operator, right, Zone("Europe/Madrid"))(left)


EQUAL: list[tuple[Any, Any]] = [
    ("a", "a"),
    ("", ""),
    (5, 5),
    (5, 5.0),
    (5, "5"),
    (5.5, "5.50"),
    (1234.5, "1.234,5"),
    (0.5, "0,5"),
    (Decimal("1.2345678901234567"), Decimal("1.2345678901234567")),
    (2**60, 2**60),
    (0.1, Decimal("0.10000000000000000000")),
    (Decimal("0.10000000000000000000"), "0.1"),
    (Decimal("2.0000000000000000000"), 2),
    (True, True),
    (True, "true"),
    (False, "false"),
    ([1, "a"], [1, "a"]),
    ({"a": 1}, {"a": 1}),
    ([1, [None, True]], [1.0, [None, "true"]]),
    ({"a": [0.1]}, {"a": [Decimal("0.10000000000000000000")]}),
]
UNEQUAL: list[tuple[Any, Any]] = [
    ("a", "A"),
    ("a", " a"),
    ("5", "5.0"),
    ("1,5", "1.5"),
    (8001, "08001"),
    (34600, "+34600"),
    (100000, "1e5"),
    (5, "five"),
    (1234567890123456, "1234567890123456"),
    (True, 1),
    (False, 0),
    (True, "True"),
    (True, "1"),
    (True, False),
    ([1], 1),
    ([1], "[1]"),
    ([1], [True]),
    ([0, "a"], [False, "a"]),
    ([[1]], [[True]]),
    ([None], [0]),
    ([None], [""]),
    ([1], [1, 1]),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"a": True}),
    ({"a": 1}, {"b": 1}),
    ({"a": None}, {}),
    (Decimal("0.10000000000000000001"), 0.1),
    ("2026-03-01", "2026-03-01T00:00"),
]


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equals(left: Any, right: Any) -> None:
    """Texts are equal by letter, numbers by value, text and number where the text reads as one."""
    assert holds(left, "equals", right)
    assert holds(right, "equals", left)
    assert not holds(left, "notEquals", right)


@pytest.mark.parametrize(("left", "right"), UNEQUAL)
def test_not_equals(left: Any, right: Any) -> None:
    """Texts that only look alike, and values of different kinds, are not equal."""
    assert not holds(left, "equals", right)
    assert not holds(right, "equals", left)
    assert holds(left, "notEquals", right)


@pytest.mark.parametrize(
    ("less", "more"),
    [
        (1, 2),
        (9, "10"),
        ("9", "10"),
        ("9", 10),
        ("1,5", 2),
        ("999,5", "1.000,25"),
        (-1.5, "-1,25"),
        (1, Decimal("1.0000000000000001")),
        (0.1, Decimal("0.10000000000000000001")),
        (Decimal("0.09999999999999999999"), 0.1),
        (Decimal("0.09999999999999999999"), "0,1"),
        (2**53, 2**53 + 1),
        ("2026-03-01", "2026-03-02"),
        ("2026-03-01", "2026-03-01T00:01"),
        ("2026-03-01T09:00", "2026-03-01T10:00"),
        ("2026-03-01T10:00:00+01:00", "2026-03-01T09:30:00Z"),
        ("2026-07-01T11:59", "2026-07-01T10:00Z"),
        ("2026-07-01T09:59Z", "2026-07-01T12:00"),
    ],
)
def test_order(less: Any, more: Any) -> None:
    """Numbers are put in order as numbers and dates as dates, whichever side is a text."""
    assert holds(less, "lessThan", more)
    assert holds(less, "lessOrEqual", more)
    assert holds(more, "greaterThan", less)
    assert holds(more, "greaterOrEqual", less)
    assert not holds(less, "greaterThan", more)
    assert not holds(more, "lessOrEqual", less)
    assert holds(less, "between", [less, more])
    assert holds(more, "between", [less, more])


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (5, 5),
        ("5", "5"),
        ("5,0", "5,0"),
        ("2026-03-01", "2026-03-01"),
        (0.1, Decimal("0.10000000000000000000")),
        (Decimal("0.10000000000000000000"), 0.1),
    ],
)
def test_order_of_equals(value: Any, same: Any) -> None:
    """A value is neither above nor below itself, yet at least and at most itself."""
    assert not holds(value, "lessThan", same)
    assert not holds(value, "greaterThan", same)
    assert holds(value, "lessOrEqual", same)
    assert holds(value, "greaterOrEqual", same)
    assert holds(value, "between", [same, same])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("abc", 5),
        ("abc", "abd"),
        (5, "abc"),
        (5, "2026-03-01"),
        ("2026-03-01", 5),
        ("08001", "9000"),
        ("01/03/2026", "2026-03-01"),
        (True, 0),
        (5, True),
        ([1], 0),
        ({"a": 1}, 0),
        ("", 0),
    ],
)
@pytest.mark.parametrize("operator", ["greaterThan", "lessThan", "greaterOrEqual", "lessOrEqual"])
def test_nothing_is_put_in_order_by_letters(left: Any, right: Any, operator: Operator) -> None:
    """Where two values are neither both numbers nor both dates, there is an error."""
    with pytest.raises(NotComparable, match=f"cannot be compared by {operator}: both must be"):
        holds(left, operator, right)


def test_the_error_shows_both_values() -> None:
    """The error shows the two values as JSON, in both languages."""
    with pytest.raises(NotComparable) as caught:
        holds("abc", "greaterThan", 5)
    error = caught.value.about("price").in_row(7)
    expected = (
        """row 7, field 'price': "abc" and 5 cannot be compared by greaterThan: both must be"""
    )
    assert str(error).startswith(expected)
    assert error.text("es").startswith("""fila 7, campo 'price': "abc" y 5 no se pueden comparar""")


@pytest.mark.parametrize(
    ("left", "operator", "right", "expected"),
    [
        ("Madrid", "contains", "dri", True),
        ("Madrid", "contains", "DRI", False),
        ("Madrid", "contains", "Madrid", True),
        (12345, "contains", "234", True),
        (12345, "contains", 234, True),
        (1.5, "contains", "1.5", True),
        (["a", 5], "contains", "a", True),
        (["a", 5], "contains", "5", True),
        (["abc"], "contains", "b", False),
        ([], "contains", "a", False),
        ([True], "contains", 1, False),
        ("Madrid", "startsWith", "Mad", True),
        ("Madrid", "startsWith", "mad", False),
        (8001, "startsWith", "80", True),
        ("Madrid", "endsWith", "rid", True),
        ("Madrid", "endsWith", "Mad", False),
        ("ES0021", "matches", "^ES[0-9]+$", True),
        ("xES0021", "matches", "^ES", False),
        (2026, "matches", "^20", True),
        ("2026", "matches", 20, True),
    ],
)
def test_texts(left: Any, operator: Operator, right: Any, expected: bool) -> None:  # noqa: FBT001
    """Text operators mind capitals, take a number as it is written, and look into lists."""
    assert expected is holds(left, operator, right)


@pytest.mark.parametrize("operator", ["contains", "startsWith", "endsWith", "matches"])
@pytest.mark.parametrize("left", [True, {"a": 1}])
def test_texts_and_numbers_only(left: Any, operator: Operator) -> None:
    """A boolean or an object has no letters to look at."""
    with pytest.raises(NotComparable, match="it takes texts and numbers"):
        holds(left, operator, "a")


def test_a_list_has_no_beginning() -> None:
    """Only `contains` looks into lists."""
    with pytest.raises(NotComparable, match="it takes texts and numbers"):
        holds(["a"], "startsWith", "a")
    with pytest.raises(NotComparable, match="it takes texts and numbers"):
        holds("a", "startsWith", ["a"])


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("b", "a, b, c", True),
        ("b", "a,b", True),
        ("b", ["a", "b"], True),
        ("b", '["a", "b"]', True),
        ("d", "a, b, c", False),
        (5, "4, 5", True),
        ("5", [4, 5], True),
        (5, ["4", "5"], True),
        ("05", "4, 5", False),
        (True, "true, x", True),
        ("[a]", "[a], [b]", True),
        ("a", "", False),
        (5, 5, True),
        (0.1, [Decimal("0.10000000000000000000")], True),
        (True, [1], False),
        ([1], [[True]], False),
        ("a", "[" * 50_000, False),
        ("[a", "[a, {", True),
    ],
)
def test_in(left: Any, right: Any, expected: bool) -> None:  # noqa: FBT001
    """A value is in a list if it equals one of its items; a text holds items between commas."""
    assert expected is holds(left, "in", right)


@pytest.mark.parametrize(
    "right",
    [
        [1.5, 5],
        ["1,5", "5"],
        "1.5, 5",
        "1.5 and 5",
        "1.5 y 5",
        "1.5 AND 5",
        "1,5; 5",
        "1,5, 5",
        "1.5,5",
        " 1,5 and 5 ",
        "1,5   AND\t5",
        "1,5 \n ;5",
        "[1.5,5]",
        ' ["1,5", 5]',
    ],
)
def test_between(right: Any) -> None:
    """Both limits count, and may be written as a list or in a text."""
    assert holds(1.5, "between", right)
    assert holds("3", "between", right)
    assert holds(5, "between", right)
    assert not holds(1.4, "between", right)
    assert not holds(5.1, "between", right)


def test_between_dates() -> None:
    """Dates lie between dates."""
    assert holds("2026-03-15", "between", "2026-03-01 and 2026-03-31")
    assert not holds("2026-04-01", "between", "2026-03-01, 2026-03-31")


@pytest.mark.parametrize("right", [[1], [1, 2, 3], "1", "1, 2, 3", 5, "[1, 2, 3]", "[" * 50_000])
def test_between_needs_two_limits(right: Any) -> None:
    """One limit or three are an error."""
    with pytest.raises(NotComparable, match="needs two values to lie between"):
        holds(1, "between", right)


@pytest.mark.parametrize(
    ("value", "empty"),
    [
        (None, True),
        ("", True),
        ([], True),
        ({}, True),
        (" ", False),
        (0, False),
        (False, False),
        ([None], False),
        ({"a": None}, False),
    ],
)
def test_empty(value: Any, empty: bool) -> None:  # noqa: FBT001
    """Null and what has no content is empty; zero, false and a blank are not."""
    assert empty is is_empty(value)
