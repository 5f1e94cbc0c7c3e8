"""The table that nodes hand on."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal_core import DataError, Records, UnknownField
from caudal_core.records import is_records, kind_of

NAMES = st.sampled_from(["a", "b", "c", "Precio (€/MWh)", ""])
ROWS = st.lists(st.dictionaries(NAMES, st.integers() | st.none(), max_size=4), max_size=6)


@settings(deadline=None)
@given(ROWS)
def test_json_in_json_out(rows: list[dict[str, Any]]) -> None:
    """Records hand on exactly the list that they were made from."""
    assert rows is Records.of(rows).to_json()


@settings(deadline=None)
@given(ROWS)
def test_columns_are_the_union_in_order(rows: list[dict[str, Any]]) -> None:
    """The columns are all keys, each once, in order of first appearance."""
    expected = list(dict.fromkeys(key for row in rows for key in row))
    assert expected == Records(rows).columns


def test_one_object_stays_one() -> None:
    """An object is a table of one row and is handed on as an object."""
    data = Records.of({"a": 1})
    assert data.single
    assert {"a": 1, "b": 2} == data.with_column("b", 2).to_json()
    assert {"a": 1} == data.take([0]).to_json()
    assert [] == data.take([]).to_json()


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (None, "null came in"),
        (3, "a number came in"),
        (True, "a boolean came in"),
        ("x", "a text came in"),
        ([{"a": 1}, 3], "item 1 of the list is a number"),
        ([[]], "item 0 of the list is a list"),
    ],
)
def test_what_is_no_record_is_named(value: Any, what: str) -> None:
    """A value that is no records is refused, saying what came and where."""
    with pytest.raises(DataError, match=what):
        Records.of(value)


def test_rows_are_copies_and_view_is_not() -> None:
    """Who changes a copy changes nothing of what siblings see."""
    rows = [{"a": 1}]
    data = Records(rows)
    data.rows()[0]["a"] = 2
    assert [{"a": 1}] == rows
    assert rows[0] is data.view()[0]


def test_no_method_changes_the_records_it_is_asked_of() -> None:
    """Every method that changes something gives new records."""
    rows = [{"a": 1, "b": 2}]
    data = Records(rows)
    data.with_column("c", 3)
    data.select(["b"])
    data.rename({"a": "x"})
    data.take([0])
    assert [{"a": 1, "b": 2}] == rows


def test_a_missing_field_is_null_in_its_column() -> None:
    """A record that lacks a field gives null; a field that all lack is an error."""
    data = Records([{"a": 1}, {"b": 2}])
    assert [1, None] == data.column("a")
    with pytest.raises(UnknownField, match="unknown field 'c'; the fields are: a, b"):
        data.column("c")


def test_an_unknown_field_names_the_nearest() -> None:
    """The error suggests the field that was perhaps meant."""
    with pytest.raises(UnknownField, match="did you mean 'Precio'"):
        Records([{"Precio": 1}]).require("precios")


def test_without_records_no_field_is_unknown() -> None:
    """An empty table passes through: nobody knows which columns it would have."""
    empty = Records([])
    assert [] == empty.select(["a"]).to_json()
    assert [] == empty.rename({"a": "b"}).to_json()
    assert [] == empty.column("a")
    assert [] == empty.with_column("a", 1).to_json()


def test_with_column_adds_or_replaces_in_place() -> None:
    """A new field comes last, one that is there keeps its place."""
    data = Records([{"a": 1, "b": 2}])
    assert ["a", "b", "c"] == data.with_column("c", 3).columns
    assert [{"a": 9, "b": 2}] == data.with_column("a", 9).to_json()


def test_with_column_takes_one_value_a_record() -> None:
    """A list gives each record its own value and must be as long as the table."""
    data = Records([{"a": 1}, {"a": 2}])
    assert [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}] == data.with_column("b", ["x", "y"]).to_json()
    with pytest.raises(DataError, match="'b' has 1 values for 2 records"):
        data.with_column("b", ["x"])


def test_select_keeps_the_order_asked_for() -> None:
    """Columns come in the order of the list; a record goes on lacking what it lacked."""
    data = Records([{"a": 1, "b": 2, "c": 3}, {"b": 5}])
    assert [["c", "b"], ["b"]] == [list(row) for row in data.select(["c", "b"]).view()]


def test_two_names_can_be_swapped() -> None:
    """All new names count at once."""
    data = Records([{"a": 1, "b": 2}]).rename({"a": "b", "b": "a"})
    assert [{"b": 1, "a": 2}] == data.to_json()
    assert ["b", "a"] == data.columns


@pytest.mark.parametrize("rows", [[{"a": 1, "b": 2}], [{"a": 1}, {"b": 2}]])
def test_rename_never_loses_a_column(rows: list[dict[str, Any]]) -> None:
    """Two columns under one name are an error, even where no record has both."""
    with pytest.raises(DataError, match="two columns would be called 'b': 'a' and 'b'"):
        Records(rows).rename({"a": "b"})


def test_metadata_stays_with_its_column() -> None:
    """What is known of a column goes where the column goes, and no further."""
    metadata = {"price": {"unit": "€/MWh"}, "kwh": {"unit": "kWh"}}
    data = Records([{"price": 1, "kwh": 2}], metadata=metadata)
    assert metadata == data.with_column("x", 1).metadata
    assert {"kwh": {"unit": "kWh"}} == data.with_column("price", 1).metadata
    assert {"price": {"unit": "€/MWh"}} == data.select(["price"]).metadata
    assert {"cost": {"unit": "€/MWh"}, "kwh": {"unit": "kWh"}} == (
        data.rename({"price": "cost"}).metadata
    )
    assert metadata == data.take([0]).metadata


@pytest.mark.parametrize(
    ("value", "expected"),
    [([], True), ([{}], True), ([{}, 1], False), ({}, False), (None, False), ("[]", False)],
)
def test_is_records(value: Any, expected: bool) -> None:  # noqa: FBT001
    """A list of objects is records, an empty one too; an object is not a list."""
    assert expected is is_records(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("", "a text"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_kind_of(value: Any, expected: str) -> None:
    """Each kind of JSON value has a name for messages."""
    assert expected == kind_of(value)
