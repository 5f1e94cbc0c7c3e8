"""The handler `condition`: fields, missing values, templates, several terms, times."""

from typing import Any

import pytest
from tests.builtin.conditions import ROWS, met, ran

from caudal_builtin.conditions.comparison import NotComparable
from caudal_builtin.conditions.rule import MissingValue
from caudal_builtin.moments import LocalTimeUnclear
from caudal_core import UnknownField


@pytest.mark.parametrize(
    ("on_missing", "expected", "told"),
    [
        (None, [2, 5], "2 of 5 records meet the condition, 2 without a value"),
        ("false", [2, 5], "2 of 5 records meet the condition, 2 without a value"),
        (False, [2, 5], "2 of 5 records meet the condition, 2 without a value"),
        ("true", [2, 3, 4, 5], "4 of 5 records meet the condition, 2 without a value"),
        (True, [2, 3, 4, 5], "4 of 5 records meet the condition, 2 without a value"),
    ],
)
@pytest.mark.parametrize("operator", ["greaterThan", "notEquals"])
def test_on_missing_decides_without_a_value(
    on_missing: Any, expected: list[int], told: str, operator: str
) -> None:
    """Null and missing go the way that `onMissing` says, whatever the operator, and are counted."""
    value = 50 if operator == "greaterThan" else 40
    assert expected == met(ROWS, "price", operator, value, onMissing=on_missing)
    more = {"processingMode": "perRow", "onMissing": on_missing}
    assert told == ran(ROWS, "price", operator, value, **more).message


def test_on_missing_error_names_row_and_field() -> None:
    """With `error` a record without a value fails the node."""
    with pytest.raises(MissingValue, match="row 2, field 'price': there is no value to compare"):
        met(ROWS, "price", "greaterThan", 1, onMissing="error")
    with pytest.raises(MissingValue, match=r"^field 'price': there is no value"):
        ran({"price": None}, "price", "equals", 1, onMissing="error")


def test_batch_says_that_a_value_is_missing() -> None:
    """In batch mode the message says that the record which decides lacks the value."""
    found = ran(ROWS[3:], "price", "equals", 1)
    assert ["false"] == list(found.outputs)
    expected = "the condition is not met, 2 records to 'false'; "
    assert expected + "the record that decides lacks a value" == found.message


@pytest.mark.parametrize(("operator", "expected"), [("isEmpty", [3, 4]), ("isNotEmpty", [1, 2, 5])])
def test_missing_is_empty(operator: str, expected: list[int]) -> None:
    """For `isEmpty` and `isNotEmpty` null and missing are an answer, not a missing value."""
    assert expected == met(ROWS, "price", operator, onMissing="error")


@pytest.mark.parametrize(
    ("on_missing", "operator", "expected"),
    [
        (None, "equals", []),
        ("false", "equals", []),
        ("true", "equals", [1, 2, 3, 4, 5]),
        (None, "isEmpty", [1, 2, 3, 4, 5]),
    ],
)
def test_a_field_that_no_record_has_is_missing_in_all(
    on_missing: str | None, operator: str, expected: list[int]
) -> None:
    """Row by row such a field goes the way of `onMissing`, and the log names the nearest."""
    assert expected == met(ROWS, "prize", operator, 1, onMissing=on_missing)
    more = {"processingMode": "perRow", "onMissing": on_missing}
    (line,) = ran(ROWS, "prize", operator, 1, **more).log
    assert line["level"] == "warning"
    assert "did you mean 'price'?" in line["message"]


def test_per_row_refuses_a_field_that_no_record_has_where_missing_is_an_error() -> None:
    """With `onMissing` error a field that is nowhere is an error which names the nearest."""
    with pytest.raises(UnknownField, match=r"unknown field 'prize'.*did you mean 'price'"):
        met(ROWS, "prize", "equals", 1, onMissing="error")


@pytest.mark.parametrize("data", [ROWS, ROWS[0]])
def test_batch_warns_of_a_field_that_no_record_has(data: Any) -> None:
    """In batch mode such a field is missing, and the log names the nearest."""
    found = ran(data, "prize", "equals", 1)
    assert ["false"] == list(found.outputs)
    (line,) = found.log
    assert line["level"] == "warning"
    assert "did you mean 'price'?" in line["message"]


