"""The handler `manualInput`."""

from typing import Any

import pytest

from caudal_builtin.manual_input import manual_input
from caudal_core import DataError
from caudal_core.testing import run_handler


def given(value: Any, **config: Any) -> Any:
    """What the node hands on for a value in its config, under the name `x`."""
    ran = run_handler(manual_input, {}, {"inputVarName": "x", "inputVarValue": value, **config})
    assert isinstance(ran.output, dict)
    return ran.output["x"]


@pytest.mark.parametrize(
    "config",
    [
        {"inputVarName": "price", "inputVarValue": "5"},
        {"manualInputVarName": "price", "manualInputVarValue": 5},
        {"variableName": "price", "variableValue": "5"},
        {"variableName": " price ", "variableValue": "5"},
    ],
)
def test_hands_on_one_field(config: dict[str, Any]) -> None:
    """Name and value are taken under their present and their older keys."""
    ran = run_handler(manual_input, {}, config)
    assert {"out": {"price": 5}} == ran.outputs
    assert ran.message == "'price' is a number, from the config"


@pytest.mark.parametrize("config", [{}, {"inputVarName": ""}, {"inputVarName": None}])
def test_is_called_input_without_a_name(config: dict[str, Any]) -> None:
    """Without a name the field is called `input`; without a value it is an empty text."""
    assert {"input": ""} == run_handler(manual_input, {}, config).output


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5),
        ("-3.50", -3.5),
        ("0.5", 0.5),
        ("123456789012345", 123456789012345),
        ("1234567890123456", "1234567890123456"),
        ("08001", "08001"),
        ("+34600111222", "+34600111222"),
        ("1e5", "1e5"),
        ("1,5", "1,5"),
        (" 5", " 5"),
        ("five", "five"),
        ("{{price}}", "{{price}}"),
        (True, True),
        (None, None),
        ([1, "2"], [1, "2"]),
        ({"a": "1"}, {"a": "1"}),
    ],
)
def test_a_canonical_number_becomes_one(value: Any, expected: Any) -> None:
    """Without a type a text becomes a number only if it is written canonically."""
    found = given(value)
    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (7, {"x": 7}),
        ("7", {"x": 7}),
        ({"x": "7"}, {"x": 7}),
        ({"x": 7, "y": 8}, {"x": {"x": 7, "y": 8}}),
        ({"y": 8}, {"x": {"y": 8}}),
        (None, {"x": None}),
        ([{"x": 1}], {"x": [{"x": 1}]}),
    ],
)
def test_an_input_under_the_nodes_id_replaces_the_value(override: Any, expected: Any) -> None:
    """An input replaces the value, or the output if it is an object of just that name."""
    config = {"inputVarName": "x", "inputVarValue": "1"}
    ran = run_handler(manual_input, {}, config, node_id="n1", inputs={"n1": override})
    assert expected == ran.output
    assert ran.message is not None
    assert ran.message.endswith("from the inputs")


def test_an_input_of_another_node_changes_nothing() -> None:
    """Only the input under the node's own id counts, not one of the variable's name."""
    inputs = {"n2": 9, "x": 9}
    config = {"inputVarName": "x", "inputVarValue": 1}
    assert {"x": 1} == run_handler(manual_input, inputs, config, node_id="n1", inputs=inputs).output


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", "08001", "08001"),
        ("text", "5", "5"),
        ("text", 5, "5"),
        ("text", "", ""),
        ("number", "5", 5),
        ("number", " 5.5 ", 5.5),
        ("number", "1.234,5", 1234.5),
        ("number", 7.5, 7.5),
        ("boolean", True, True),
        ("boolean", "true", True),
        ("boolean", "FALSE", False),
        ("boolean", "sí", True),
        ("boolean", "no", False),
        ("date", "2026-03-01", "2026-03-01"),
        ("date", "2026-03-01T10:30", "2026-03-01T10:30"),
        ("date", "2026-03-01T10:30:00+01:00", "2026-03-01T10:30:00+01:00"),
        ("json", '{"a": [1, 2]}', {"a": [1, 2]}),
        ("json", '"5"', "5"),
        ("json", {"a": 1}, {"a": 1}),
        ("json", None, None),
        ("file", "f_123", "f_123"),
        ("file", "/data/1", "/data/1"),
    ],
)
def test_a_value_is_brought_to_its_type(kind: str, value: Any, expected: Any) -> None:
    """A value that fits its type is handed on as a value of it, a date as it stands."""
    found = given(value, inputType=kind)
    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("text", True, "must be a text but is true; write a text"),
        ("number", "5 MWh", 'must be a number but is "5 MWh"; write it like 1234.5'),
        ("number", "08001", "must be a number"),
        ("number", True, "must be a number but is true"),
        ("number", "", "must be a number but has no value"),
        ("number", None, "must be a number but has no value"),
        ("boolean", "perhaps", 'must be a boolean but is "perhaps"; write true or false'),
        ("boolean", 1, "must be a boolean but is 1"),
        ("date", "01/03/2026", 'must be a date but is "01/03/2026"; write it like 2026-03-01'),
        ("date", "2026-02-30", "must be a date"),
        ("date", 20260301, "must be a date"),
        ("json", '{"a": ', "must be JSON"),
        ("json", '{"a": 1, "a": 2}', "has the key 'a' twice"),
        ("file", "", "must be a file but has no value; give the id of an uploaded file"),
        ("file", 5, "must be a file"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, value: Any, told: str) -> None:
    """The error names the input, shows the value and the type, and says how to write it."""
    with pytest.raises(DataError) as caught:
        given(value, inputType=kind)
    assert str(caught.value).startswith("the input 'x' must be")
    assert told in str(caught.value)
    assert caught.value.text("es").startswith("la entrada 'x' debe ser")


def test_an_input_is_held_to_the_type_too() -> None:
    """The type is asked of what the execution's inputs give as well."""
    config = {"inputVarName": "x", "inputVarValue": "1", "inputType": "number"}
    with pytest.raises(DataError, match="must be a number"):
        run_handler(manual_input, {}, config, node_id="n1", inputs={"n1": "many"})


def test_an_empty_type_is_none() -> None:
    """An editor's empty text for the type means that there is none."""
    assert given("5", inputType="") == 5
