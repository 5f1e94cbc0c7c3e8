"""What is shown of values that are too large to be shown whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal_core import Records
from caudal_core.payload import LARGE, Payload
from caudal_core.preview import info, preview, shown, small_preview
from caudal_core.values import to_wire

SMALL = 2_000
ROWS = [{"n": n, "text": "x" * 100} for n in range(1000)]

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=40,
)

LARGE_VALUES: dict[str, Any] = {
    "records": ROWS,
    "wide records": [{f"c{n}": "x" * 50 for n in range(500)} for _ in range(200)],
    "a record with a long text": [{"text": "x" * 500_000}] * 3,
    "a text": "x" * 200_000,
    "a text of other letters": "€" * 100_000,
    "a text of quotes": '"\n' * 50_000,
    "many keys": {f"k{n}": n for n in range(20_000)},
    "long keys": {"k" * 10_000 + str(n): n for n in range(20)},
    "a list in an object": {"items": list(range(50_000)), "last": 1},
    "deep": {"a": {"b": {"c": ["x" * 100] * 1000}}},
    "empty objects": [{}] * 50_000,
    "empty lists in an object": {"a": [[]] * 50_000},
    "numbers": list(range(100_000)),
    "long numbers": [10**3000] * 40,
    "nulls": [None] * 50_000,
}


@pytest.mark.parametrize("value", [None, True, 5, "text", [], {}, [1, 2], ROWS[:20], {"a": [1]}])
def test_what_is_small_is_shown_whole(value: Any) -> None:
    """A value up to 64 kB is shown as it is, with nothing beside it."""
    assert (value, None) == shown(Payload.of(value))


def test_the_border() -> None:
    """64,000 bytes are small, one more is large."""
    whole, cut = "x" * (LARGE - 2), "x" * (LARGE - 1)
    assert ((whole, None), SMALL) == (shown(Payload.of(whole)), len(shown(Payload.of(cut))[0]))


def test_the_first_records() -> None:
    """Of many records the first 20 are shown, and how many there are in truth."""
    payload = Payload.of(Records(ROWS))
    assert (ROWS[:20], info(payload)) == shown(payload)
    assert {"truncated": True, "rows": 1000, "bytes": payload.size} == info(payload)
    assert payload.size == len(to_wire(ROWS))


def test_the_first_characters() -> None:
    """Of a long text the first 2,000 characters are shown; it has no rows."""
    payload = Payload.of("ab" * 100_000)
    assert ("ab" * 1000, {"truncated": True, "rows": None, "bytes": 200_002}) == shown(payload)


@pytest.mark.parametrize("case", LARGE_VALUES)
def test_a_preview_is_of_the_same_kind(case: str) -> None:
    """A preview is of its value's kind, of its keys and items the first ones, and not large."""
    value = LARGE_VALUES[case]
    cut = preview(value)
    assert type(value) is type(cut)
    assert len(to_wire(cut)) <= 2 * LARGE
    if isinstance(value, dict):
        assert list(value)[: len(cut)] == list(cut)
    if isinstance(value, list):
        assert len(cut) <= 20
    assert bool(cut)


@pytest.mark.parametrize("case", LARGE_VALUES)
def test_a_small_preview_is_small(case: str) -> None:
    """A preview for a list of many takes up to 2 kB, and is of its value's kind."""
    value = LARGE_VALUES[case]
    cut = small_preview(value)
    assert type(value) is type(cut)
    assert len(to_wire(cut)) <= SMALL


@settings(max_examples=60)
@given(VALUES)
def test_any_small_preview_is_small(value: Any) -> None:
    """However large and odd a value is, its small preview takes up to 2 kB of its own kind."""
    cut = small_preview(value)
    assert len(to_wire(cut)) <= SMALL
    assert type(value) is type(cut)
    if len(to_wire(value)) <= SMALL // 4:
        assert value == cut


@settings(max_examples=60)
@given(VALUES)
def test_any_preview_fits(value: Any) -> None:
    """A preview keeps to its budget, give or take what a few letters take more than others."""
    for budget in (500, 5_000):
        assert len(to_wire(preview(value, budget))) <= 6 * budget + 200


@settings(max_examples=60)
@given(VALUES)
def test_a_preview_changes_nothing(value: Any) -> None:
    """Making a preview leaves the value as it was."""
    before = to_wire(value)
    preview(value, 100)
    small_preview(value)
    assert before == to_wire(value)


def test_what_is_cut_says_so() -> None:
    """A text that was cut inside a preview ends with an ellipsis."""
    (row,) = preview([{"a": "x" * 500_000, "b": 1}])
    assert row["a"].endswith("…")
    assert small_preview("x" * 5_000).endswith("…")
