"""The config of `condition`: spellings that workflows carry, and problems said before a run."""

from typing import Any

import pytest
from pydantic import ValidationError

from caudal_builtin.condition import ConditionConfig, condition


def parsed(**config: Any) -> ConditionConfig:
    """The typed config of a condition on `price`."""
    found = condition.parse({"conditionField": "price", **config})
    assert isinstance(found, ConditionConfig)
    return found


def test_defaults() -> None:
    """Without more, the first record decides whether the field equals an empty text."""
    config = parsed()
    assert config.terms == [("price", "equals", "")]
    assert (config.logical_operator, config.processing_mode) == ("AND", "batch")
    assert (config.on_missing, config.min_quality) == ("false", None)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("=", "equals"),
        ("==", "equals"),
        ("!=", "notEquals"),
        ("<>", "notEquals"),
        (">", "greaterThan"),
        ("<", "lessThan"),
        (">=", "greaterOrEqual"),
        ("<=", "lessOrEqual"),
        ("startsWith", "startsWith"),
    ],
)
def test_operators_may_be_symbols(symbol: str, name: str) -> None:
    """A symbol stands for an operator, in additional conditions too."""
    more = [{"field": "a", "operator": symbol, "value": 1}]
    config = parsed(conditionOperator=symbol, conditionValue=1, additionalConditions=more)
    assert [name, name] == [term.operator for term in config.terms]


def test_additional_conditions_may_be_json_text() -> None:
    """A list that was stored as text is read."""
    config = parsed(additionalConditions='[{"field": "a", "operator": "isEmpty"}]')
    assert ("a", "isEmpty", "") == config.terms[1]


@pytest.mark.parametrize("empty", ["", None, []])
def test_absent_values_are_defaults(empty: Any) -> None:
    """Empty text and null mean absent."""
    config = parsed(additionalConditions=empty, logicalOperator=empty or None, minQuality=None)
    assert len(config.terms) == 1


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"conditionField": ""}, "conditionField is empty: name the field to compare"),
        ({"conditionField": None}, "conditionField is empty"),
        ({"conditionOperator": "near"}, "greaterThan"),
        ({"conditionOperator": "greaterThan"}, "greaterThan on 'price' has no value"),
        ({"conditionOperator": "contains", "conditionValue": ""}, "contains on 'price' has no"),
        ({"conditionOperator": "in", "conditionValue": []}, "in on 'price' has no value"),
        ({"conditionOperator": "startsWith", "conditionValue": None}, "has no value to compare"),
        ({"conditionOperator": "matches", "conditionValue": "("}, r"expression '\(' cannot be"),
        ({"conditionOperator": "matches", "conditionValue": "(?=a)"}, "look-around"),
        ({"conditionOperator": "between", "conditionValue": "5"}, "between needs two values"),
        ({"conditionOperator": "between", "conditionValue": [1, ""]}, "between needs two values"),
        ({"conditionOperator": "between", "conditionValue": "1,5,2,5"}, "needs two values"),
        ({"conditionOperator": "between", "conditionValue": "[1,2,3]"}, "needs two values"),
        ({"conditionOperator": "between", "conditionValue": "1" + " " * 50_000}, "needs two"),
        ({"additionalConditions": [{"field": ""}]}, "field is empty: name the field"),
        ({"additionalConditions": [{"field": "a", "operator": ">"}]}, "greaterThan on 'a' has no"),
        ({"logicalOperator": "XOR"}, "'AND' or 'OR'"),
        ({"processingMode": "rows"}, "'batch' or 'perRow'"),
        ({"onMissing": "skip"}, "'false', 'true' or 'error'"),
        ({"minQuality": "Best"}, "'Good' or 'Uncertain'"),
        ({"timezone": "Madrid"}, "no time zone 'Madrid'; write it like Europe/Madrid"),
        ({"timezone": "../etc"}, "no time zone '../etc'"),
        ({"ambiguous": "third"}, "'error', 'first', 'second' or 'infer'"),
    ],
)
def test_problems_are_said_before_a_run(config: dict[str, Any], told: str) -> None:
    """What no record could make good is a problem of the config."""
    with pytest.raises(ValidationError, match=told):
        parsed(**config)


@pytest.mark.parametrize(
    "config",
    [
        {"conditionOperator": "equals", "conditionValue": None},
        {"conditionOperator": "isEmpty"},
        {"conditionOperator": "between", "conditionValue": "{{limits}}"},
        {"conditionOperator": "greaterThan", "conditionValue": 0},
        {"conditionOperator": "equals", "conditionValue": False},
        {"unknownKey": 1},
    ],
)
def test_what_records_may_make_good_is_accepted(config: dict[str, Any]) -> None:
    """Templates, zero and false are values; unknown keys are kept."""
    assert parsed(**config).terms
