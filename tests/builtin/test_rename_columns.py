"""The handler `renameColumns`, and its older name `action`."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from caudal_builtin.rename_columns import action, rename_columns
from caudal_core import DataError, Records, UnknownField
from caudal_core.context import Context, Environment
from caudal_core.testing.handlers import Ran, run_handler


def renamed(data: Any, *pairs: tuple[Any, Any]) -> Ran:
    """One run of the handler."""
    entries = [{"oldName": old, "newName": new} for old, new in pairs]
    return run_handler(rename_columns, data, {"columnRenames": entries})


def test_columns_get_their_new_names_in_place() -> None:
    """Names change, places and values stay."""
    ran = renamed([{"a": 1, "b": 2, "c": 3}, {"b": 5}], ("b", "x"))
    assert [{"a": 1, "x": 2, "c": 3}, {"x": 5}] == ran.output
    assert ["a", "x", "c"] == list(ran.output[0])
    assert "1 column renamed: b → x" == ran.message


def test_names_can_be_swapped() -> None:
    """All names change at once."""
    assert {"b": 1, "a": 2} == renamed({"a": 1, "b": 2}, ("a", "b"), ("b", "a")).output


def test_a_chain_of_names() -> None:
    """A name that is given up may be taken by another column."""
    assert {"b": 1, "c": 2} == renamed({"a": 1, "b": 2}, ("a", "b"), ("b", "c")).output


@pytest.mark.parametrize("pairs", [[("a", "b")], [("a", "x"), ("b", "x")]])
def test_two_columns_with_one_name_are_refused(pairs: list[tuple[str, str]]) -> None:
    """No column may hide another."""
    with pytest.raises(DataError, match="two columns would be called"):
        renamed([{"a": 1, "b": 2}], *pairs)


def test_an_unknown_column_names_the_nearest() -> None:
    """A column that no record has is an error."""
    with pytest.raises(UnknownField, match="did you mean 'price'"):
        renamed([{"price": 1}], ("prise", "x"))


def test_empty_entries_change_nothing() -> None:
    """An entry without both names is left out; one that lacks a single name is told."""
    ran = renamed({"a": 1}, ("", ""), (None, None), ("a", ""), ("", "b"), ("a", "a"))
    assert {"a": 1} == ran.output
    assert "0 columns renamed: nothing to rename" == ran.message
    assert ["'a'", "'b'"] == [line["message"].split()[3] for line in ran.log]


def test_one_column_cannot_get_two_names() -> None:
    """Two entries for one column are found when the config is read."""
    entries = [{"oldName": "a", "newName": "x"}, {"oldName": "a", "newName": "y"}]
    with pytest.raises(ValidationError, match="the column 'a' is renamed 2 times"):
        rename_columns.parse({"columnRenames": entries})


def test_the_older_type_does_the_same() -> None:
    """Workflows stored with `action` go on working."""
    stored = {"columnRenames": '[{"oldName": "a", "newName": "b"}]'}
    assert "action" == action.type
    assert {"b": 1} == run_handler(action, {"a": 1}, stored).output


def test_no_records_are_no_problem() -> None:
    """An empty table passes."""
    assert [] == renamed([], ("a", "b")).output


def test_metadata_goes_with_its_column() -> None:
    """What is known of a column is known of it under its new name."""
    data = Records([{"a": 1}], metadata={"a": {"unit": "kWh"}})
    config = rename_columns.parse({"columnRenames": [{"oldName": "a", "newName": "b"}]})
    assert {"b": {"unit": "kWh"}} == rename_columns(
        config, data, Context("n", Environment())
    ).metadata


@settings(deadline=None)
@given(st.permutations(["a", "b", "c", "d"]))
def test_any_permutation_can_be_undone(names: list[str]) -> None:
    """Renaming to a permutation of the names and back gives the records again."""
    row = {"a": 1, "b": 2, "c": 3, "d": 4}
    there = renamed(row, *zip("abcd", names, strict=True)).output
    back = renamed(there, *zip(names, "abcd", strict=True)).output
    assert list(row.items()) == list(back.items())
