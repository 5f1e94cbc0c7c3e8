"""The handler `trigger`."""

import pytest

from caudal_builtin.trigger import trigger
from caudal_core.testing import run_handler

INPUTS = {"price": 5, "_webhookData": {"a": 1}}


def test_hands_on_the_inputs_without_reserved_keys() -> None:
    """A root hands on the execution's inputs, those that begin with `_` left out."""
    ran = run_handler(trigger, INPUTS, inputs=INPUTS)
    assert {"out": {"price": 5}} == ran.outputs
    assert ran.message == "started with an object with 1 field"


def test_hands_on_no_inputs() -> None:
    """Without inputs an empty object goes on."""
    assert {} == run_handler(trigger, {}).output


@pytest.mark.parametrize("data", [[{"_id": 1}], {"_id": 1, "b": 2}, 5, None])
def test_hands_on_the_data_of_another_node_unchanged(data: object) -> None:
    """With incoming data a name that begins with `_` is a name like any other."""
    assert data == run_handler(trigger, data, inputs=INPUTS).output


def test_a_schedule_is_kept() -> None:
    """What editors store of a schedule is read as it is, with what holds where they say nothing."""
    config = {
        "scheduleEnabled": "true",
        "scheduleType": "interval",
        "scheduleInterval": "5m",
        "scheduleIntervalValue": "5",
        "scheduleIntervalUnit": "minutes",
        "cron": "0 6 * * *",
        "timezone": "Europe/Madrid",
    }
    parsed = trigger.parse(config).model_dump(by_alias=True)
    typed = {**config, "scheduleEnabled": True, "scheduleIntervalValue": 5.0}
    more = {"scheduleCatchUp": "skip", "scheduleOverlap": "skip", "scheduleTolerance": None}
    assert typed | more == parsed


STARTED = {
    "type": "schedule",
    "nodeId": "node",
    "key": "k",
    "plannedAt": "2026-10-25T02:30:00+02:00",
}


def test_says_when_its_schedule_planned_the_execution() -> None:
    """Started by its own schedule, the planned time is handed on beside the inputs."""
    ran = run_handler(trigger, {"_trigger": STARTED, "a": 1}, inputs={"_trigger": STARTED, "a": 1})
    assert {"trigger": STARTED, "a": 1} == ran.output
    assert ran.message == "started by its schedule, planned for 2026-10-25T02:30:00+02:00"


def test_another_nodes_schedule_is_not_its_own() -> None:
    """Started by the schedule of another node, the inputs go on as ever."""
    inputs = {"_trigger": {**STARTED, "nodeId": "other"}, "a": 1}
    assert {"a": 1} == run_handler(trigger, inputs, inputs=inputs).output


@pytest.mark.parametrize("config", [{}, {"scheduleEnabled": True}, {"scheduleEnabled": ""}])
def test_a_schedule_is_silent(config: dict[str, object]) -> None:
    """Whoever runs a workflow with a schedule by hand is not warned of anything."""
    assert [] == run_handler(trigger, {}, config).log


@pytest.mark.parametrize("started", [None, "x", [1], {}, {"nodeId": "another"}])
def test_what_a_caller_sends_under_the_reserved_name(started: object) -> None:
    """Inputs of the name that says what started an execution change nothing if they do not fit."""
    given = {"a": 1, "_trigger": started}
    assert {"a": 1} == run_handler(trigger, given, inputs=given).output
