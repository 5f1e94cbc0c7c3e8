"""The handler `condition`: which way records go in its two modes."""

from typing import Any

import pytest
from tests.builtin.conditions import ROWS, ran

from caudal_builtin.condition import condition
from caudal_core import Context, DataError
from caudal_core.context import Environment
from caudal_core.errors import ExecutionCancelled
from caudal_core.records import Records


@pytest.mark.parametrize(("value", "port"), [("30", "true"), ("50", "false")])
def test_batch_sends_everything_the_way_of_the_first_record(value: str, port: str) -> None:
    """In batch mode the first record decides and the whole input goes one way."""
    found = ran(ROWS, "price", "greaterThan", value)
    assert {port: ROWS} == found.outputs
    assert {"conditionResult": port == "true"} == found.report
    said = "met" if port == "true" else "not met"
    assert f"the condition is {said}, 5 records to '{port}'" == found.message


def test_batch_takes_an_object() -> None:
    """An object decides for itself and stays an object."""
    assert {"true": {"price": 5}} == ran({"price": 5}, "price", "equals", "5").outputs


def test_batch_hands_on_the_very_records() -> None:
    """What goes one way is not copied, so that it need not be stored twice."""
    data = Records(ROWS)
    config = condition.parse({"conditionField": "id", "conditionValue": 1})
    assert condition(config, data, Context("n", Environment()))["true"] is data


def test_batch_without_records_takes_false() -> None:
    """No records go by `false`."""
    found = ran([], "price", "isEmpty")
    assert {"false": []} == found.outputs
    assert {"conditionResult": False} == found.report
    assert found.message == "the condition is not met, 0 records to 'false'"


def test_per_row_sends_each_record_its_own_way() -> None:
    """In perRow mode both ports are taken where they have rows, in the order of the input."""
    found = ran(ROWS, "price", "greaterThan", "50", processingMode="perRow")
    true, false = [ROWS[1], ROWS[4]], [ROWS[0], ROWS[2], ROWS[3]]
    assert {"true": true, "false": false} == found.outputs
    assert {
        "conditionResult": True,
        "trueRecords": true,
        "falseRecords": false,
        "trueCount": 2,
        "falseCount": 3,
    } == found.report
    assert found.message == "2 of 5 records meet the condition, 2 without a value"


@pytest.mark.parametrize(("value", "port"), [(0, "true"), (9999, "false")])
def test_per_row_leaves_out_a_port_without_rows(value: int, port: str) -> None:
    """A port that no row takes is a branch not taken."""
    found = ran(ROWS[:2], "price", "greaterThan", value, processingMode="perRow")
    assert {port: ROWS[:2]} == found.outputs
    other = "falseRecords" if port == "true" else "trueRecords"
    assert [] == found.report[other]
    assert (port == "true") is found.report["conditionResult"]


def test_per_row_without_records_takes_no_port() -> None:
    """No records go no way; the counts are zero."""
    found = ran([], "price", "equals", 1, processingMode="perRow")
    assert {} == found.outputs
    assert found.report["trueCount"] == found.report["falseCount"] == 0
    assert found.report["trueRecords"] == found.report["falseRecords"] == []
    assert found.report["conditionResult"] is False
    assert found.message == "no records, neither way is taken"


@pytest.mark.parametrize(("value", "port"), [(5, "true"), (6, "false")])
def test_per_row_takes_an_object(value: int, port: str) -> None:
    """An object goes its way as an object; beside it stand lists."""
    found = ran({"price": 5}, "price", "equals", value, processingMode="perRow")
    assert {port: {"price": 5}} == found.outputs
    assert [{"price": 5}] == found.report[f"{port}Records"]
    assert found.report[f"{port}Count"] == 1


def test_per_row_keeps_what_is_known_of_columns() -> None:
    """Units and the like go on with the columns on both ways."""
    metadata = {"price": {"unit": "€/MWh"}}
    config = condition.parse(
        {"conditionField": "id", "conditionValue": 1, "processingMode": "perRow"}
    )
    found = condition(config, Records(ROWS, metadata=metadata), Context("n", Environment()))
    assert [metadata, metadata] == [found["true"].metadata, found["false"].metadata]


@pytest.mark.parametrize("data", [5, "text", None, [1, 2]])
def test_needs_records(data: Any) -> None:
    """What is neither records nor an object has no fields to ask about."""
    with pytest.raises(DataError, match="needs records"):
        ran(data, "price", "equals", 1)


def test_a_cancelled_execution_ends_it() -> None:
    """The loop over records looks at whether the execution was cancelled."""
    ctx = Context("n", Environment())
    ctx.cancel()
    config = condition.parse({"conditionField": "id", "processingMode": "perRow"})
    with pytest.raises(ExecutionCancelled):
        condition(config, Records(ROWS), ctx)