def test_per_row_takes_an_object_without_the_field() -> None:
    """An object that lacks the field follows `onMissing`."""
    found = ran({"a": 1}, "price", "equals", 1, processingMode="perRow", onMissing="true")
    assert ["true"] == list(found.outputs)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("meter.kind", [1]),
        ("tags[1]", [2]),
        ("a.b", [3]),
        ("Precio (€/MWh)", [4]),
    ],
)
def test_a_field_is_a_key_or_a_path(field: str, expected: list[int]) -> None:
    """A field is looked for as a key first, with all its signs, then along a path."""
    rows = [
        {"id": 1, "meter": {"kind": "x"}},
        {"id": 2, "tags": ["y", "x"], "meter": None},
        {"id": 3, "a.b": "x", "a": {"b": "z"}},
        {"id": 4, "Precio (€/MWh)": "x"},
    ]
    assert expected == met(rows, field, "equals", "x")


@pytest.mark.parametrize("path", ["meter.power", "tags[9]", "price.x", "a..b", "[0]"])
def test_a_path_that_leads_nowhere_is_unknown(path: str) -> None:
    """A path that ends in no record is an unknown field."""
    rows = [{"id": 1, "meter": {"kind": "x"}, "tags": ["y"], "price": 5}]
    with pytest.raises(UnknownField):
        met(rows, path, "equals", "x", onMissing="error")


@pytest.mark.parametrize(
    ("logic", "expected"),
    [("AND", [2]), ("and", [2]), ("OR", [1, 2, 3]), ("or", [1, 2, 3]), (None, [2])],
)
def test_conditions_are_brought_together(logic: str | None, expected: list[int]) -> None:
    """AND asks for all of them, OR for one, in capitals or not; AND is the default."""
    rows = [
        {"id": 1, "price": 60, "kwh": 1},
        {"id": 2, "price": 60, "kwh": 9},
        {"id": 3, "price": 40, "kwh": 9},
        {"id": 4, "price": 40, "kwh": 1},
    ]
    more = [{"field": "kwh", "operator": ">", "value": "5"}]
    found = met(rows, "price", ">", "50", additionalConditions=more, logicalOperator=logic)
    assert expected == found


def test_terms_are_read_while_needed() -> None:
    """A term that decides keeps the later ones from being asked, and from failing."""
    rows = [{"id": 1, "kind": "text", "v": "abc"}, {"id": 2, "kind": "number", "v": 7}]
    more = [{"field": "v", "operator": "greaterThan", "value": 5}]
    assert [2] == met(rows, "kind", "equals", "number", additionalConditions=more)
    either = met(rows, "kind", "equals", "text", additionalConditions=more, logicalOperator="OR")
    assert [1, 2] == either


def test_a_missing_term_does_not_spoil_the_others() -> None:
    """With OR a record without one value can be met by another; it is counted once."""
    rows = [{"id": 1, "a": None, "b": 1}, {"id": 2, "a": None, "b": None}, {"id": 3, "a": 1}]
    more = [{"field": "b", "operator": "equals", "value": 1}]
    config = {"additionalConditions": more, "logicalOperator": "OR", "processingMode": "perRow"}
    found = ran(rows, "a", "equals", 1, **config)
    assert found.message == "2 of 3 records meet the condition, 2 without a value"


def test_the_value_may_be_a_template() -> None:
    """The value is filled from each record, and keeps its type."""
    rows = [
        {"id": 1, "kwh": 9, "limit": 5},
        {"id": 2, "kwh": 9, "limit": "10"},
        {"id": 3, "kwh": 9, "limit": None},
        {"id": 4, "kwh": 9},
    ]
    assert [1] == met(rows, "kwh", "greaterThan", "{{limit}}")
    assert [1, 3, 4] == met(rows, "kwh", "greaterThan", "{{limit}}", onMissing="true")


