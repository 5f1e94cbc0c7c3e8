"""A condition in columns: the same records, counts, messages and errors as from rows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.builtin.forms import both, outcome
from tests.core.tables import KINDS, NAMES, arrow, rows

from caudal_builtin.condition import condition
from caudal_core import Context
from caudal_core.context import Environment

VALUES = st.one_of(*KINDS) | st.sampled_from(
    [
        0,
        1,
        1.5,
        -0.0,
        2**53 + 1,
        float(2**53),
        2**63,
        -(2**63),
        1e300,
        "0",
        "1",
        "1.0",
        "1,5",
        "2026-03-01",
        "2026-03-01T00:00",
        "2026-03-01T00:00Z",
        "a",
        "true",
        "1 and 5",
        "1;5",
        True,
        [1, "1"],
        "ñ",
        "{{a}}",
        "{{b}}",
    ]
)
OPERATORS = st.sampled_from(
    [
        "equals",
        "notEquals",
        "contains",
        "greaterThan",
        "lessThan",
        "greaterOrEqual",
        "lessOrEqual",
        "isEmpty",
        "isNotEmpty",
        "startsWith",
        "endsWith",
        "in",
        "between",
    ]
)
FIELDS = st.sampled_from([*NAMES[:3], "unknown", "a.b"])
TERM = st.fixed_dictionaries({"field": FIELDS, "operator": OPERATORS, "value": VALUES})
WAYS = st.fixed_dictionaries(
    {
        "logicalOperator": st.sampled_from(["AND", "OR"]),
        "processingMode": st.sampled_from(["perRow", "perRow", "batch"]),
        "onMissing": st.sampled_from(["false", "true", "error"]),
        "minQuality": st.sampled_from([None, None, "Uncertain"]),
        "ambiguous": st.sampled_from(["error", "first", "infer"]),
    }
)


def config_of(terms: list[dict[str, Any]], ways: dict[str, Any]) -> dict[str, Any]:
    """A condition's config."""
    first, *more = terms
    return {
        "conditionField": first["field"],
        "conditionOperator": first["operator"],
        "conditionValue": first["value"],
        "additionalConditions": more,
        **ways,
    }


@settings(deadline=None, max_examples=400)
@given(rows(), st.lists(TERM, min_size=1, max_size=3), WAYS)
@example(
    [{"a": "2026-03-01"}, {"a": "2026-03-01T02:00"}],
    [{"field": "a", "operator": "greaterThan", "value": "2026-03-01T00:00Z"}],
    {"processingMode": "perRow"},
)
def test_columns_decide_as_rows_do(
    data: list[dict[str, Any]], terms: list[dict[str, Any]], ways: dict[str, Any]
) -> None:
    """Whatever is asked of whatever records, both forms come to the same."""
    config = config_of(terms, ways)
    try:
        condition.parse(config)
    except ValueError:
        return
    one, other = both(condition, config, data)
    assert one == other


NUMBERS = st.integers(-4, 4) | st.sampled_from([2**53, 2**53 + 1, -(2**62), 2**63 - 1])
DECIMALS = NUMBERS.map(float) | st.sampled_from([0.5, -1.5, 2.0**62, -0.0])


@settings(deadline=None, max_examples=300)
@given(
    st.lists(NUMBERS | st.none(), min_size=1) | st.lists(DECIMALS | st.none(), min_size=1),
    OPERATORS,
    NUMBERS | DECIMALS | st.sampled_from(["1", "0.5", "1 and 3", "-1;2,5"]),
)
def test_numbers_of_two_types_are_not_rounded(values: list[Any], operator: str, value: Any) -> None:
    """Whole and decimal numbers are compared by value, to the last digit."""
    config = {"conditionField": "a", "conditionOperator": operator, "conditionValue": value}
    try:
        condition.parse(config)
    except ValueError:
        return
    one, other = both(condition, {**config, "processingMode": "perRow"}, [{"a": v} for v in values])
    assert one == other


def test_quality_counts_in_columns() -> None:
    """Values of a quality below the least are missing."""
    data = [{"v": 1, "quality": q} for q in ("Good", "bad", None, "UNCERTAIN", "other")]
    config = {"conditionField": "v", "conditionValue": 1, "processingMode": "perRow"}
    for least in ("Good", "Uncertain"):
        one, other = both(condition, {**config, "minQuality": least}, data)
        assert one == other


@pytest.mark.parametrize("mode", ["perRow", "batch"])
@pytest.mark.parametrize("more", [{}, {"ambiguous": "infer"}])
@pytest.mark.parametrize("value", ["10 and 900", "10 and {{limit}}"])
def test_no_rows_are_made(mode: str, more: dict[str, Any], value: str) -> None:
    """A table is parted without making its records; at most with the columns that decide."""
    data = arrow(v=list(range(1_000)), t=["x", None] * 500, limit=[900] * 1_000)
    terms = [
        {"field": "v", "operator": "between", "value": value},
        {"field": "t", "operator": "startsWith", "value": "x"},
    ]
    config = config_of(terms, {"processingMode": mode, **more})
    ports = condition(condition.parse(config), data, Context("node", Environment()))
    assert data._held is None  # noqa: SLF001 - that there are no rows is what this is about
    assert all(part.in_columns for part in ports.values())


def test_a_pattern_is_no_template() -> None:
    """Braces of a regular expression are never taken for a placeholder's."""
    config = {"conditionField": "t", "conditionOperator": "matches"}
    data = [{"t": "a{{"}, {"t": None}]
    for mode in ("batch", "perRow"):
        parsed = {**config, "conditionValue": r"a\{{2}", "processingMode": mode}
        one, other = both(condition, parsed, data)
        assert one == other


def test_metadata_stays() -> None:
    """What is known of columns goes both ways."""
    data = arrow(v=[1, 2, 3])
    data.metadata = {"v": {"unit": "kWh"}}
    config = {"conditionField": "v", "conditionValue": 2, "processingMode": "perRow"}
    handed_on, *_ = outcome(condition, config, data)
    assert [{"v": {"unit": "kWh"}}] * 2 == [known for _, known in handed_on.values()]
