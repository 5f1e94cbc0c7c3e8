"""The handler `addField`."""

from typing import Any

import pytest
from pydantic import ValidationError

from caudal_builtin.add_field import add_field
from caudal_builtin.moments import LocalTimeUnclear
from caudal_core import Records, UnknownField
from caudal_core.context import Context, Environment
from caudal_core.testing.handlers import run_handler

ROWS: list[dict[str, Any]] = [
    {"meter": "M1", "kwh": 10, "Precio (€/MWh)": 50.0},
    {"meter": "M2", "kwh": None, "Precio (€/MWh)": 60.5},
]


def added(data: Any, **config: Any) -> Any:
    """What the handler hands on."""
    return run_handler(add_field, data, config).output


def test_a_constant_goes_into_every_record() -> None:
    """A value without braces is the same in every record, of whatever kind it is."""
    for value in ("x", 1.5, True, None, [1, 2], {"a": [1]}):
        assert [value, value] == [row["f"] for row in added(ROWS, fieldName="f", fieldValue=value)]


def test_a_template_is_filled_record_by_record() -> None:
    """A text is filled from each record; one placeholder alone keeps its type."""
    assert ["M1: 10 kWh", "M2:  kWh"] == [
        row["f"] for row in added(ROWS, fieldName="f", fieldValue="{{meter}}: {{kwh}} kWh")
    ]
    assert [50.0, 60.5] == [
        row["f"] for row in added(ROWS, fieldName="f", fieldValue="{{Precio (€/MWh)}}")
    ]
    nested = added({"x": 1}, fieldName="f", fieldValue={"list": ["{{x}}"]})
    assert {"x": 1, "f": {"list": [1]}} == nested


def test_an_object_stays_an_object() -> None:
    """The field is added to a single object too."""
    assert {"a": 1, "f": 2} == added({"a": 1}, fieldName="f", expression="[a] + 1")
    assert {"newField": ""} == added({}, fieldValue="")


def test_a_field_that_is_there_is_replaced_in_place() -> None:
    """Replacing keeps the field's place and says so."""
    ran = run_handler(add_field, [{"a": 1, "b": 2}], {"fieldName": "a", "fieldValue": 9})
    assert [["a", "b"]] == [list(row) for row in ran.output]
    assert "field 'a' replaced in 1 record" == ran.message


def test_the_message_counts() -> None:
    """The message says what was added to how many records."""
    ran = run_handler(add_field, ROWS, {"fieldName": "f", "fieldValue": 1})
    assert "field 'f' added in 2 records" == ran.message
    assert [] == ran.log


def test_no_records_are_no_problem() -> None:
    """An empty table passes, whatever fields are named."""
    assert [] == added([], fieldName="f", expression="[a] * 2")
    assert [] == added([], fieldName="f", fieldValue="{{a}}")


def test_an_expression_computes() -> None:
    """Fields in square brackets are computed with, null giving null."""
    rows = added(ROWS, fieldName="cost", expression="[kwh] * [Precio (€/MWh)] / 1000")
    assert [0.5, None] == [row["cost"] for row in rows]


def test_the_expression_wins_and_says_so() -> None:
    """Where both are given the expression counts, and the log warns."""
    ran = run_handler(add_field, [{"a": 1}], {"fieldValue": "x", "expression": "[a] + 1"})
    assert [{"a": 1, "newField": 2}] == ran.output
    assert [("warning", "the expression sets 'newField'; its fieldValue is not used")] == [
        (line["level"], line["message"]) for line in ran.log
    ]


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_value_beside_an_expression_is_no_contradiction(value: Any) -> None:
    """What an editor stores in an empty form field raises no warning."""
    config = {"fieldValue": value, "expression": "1"}
    assert [] == run_handler(add_field, [{"a": 1}], config).log


def test_a_blank_expression_is_none() -> None:
    """An expression of blanks alone counts as absent."""
    assert [{"newField": "x"}] == added([{}], fieldValue="x", expression="  ")


def test_a_bad_expression_is_found_when_the_config_is_read() -> None:
    """What cannot be read is told before anything runs, with its place."""
    with pytest.raises(ValidationError, match=r"character 11: there is no function rund\(\)"):
        add_field.parse({"expression": "[a] * 2 + rund([a])"})
    with pytest.raises(ValidationError, match="at least 1 character"):
        add_field.parse({"fieldName": ""})


def test_errors_name_the_row() -> None:
    """A record that cannot be computed is named by its index."""
    with pytest.raises(Exception, match=r"^row 1, division by zero") as caught:
        added([{"a": 1}, {"a": 0}], expression="1 / [a]")
    assert "fila 1, división por cero" == caught.value.text("es")  # type: ignore[attr-defined]
    with pytest.raises(Exception, match=r"^division by zero"):
        added({"a": 0}, expression="1 / [a]")


@pytest.mark.parametrize("config", [{"fieldValue": "{{kwj}}"}, {"expression": "[kwj]"}])
def test_an_unknown_field_names_the_nearest(config: dict[str, Any]) -> None:
    """Template and expression refuse a field that no record has."""
    with pytest.raises(UnknownField, match="did you mean 'kwh'"):
        added(ROWS, **config)


def test_what_is_known_of_other_columns_travels() -> None:
    """Metadata stays with its columns; that of a replaced column goes."""
    metadata = {"a": {"unit": "kWh"}, "b": {"unit": "€"}}
    data = Records([{"a": 1, "b": 2}], metadata=metadata)
    config = add_field.parse({"fieldName": "b", "fieldValue": 1})
    ctx = Context("n", Environment())
    assert {"a": {"unit": "kWh"}} == add_field(config, data, ctx).metadata


