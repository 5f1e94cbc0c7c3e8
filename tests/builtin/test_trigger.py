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
    """A schedule that is switched on is accepted, whatever form its values have."""
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
    assert {
        **config,
        "scheduleEnabled": True,
        "scheduleIntervalValue": 5.0,
    }.items() <= parsed.items()
    assert [] == run_handler(trigger, {}, config).log


@pytest.mark.parametrize("config", [{}, {"scheduleEnabled": False}, {"scheduleEnabled": ""}])
def test_a_schedule_that_is_off_is_not_warned_of(config: dict[str, object]) -> None:
    """Nothing is said where no schedule was switched on."""
    assert [] == run_handler(trigger, {}, config).log


@pytest.mark.parametrize("started", [None, "x", [1], {}, {"nodeId": "another"}])
def test_what_a_caller_sends_under_the_reserved_name(started: object) -> None:
    """Inputs of the name that says what started an execution change nothing if they do not fit."""
    given = {"a": 1, "_trigger": started}
    assert {"a": 1} == run_handler(trigger, given, inputs=given).output
