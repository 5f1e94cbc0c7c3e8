"""When the keys of two records are equal, for `join`."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caudal_builtin.join import join
from caudal_builtin.joins.keys import InvalidKey
from caudal_builtin.numbers import canonical_number
from caudal_core import Context
from caudal_core.context import Environment
from caudal_core.records import Records

CONFIG = join.parse({"joinStrategy": "mergeByKey", "joinKey": "k", "joinType": "inner"})


def joined(a: list[Any], b: list[Any]) -> list[tuple[int, int]]:
    """By position which rows found each other, given the keys of both sides."""
    sides = {
        "A": Records([{"k": key, "a": at} for at, key in enumerate(a)]),
        "B": Records([{"k": key, "b": at} for at, key in enumerate(b)]),
    }
    config = CONFIG.model_copy(update={"join_match": "all"})
    found = join(config, sides, Context("n", Environment()))
    return [(row["a"], row["b"]) for row in found]


def match(a: Any, b: Any) -> bool:
    """Whether two keys match, each alone on its side."""
    assert joined([a], [b]) == joined([b], [a])
    return joined([a], [b]) == [(0, 0)]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("x", "x"),
        ("", ""),
        ("01", "01"),
        (1, 1),
        (1, 1.0),
        (-0.0, 0),
        (2**60, 2**60),
        (Decimal("1.2345678901234567"), Decimal("1.2345678901234567")),
        (0.1, Decimal("0.10000000000000000000")),
        ("0.1", Decimal("0.10000000000000000000")),
        (1, Decimal("1.0000000000000000000")),
        (True, True),
        ("1", 1),
        ("1.0", 1),
        ("-2.50", -2.5),
    ],
)
def test_keys_that_match(a: Any, b: Any) -> None:
    """Texts match by letter, numbers by value, a canonical number in a text the number it is."""
    assert match(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (None, None),
        (None, ""),
        (None, 0),
        ("x", "X"),
        ("x", "x "),
        ("01", 1),
        ("+1", 1),
        ("1,0", 1),
        ("1e0", 1),
        ("1.10", "1.1"),
        ("1.0", "1"),
        (1234567890123456, "1234567890123456"),
        (0.1, Decimal("0.10000000000000000001")),
        (0.1, Decimal("0.1000000000000000055511151231257827021181583404541015625")),
        (True, 1),
        (True, "true"),
        (False, 0),
        (False, ""),
    ],
)
def test_keys_that_do_not(a: Any, b: Any) -> None:
    """Null matches nothing, a boolean no number, a text no number that is written otherwise."""
    assert not match(a, b)


def test_floats_match_as_written_beside_exact_decimals() -> None:
    """In a key of both, texts and booleans too, a float matches the decimal it is written as."""
    decimal = Decimal("0.10000000000000000000")
    assert [(0, 0), (1, 0), (2, 1)] == joined([0.1, "0.1", 0.2, True], [decimal, 0.2, False])


def test_a_missing_field_matches_nothing() -> None:
    """A record without the key is as one whose key is null."""
    data = {"A": Records([{"k": 1}, {"a": 1}]), "B": Records([{"k": 2}, {"b": 1}])}
    assert len(join(CONFIG, data, Context("n", Environment()))) == 0


def test_texts_count_as_numbers_where_there_are_numbers() -> None:
    """In a key that holds numbers on either side, canonical texts of both sides are numbers."""
    assert [(1, 0), (1, 1)] == joined([2, "1"], ["1.0", 1])
    assert [] == joined(["2", "1"], ["1.0", "3"])


@pytest.mark.parametrize("value", [[1], {"a": 1}, []])
def test_lists_and_objects_are_no_keys(value: Any) -> None:
    """A list or an object as key is an error that names side, row, field and value."""
    with pytest.raises(InvalidKey, match=r"port B, row 1: the key 'k' is an? .*, [\[{]"):
        joined([1], [1, value])
    with pytest.raises(InvalidKey, match="port A, row 0"):
        joined([value], [1])


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.0, -2.0, 1.5]),
    st.sampled_from(["", "a", "1", "01", "1.0", "1.5", "0.5", "-2", "true", "True", "None"]),
)


def plain(value: Any, *, numeric: bool) -> Any:
    """The rule written down once more: what a key counts as, tagged by kind."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, str) and numeric:
        number = canonical_number(value)
        return ("text", value) if number is None else ("number", float(number))
    return ("text", value) if isinstance(value, str) else ("number", float(value))


@given(st.lists(SCALARS, max_size=8), st.lists(SCALARS, max_size=8))
def test_a_hash_join_finds_what_comparing_every_pair_finds(a: list[Any], b: list[Any]) -> None:
    """The join gives exactly the pairs whose keys are equal by the rule, in A's and B's order."""
    numeric = any(type(value) in (int, float) for value in a + b)
    expected = [
        (i, j)
        for i, left in enumerate(a)
        for j, right in enumerate(b)
        if left is not None
        and right is not None
        and plain(left, numeric=numeric) == plain(right, numeric=numeric)
    ]
    assert expected == joined(a, b)
