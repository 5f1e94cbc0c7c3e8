"""The handler `splitColumns`."""

from typing import Any

import pytest
from pydantic import ValidationError

from caudal_builtin.split_columns import split_columns
from caudal_core import Records, UnknownField
from caudal_core.context import Context, Environment
from caudal_core.testing.handlers import Ran, run_handler

ROWS = [{"a": 1, "b": 2, "c": 3}, {"a": 4, "c": 6}]


def split(data: Any, a: Any, b: Any) -> Ran:
    """One run of the handler."""
    return run_handler(split_columns, data, {"columnsOutputA": a, "columnsOutputB": b})


def test_each_port_gets_its_columns_in_order() -> None:
    """The columns leave in the order of the lists; one may leave by both ports."""
    ran = split(ROWS, ["c", "a"], ["b", "a"])
    assert {
        "A": [{"c": 3, "a": 1}, {"c": 6, "a": 4}],
        "B": [{"b": 2, "a": 1}, {"a": 4}],
    } == ran.outputs
    assert [["c", "a"], ["c", "a"]] == [list(row) for row in ran.outputs["A"]]
    assert "2 records split into A: c, a; B: b, a" == ran.message


def test_both_sides_stand_beside_the_output() -> None:
    """`outputA` and `outputB` hold what left by the ports."""
    ran = split(ROWS, ["a"], ["b", "c"])
    assert ran.outputs["A"] == ran.report["outputA"]
    assert ran.outputs["B"] == ran.report["outputB"]


@pytest.mark.parametrize("empty", [[], "", None])
def test_an_empty_list_is_a_port_not_taken(empty: Any) -> None:
    """Without columns a port is left out, and the message says so."""
    ran = split(ROWS, ["a"], empty)
    assert ["A"] == list(ran.outputs)
    assert "2 records split into A: a; B: not taken" == ran.message
    assert ["B"] == list(split(ROWS, empty, ["a"]).outputs)


def test_without_any_column_the_config_is_refused() -> None:
    """Two empty lists would send nothing anywhere."""
    with pytest.raises(ValidationError, match="at least one column"):
        split_columns.parse({"columnsOutputA": [], "columnsOutputB": ""})


def test_lists_may_be_stored_as_text() -> None:
    """A list between commas is a list."""
    assert [{"a": 1, "b": 2}, {"a": 4}] == split(ROWS, "a, b", "").outputs["A"]


def test_an_object_stays_an_object() -> None:
    """One object is split into two objects."""
    assert {"A": {"a": 1}, "B": {"b": 2}} == split({"a": 1, "b": 2}, ["a"], ["b"]).outputs


def test_an_unknown_column_names_the_nearest() -> None:
    """A column that no record has is an error on either side."""
    with pytest.raises(UnknownField, match="did you mean 'price'"):
        split([{"price": 1}], ["prices"], [])
    with pytest.raises(UnknownField, match="unknown field 'x'"):
        split([{"price": 1}], ["price"], ["x"])


def test_no_records_are_no_problem() -> None:
    """An empty table leaves by both ports as an empty table."""
    assert {"A": [], "B": []} == split([], ["a"], ["b"]).outputs


def test_metadata_goes_with_its_column() -> None:
    """What is known of a column leaves where the column leaves."""
    data = Records([{"a": 1, "b": 2}], metadata={"a": {"unit": "kWh"}, "b": {"unit": "€"}})
    config = split_columns.parse({"columnsOutputA": ["a"], "columnsOutputB": ["b"]})
    outputs = split_columns(config, data, Context("n", Environment()))
    assert {"a": {"unit": "kWh"}} == outputs["A"].metadata
    assert {"b": {"unit": "€"}} == outputs["B"].metadata