def test_a_template_in_a_list() -> None:
    """The values of `in` and `between` may be templates too."""
    rows = [{"id": 1, "v": 5, "low": 1, "high": 9}, {"id": 2, "v": 5, "low": 6, "high": 9}]
    assert [1] == met(rows, "v", "between", "{{low}} and {{high}}")
    assert [1] == met(rows, "v", "between", ["{{low}}", "{{high}}"])
    assert [2] == met(rows, "low", "in", "{{v}}, 6")


@pytest.mark.parametrize(
    "value", ["{{low}} and {{high}}", ["{{low}}", "{{high}}"], ["{{low}}", 9], "{{both}}"]
)
def test_a_limit_that_is_null_is_missing(value: Any) -> None:
    """A `between` that is filled with null goes the way of `onMissing`, and is counted."""
    rows: list[dict[str, Any]] = [
        {"id": 1, "v": 5, "low": 1, "high": 9, "both": [1, 9]},
        {"id": 2, "v": 5, "low": None, "high": 9, "both": [None, 9]},
        {"id": 3, "v": 5},
    ]
    assert [1] == met(rows, "v", "between", value)
    assert [1, 2, 3] == met(rows, "v", "between", value, onMissing="true")
    found = ran(rows, "v", "between", value, processingMode="perRow")
    assert "1 of 3 records meet the condition, 2 without a value" == found.message
    with pytest.raises(MissingValue, match="row 1, field 'v'"):
        met(rows, "v", "between", value, onMissing="error")


@pytest.mark.parametrize("name", ["limite", "limits.low", "limits.__class__"])
def test_a_template_refuses_an_unknown_field(name: str) -> None:
    """A placeholder for a field or path that no record has is an error."""
    rows = [{**row, "limits": {"high": 9}} for row in ROWS]
    with pytest.raises(UnknownField, match=f"unknown field '{name}'"):
        met(rows, "price", "greaterThan", "{{" + name + "}}")


def test_a_path_in_a_template_is_null_where_a_record_lacks_it() -> None:
    """A path that some record has is missing in the others."""
    rows = [{"id": 1, "v": 5, "limit": {"low": 1}}, {"id": 2, "v": 5, "limit": None}]
    assert [1] == met(rows, "v", "greaterThan", "{{limit.low}}")
    assert [1, 2] == met(rows, "v", "greaterThan", "{{limit.low}}", onMissing="true")


def test_a_pattern_is_no_template() -> None:
    """In a regular expression braces mean what they mean there."""
    assert [1] == met([{"id": 1, "v": "{{x}}"}], "v", "matches", r"^\{\{x\}\}$")


def test_values_without_order_fail_with_row_field_and_values() -> None:
    """Text is never put in order by its letters: the error says where, and what it was."""
    rows = [{"id": 1, "price": 5}, {"id": 2, "price": "five"}]
    with pytest.raises(NotComparable, match="""row 1, field 'price': "five" and 50 cannot"""):
        met(rows, "price", "lessThan", 50)
    with pytest.raises(NotComparable, match=r"""^field 'price': "five" and "50" cannot"""):
        ran(rows[1], "price", "lessThan", "50")


@pytest.mark.parametrize(
    ("minimum", "expected"), [("Good", [1, 5]), ("Uncertain", [1, 2, 5]), ("", [1, 2, 3, 4, 5])]
)
def test_values_of_low_quality_are_missing(minimum: str, expected: list[int]) -> None:
    """With `minQuality` a record of lower quality has no value; without a quality it is good."""
    rows = [
        {"id": 1, "v": 9, "quality": "Good"},
        {"id": 2, "v": 9, "quality": "Uncertain"},
        {"id": 3, "v": 9, "quality": "Bad"},
        {"id": 4, "v": 9, "quality": "strange"},
        {"id": 5, "v": 9},
    ]
    assert expected == met(rows, "v", "greaterThan", 5, minQuality=minimum)
    assert expected == met(rows, "v", "isNotEmpty", minQuality=minimum)
    found = ran(rows, "v", "greaterThan", 5, minQuality=minimum, processingMode="perRow")
    lacking = f", {5 - len(expected)} without a value" if len(expected) < 5 else ""
    assert f"{len(expected)} of 5 records meet the condition{lacking}" == found.message


TIMES = [{"id": 1, "at": "2026-07-01T11:59"}, {"id": 2, "at": "2026-07-01T12:01"}]


