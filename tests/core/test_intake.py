"""JSON that comes from outside, read strictly."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal_core.errors import InvalidRequest
from caudal_core.intake import loads
from caudal_core.values import MAX_DEPTH, decode, encode, normalise

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(VALUES, st.booleans())
def test_all_json_comes_in_as_it_is(value: Any, ascii_only: bool) -> None:  # noqa: FBT001
    """Whatever is JSON is read as it was written, escaped or not."""
    assert value == loads(json.dumps(value, ensure_ascii=ascii_only).encode())


def test_long_whole_numbers_keep_all_digits() -> None:
    """A whole number beyond what a float holds is not rounded."""
    assert 2**64 == loads(b"18446744073709551616")
    assert type(loads(b"1e2")) is float


@pytest.mark.parametrize(
    "text",
    [
        "0.12345678901234567890",
        "12345678901234567.5",
        "-123456789012345678901234567890.01",
        "1.1e-323",
    ],
)
def test_long_decimals_keep_all_digits(text: str) -> None:
    """A decimal that a float would round stays exact, on the way to the journal and back too."""
    value = loads(f'{{"a": [{text}]}}')
    assert value == {"a": [Decimal(text)]}
    assert decode(encode(value)) == value


@pytest.mark.parametrize(
    "text", ["0.30000000000000004", "1.7976931348623157e308", "5e-324", "-0.0", "1.10", "1e-5"]
)
def test_what_a_float_gives_back_is_a_float(text: str) -> None:
    """Floats as programs print them, in up to 17 digits, do not become exact decimals."""
    assert type(loads(text)) is float
    assert repr(loads(text)) == repr(float(text))


def test_a_mark_at_the_beginning_is_no_content() -> None:
    """A byte order mark before the JSON does no harm."""
    assert {"a": 1} == loads(b'\xef\xbb\xbf{"a": 1}')


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body is not JSON: Expecting value (line 1, column 1)"),
        (b'{"a": 1,\n "b" 2}', "the body is not JSON: Expecting ':' delimiter (line 2, column 6)"),
        (b'{"a": NaN}', "the body holds NaN, which is no JSON number"),
        (b"[-Infinity]", "the body holds -Infinity, which is no JSON number"),
        (b"[1e999]", "the body holds 1e999, which is beyond what a number can be"),
        (b'{"a": 1, "b": 2, "a": 3}', "the body has the key 'a' twice in one object"),
        (b'{"x": {"a": 1, "a": 1}}', "the body has the key 'a' twice in one object"),
        (b'["\xff"]', "the body is not UTF-8 (byte 2)"),
        (b'["\\u0000"]', "the body holds a NUL character"),
        (b'{"\\u0000": 1}', "the body holds a NUL character"),
        (b'["\\ud800"]', "the body holds half of a surrogate pair"),
        (b'{"\\udfff": 1}', "the body holds half of a surrogate pair"),
        (b"[1e-400]", "the body holds 1e-400, which is beyond what a number can be"),
        (b"[1e-99999999]", "the body holds 1e-99999999, which is beyond what a number can be"),
        (b"0." + b"1" * 5000, "the body holds a decimal number that is too long"),
        (b"1" * 5000, "the body holds a whole number that is too long"),
        (b"[" * 100_000, "the body is nested too deeply"),
    ],
)
def test_what_others_take_in_silence_is_refused(body: bytes, why: str) -> None:
    """What would be lost or changed on the way is refused, saying what and where."""
    with pytest.raises(InvalidRequest) as caught:
        loads(body)
    assert why == str(caught.value)


def test_a_whole_surrogate_pair_is_one_letter() -> None:
    """An escaped pair is the letter it stands for."""
    assert ["\U0001f600"] == loads(b'["\\ud83d\\ude00"]')


def test_the_name_of_what_is_read_stands_in_the_error() -> None:
    """The error speaks of what the caller was reading."""
    with pytest.raises(InvalidRequest, match=r"^the list is not JSON"):
        loads("[1,", what="the list")


def test_depth_has_a_limit_that_all_else_can_bear() -> None:
    """What is let in is never too deep to be handed on, and what is too deep is refused."""
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert deepest == encode(normalise(loads(deepest)))
    with pytest.raises(InvalidRequest, match=f"deeper than {MAX_DEPTH} levels"):
        loads(b"[" + deepest + b"]")


def test_many_brackets_side_by_side_are_no_depth() -> None:
    """A long flat list of lists is fine."""
    assert 1000 == len(loads(b"[" + b",".join([b"[]"] * 1000) + b"]"))