def test_the_rows_that_came_in_are_not_changed() -> None:
    """Siblings in the graph see nothing of the new field."""
    rows = [{"a": 1}]
    added(rows, fieldValue="x")
    assert [{"a": 1}] == rows


AT: dict[str, Any] = {"at": "2026-03-01T10:00", "utc": "2026-03-01T10:00:00Z"}


@pytest.mark.parametrize(
    ("timezone", "expected"), [(None, "Europe/Madrid"), ("", "Europe/Madrid"), ("UTC", "UTC")]
)
@pytest.mark.parametrize("expression", ["[at] < [utc]", "datediff([utc], [at], 'hour') < 0"])
def test_the_zone_that_was_taken_is_told(
    timezone: str | None, expected: str, expression: str
) -> None:
    """A time without a zone is of the node's zone, else the workflow's; the result says which."""
    config = {"expression": expression, "timezone": timezone}
    ran = run_handler(add_field, AT, config, timezone="Europe/Madrid")
    assert (expected == "Europe/Madrid") is ran.output["newField"]
    assert {"timezone": expected} == ran.report
    told = "field 'newField' added in 1 record; times without a zone read in "
    assert told + expected == ran.message


def test_no_zone_is_named_where_none_was_used() -> None:
    """Times that all lack a zone need none."""
    config = {"expression": "[at] < [at]", "timezone": "Europe/Madrid"}
    assert {} == run_handler(add_field, AT, config).report


def test_a_zone_that_does_not_exist_is_found_when_the_config_is_read() -> None:
    """A misspelt zone is a problem before anything runs."""
    with pytest.raises(ValidationError, match="no time zone 'Madrid'"):
        add_field.parse({"timezone": "Madrid"})


LIMIT = "2026-10-25T01:00:00Z"
NIGHT = [
    {"at": f"2026-10-25T{hour}", "limit": LIMIT} for hour in ("01:30", "02:30", "02:30", "03:30")
]


@pytest.mark.parametrize(
    ("ambiguous", "expected"),
    [
        ("first", [True, True, True, False]),
        ("second", [True, False, False, False]),
        ("infer", [True, True, False, False]),
    ],
)
@pytest.mark.parametrize(
    "expression",
    [
        "[at] < [limit]",
        "[limit] > [at]",
        "coalesce([at], '') < [limit]",
        "datediff([at], [limit], 'minute') > 0",
    ],
)
def test_a_time_that_exists_twice_is_what_the_config_says(
    ambiguous: str, expected: list[bool], expression: str
) -> None:
    """One of the two is chosen, or told by the order of the records; else it is an error."""
    config = {"expression": expression, "timezone": "Europe/Madrid"}
    rows = added(NIGHT, **config, ambiguous=ambiguous)
    assert expected == [row["newField"] for row in rows]
    with pytest.raises(LocalTimeUnclear, match=r"row 1, the local time .* exists twice"):
        added(NIGHT, **config)


def test_the_order_changes_no_value() -> None:
    """A time whose offset the order tells is handed on as it came, without one."""
    config = {"expression": "[at]", "ambiguous": "infer", "timezone": "Europe/Madrid"}
    assert [row["at"] for row in NIGHT] == [row["newField"] for row in added(NIGHT, **config)]


def test_what_no_order_tells_is_an_error() -> None:
    """With `infer` a local time is refused that is computed, or of which two orders differ."""
    half = "2026-10-25T02:30"
    rows = [
        {"at": half, "end": "2026-10-25T02:20", "limit": LIMIT},
        {"at": half, "end": half, "limit": LIMIT},
        {"at": "2026-10-25T02:40", "end": "2026-10-25T02:10", "limit": LIMIT},
    ]
    zone = {"ambiguous": "infer", "timezone": "Europe/Madrid"}
    with pytest.raises(LocalTimeUnclear, match=r"row 0, the local time .* exists twice"):
        added(rows, expression="dateadd([at], 0, 'hour') < [limit]", **zone)
    with pytest.raises(LocalTimeUnclear, match=r"row 1, the local time .* exists twice"):
        added(rows, expression="if([at] = [end], [end], [at]) < [limit]", **zone)


@pytest.mark.parametrize("text", ["{{m.idd}}", "{{m.clear()}}", "{{m.__class__}}", "[{{m.idd}}]"])
@pytest.mark.parametrize("data", [[{"m": {"id": 1}}], {"m": {"id": 1}}])
def test_a_path_that_no_record_has_is_unknown(text: str, data: Any) -> None:
    """A template refuses what is nowhere below a column as it does a column that is nowhere."""
    with pytest.raises(UnknownField, match=r"the fields are: m\.id, m"):
        added(data, fieldValue=text)
    with pytest.raises(UnknownField):
        added(data, expression="[m.idd]")


def test_a_path_that_some_records_have_is_null_in_the_others() -> None:
    """Rows whose object is null, missing or without the path have null where another has it."""
    rows = [{"m": None}, {"x": 1}, {"m": {}}, {"m": 5}, {"m": {"id": 7}}]
    for config in ({"fieldValue": "{{m.id}}"}, {"expression": "[m.id]"}):
        assert [None] * 4 + [7] == [row["newField"] for row in added(rows, **config)]
    assert [0] * 4 + [7] == [row["newField"] for row in added(rows, fieldValue="{{m.id|0}}")]
    assert [{"m": {}, "newField": 0}] == added([{"m": {}}], fieldValue="{{m.id|0}}")