def test_times_without_a_zone_are_the_workflows() -> None:
    """Next to a time with a zone, one without is of the workflow's zone, and the result says so."""
    found = ran(
        TIMES,
        "at",
        "greaterThan",
        "2026-07-01T10:00Z",
        processingMode="perRow",
        workflow_timezone="Europe/Madrid",
    )
    assert {"true": TIMES[1:], "false": TIMES[:1]} == found.outputs
    assert found.report["timezone"] == "Europe/Madrid"
    expected = "1 of 2 records meet the condition; times without a zone read in Europe/Madrid"
    assert expected == found.message


def test_the_node_may_have_a_zone_of_its_own() -> None:
    """The node's `timezone` comes before the workflow's."""
    found = ran(TIMES, "at", "<", "2026-07-01T10:00Z", timezone="Asia/Tokyo")
    assert ["true"] == list(found.outputs)
    assert {"conditionResult": True, "timezone": "Asia/Tokyo"} == found.report


def test_no_zone_is_named_where_none_was_used() -> None:
    """Times that all lack a zone need none."""
    assert "timezone" not in ran(TIMES, "at", "<", "2026-07-01", timezone="Asia/Tokyo").report


def test_an_unclear_local_time_fails_with_its_row() -> None:
    """A local time that exists twice is an error unless `ambiguous` chooses."""
    rows = [{"id": 1, "at": "2026-10-25T01:00"}, {"id": 2, "at": "2026-10-25T02:30"}]
    zone = {"timezone": "Europe/Madrid"}
    with pytest.raises(
        LocalTimeUnclear, match=r"row 1, field 'at': the local time .* exists twice"
    ):
        met(rows, "at", "<", "2026-10-25T01:00Z", **zone)
    assert [1, 2] == met(rows, "at", "<", "2026-10-25T01:00Z", ambiguous="first", **zone)
    assert [1] == met(rows, "at", "<", "2026-10-25T01:00Z", ambiguous="second", **zone)


NIGHT = {
    "hours": (["01:30", "02:30", "02:30", "03:30"], [0, 1]),
    "quarters": (["02:00", "02:30", "02:45", "02:00", "02:30", "03:00"], [0, 1, 2]),
    "a gap": (["02:45", "02:15"], [0]),
}


@pytest.mark.parametrize("case", NIGHT)
def test_the_order_tells_which_time_is_meant(case: str) -> None:
    """With `infer` the second hour begins with the first time that is not later than the last."""
    hours, before = NIGHT[case]
    rows = [{"id": n, "at": f"2026-10-25T{hour}"} for n, hour in enumerate(hours)]
    zone = {"ambiguous": "infer", "timezone": "Europe/Madrid"}
    assert before == met(rows, "at", "<", "2026-10-25T01:00Z", **zone)
    report = ran(rows, "at", "<", "2026-10-25T01:00Z", **zone).report
    assert "Europe/Madrid" == report["timezone"]


@pytest.mark.parametrize(
    "hours", [["01:30", "02:30", "03:30"], ["02:30", "02:30", "02:30"], ["02:30", "02:15", "02:00"]]
)
def test_an_order_that_tells_nothing_is_an_error(hours: list[str]) -> None:
    """Where the clock goes back nowhere, or more than once, `infer` refuses as `error` does."""
    rows = [{"id": n, "at": f"2026-10-25T{hour}"} for n, hour in enumerate(hours)]
    with pytest.raises(LocalTimeUnclear, match="exists twice"):
        met(rows, "at", "<", "2026-10-25T01:00Z", ambiguous="infer", timezone="Europe/Madrid")


def test_times_without_a_zone_are_compared_as_they_are() -> None:
    """With `infer`, where no side has a zone, none is needed."""
    rows = [{"id": 1, "at": "2026-10-25T02:30"}, {"id": 2, "at": "2026-10-25T02:30"}]
    zone = {"ambiguous": "infer", "timezone": "Europe/Madrid"}
    assert [1, 2] == met(rows, "at", "<", "2026-10-25T02:31", **zone)
    assert [1] == met(
        rows, "at", "between", "2026-10-25T02:30+02:00; 2026-10-25T02:31+02:00", **zone
    )
