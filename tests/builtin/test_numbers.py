"""When a text is a number."""

from decimal import Decimal
from typing import Any

import pytest

from caudal_builtin.numbers import as_number, canonical_number, comma_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("12", 12),
        ("-3", -3),
        ("0.5", 0.5),
        ("-0.25", -0.25),
        ("3.50", 3.5),
        ("123456789012345", 123456789012345),
        ("-123456789012.345", -123456789012.345),
    ],
)
def test_a_canonical_number_is_one(text: str, number: float) -> None:
    """Digits with an optional minus and decimals are a number, whole without a point."""
    found = canonical_number(text)
    assert number == found
    assert type(number) is type(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "08001",
        "-01",
        "00",
        "+34600111222",
        "1e5",
        "1E5",
        ".5",
        "5.",
        "1,5",
        "1_000",
        " 1",
        "1 ",
        "1\n",
        "1234567890123456",
        "0.1234567890123456",
        "9" * 5000,
        "NaN",
        "Infinity",
        "0x1F",
        "ES0021000000000001AB",
        "١٢",
        "½",
    ],
)
def test_other_texts_stay_texts(text: str) -> None:
    """Leading zero, plus, exponent, blanks, foreign digits or over 15 digits: no number."""
    assert canonical_number(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,5", 1.5),
        ("-0,25", -0.25),
        ("1.234,56", 1234.56),
        ("1234,56", 1234.56),
        ("-1.234.567,8", -1234567.8),
        ("123.456.789.012,345", 123456789012.345),
    ],
)
def test_a_decimal_comma_is_read(text: str, number: float) -> None:
    """A comma before decimals is read, with points between thousands or without any."""
    assert number == comma_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "1.5",
        "1,",
        ",5",
        "1.23,4",
        "1234.567,8",
        "1,234.5",
        "1,5,6",
        "1,5 €",
        "+1,5",
        "1234567890123,456",
    ],
)
def test_other_commas_are_not_read(text: str) -> None:
    """Points that part no thousands, two commas or over 15 digits: no number."""
    assert comma_number(text) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5),
        (5.5, 5.5),
        (Decimal("1.2345678901234567"), Decimal("1.2345678901234567")),
        ("5", 5),
        ("5,5", 5.5),
        ("five", None),
        (True, None),
        (None, None),
        ([5], None),
        ({"a": 5}, None),
    ],
)
def test_values_are_numbers_or_read_as_such(value: Any, number: Any) -> None:
    """Numbers are themselves, texts what they read as, and all else nothing; true is not 1."""
    assert number == as_number(value)
