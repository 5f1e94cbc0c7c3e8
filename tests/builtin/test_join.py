"""The handler `join`."""

from typing import Any

import pytest
from pydantic import ValidationError

from caudal_builtin.join import join
from caudal_builtin.joins.hash_join import TooManyRows
from caudal_core import Context, DataError, UnknownField
from caudal_core.context import Environment
from caudal_core.errors import ExecutionCancelled
from caudal_core.records import Records
from caudal_core.testing import Ran, run_handler

METERS: list[dict[str, Any]] = [
    {"meter": "M1", "site": "Norte"},
    {"meter": "M2", "site": "Sur"},
    {"meter": "M1", "site": "Este"},
    {"meter": None, "site": "Oeste"},
]
READINGS: list[dict[str, Any]] = [
    {"meter": "M3", "kwh": 30},
    {"meter": "M1", "kwh": 10},
    {"meter": "M1", "kwh": 11},
    {"meter": None, "kwh": 0},
]


def ran(a: Any, b: Any, **config: Any) -> Ran:
    """A join of what came in at A and at B; null is a port that nothing came in at."""
    data = {port: value for port, value in (("A", a), ("B", b)) if value is not None}
    return run_handler(join, data, config)


def merged(a: Any, b: Any, key: Any = "meter", **config: Any) -> Any:
    """What a join by key hands on."""
    return ran(a, b, joinStrategy="mergeByKey", joinKey=key, **config).output


def test_concat_is_the_default() -> None:
    """A's records come first, then B's."""
    found = ran(METERS, READINGS)
    assert {"out": METERS + READINGS} == found.outputs
    assert found.message == "8 records: 4 from A, 4 from B"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (None, [{"x": 1}], [{"x": 1}]),
        ([{"x": 1}], None, [{"x": 1}]),
        (None, None, []),
        ([], [], []),
        ({"x": 1}, {"y": 2}, [{"x": 1}, {"y": 2}]),
    ],
)
def test_concat_of_little(a: Any, b: Any, expected: Any) -> None:
    """A port that delivered nothing counts as no records, an object as one record."""
    assert expected == ran(a, b, joinStrategy="concat").output


@pytest.mark.parametrize("data", [5, "text", [1], None])
def test_needs_records(data: Any) -> None:
    """What is no record cannot be joined."""
    with pytest.raises(DataError, match="needs records"):
        run_handler(join, {"A": data, "B": []})


LEFT: list[dict[str, Any]] = [
    {"meter": "M1", "site": "Norte", "kwh": 10},
    {"meter": "M2", "site": "Sur"},
    {"meter": "M1", "site": "Este", "kwh": 10},
    {"meter": None, "site": "Oeste"},
]
ALONE: list[dict[str, Any]] = [{"meter": "M3", "kwh": 30}, {"meter": None, "kwh": 0}]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (None, LEFT),
        ("left", LEFT),
        ("inner", [LEFT[0], LEFT[2]]),
        ("right", [LEFT[0], LEFT[2], *ALONE]),
        ("outer", [*LEFT, *ALONE]),
    ],
)
def test_join_type_says_who_stays(kind: str | None, expected: Any) -> None:
    """A's order is kept; right and outer append the records of B that found none, in B's order."""
    assert expected == merged(METERS, READINGS, joinType=kind)


def test_all_matches() -> None:
    """With `all` a record of A appears with each of its matches, in B's order."""
    expected = [
        {"meter": "M1", "site": "Norte", "kwh": 10},
        {"meter": "M1", "site": "Norte", "kwh": 11},
        {"meter": "M1", "site": "Este", "kwh": 10},
        {"meter": "M1", "site": "Este", "kwh": 11},
    ]
    assert expected == merged(METERS, READINGS, joinType="inner", joinMatch="all")


def test_the_message_counts_both_sides() -> None:
    """The message says what matched on each side, and what the first match left out."""
    config = {"joinStrategy": "mergeByKey", "joinKey": "meter"}
    expected = "4 records; A: 2 matched, 2 unmatched; B: 2 matched, 2 unmatched"
    first = ran(METERS, READINGS, **config).message
    assert expected + "; 2 further matches not taken (joinMatch first)" == first
    every = ran(METERS, READINGS, joinMatch="all", **config).message
    assert expected.replace("4 records", "6 records") == every


@pytest.mark.parametrize(
    "config",
    [
        {"joinKeyA": "meter", "joinKeyB": "id"},
        {"joinKeyA": "meter", "joinKey": "id"},
        {"joinKeyB": "id", "joinKey": "meter"},
        {"joinKeyA": ["meter"], "joinKeyB": ["id"], "joinKey": "other"},
    ],
)
def test_the_key_may_have_two_names(config: dict[str, Any]) -> None:
    """Each side may call the key otherwise; both names stay."""
    found = ran([{"meter": 1}], [{"id": 1, "x": 2}], joinStrategy="mergeByKey", **config)
    assert [{"meter": 1, "id": 1, "x": 2}] == found.output


@pytest.mark.parametrize("config", [{"joinKeyA": "meter"}, {"joinKeyB": "meter"}])
def test_one_name_serves_both_sides(config: dict[str, Any]) -> None:
    """A key named for one side alone is called the same on the other."""
    found = ran([{"meter": 1}], [{"meter": 1, "x": 2}], joinStrategy="mergeByKey", **config)
    assert [{"meter": 1, "x": 2}] == found.output


@pytest.mark.parametrize("key", ["site, meter", "site,meter", ["site", "meter"]])
def test_a_key_of_several_fields(key: Any) -> None:
    """Records belong together when all fields of the key are equal; a null one matches nothing."""
    a: list[dict[str, Any]] = [
        {"site": 1, "meter": 1},
        {"site": 1, "meter": 2},
        {"site": None, "meter": 1},
    ]
    b = [{"site": 1, "meter": 2, "x": 5}, {"site": None, "meter": 1, "x": 6}]
    assert [a[0], {**a[1], "x": 5}, a[2]] == merged(a, b, key)


def test_a_column_whose_name_has_a_comma() -> None:
    """A text with a comma is one field if a column is called exactly so."""
    found = merged([{"site, meter": 1}], [{"site, meter": 1, "x": 5}], "site, meter")
    assert [{"site, meter": 1, "x": 5}] == found


def test_keys_of_unequal_length_are_refused() -> None:
    """The key has as many fields in A as in B."""
    with pytest.raises(DataError, match="the key has 2 fields in A and 1 in B; name as many"):
        merged([{"a": 1, "b": 2}], [{"c": 1}], "", joinKeyA="a, b", joinKeyB="c")


@pytest.mark.parametrize(
    ("a", "b", "key", "told"),
    [
        ([{"meter": 1}], [{"metre": 1}], "meter", "port B: unknown field 'meter'.*mean 'metre'"),
        ([{"metre": 1}], [{"meter": 1}], "meter", "port A: unknown field 'meter'.*mean 'metre'"),
        ([{"a": 1}], [{"a": 1}], "a, b", "port A: unknown field 'b'; the fields are: a"),
        ([{"a": 1}], [{"a": 1}], ",", "port A: unknown field ','"),
        ({}, [{"a": 1}], "a", "port A: unknown field 'a'; the fields are: none"),
    ],
)
def test_an_unknown_key_names_the_side(a: Any, b: Any, key: str, told: str) -> None:
    """A key that no record of a side has is an error with the side and the nearest name."""
    with pytest.raises(UnknownField, match=told) as caught:
        merged(a, b, key)
    assert caught.value.text("es").startswith("puerto ")


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (METERS, None, METERS),
        (METERS, [], METERS),
        (None, READINGS, []),
        ([], [], []),
    ],
)
def test_a_side_without_records(a: Any, b: Any, expected: Any) -> None:
    """A port that delivered nothing, and one that delivered no records, are no unknown key."""
    assert expected == merged(a, b)
    assert (a or []) + (b or []) == merged(a, b, joinType="outer")


def test_an_object_counts_as_one_record() -> None:
    """An object is joined like a table of one row, and the result is records."""
    assert [{"k": 1, "x": 2}] == merged({"k": 1}, {"k": 1, "x": 2}, "k")


def test_a_key_is_needed() -> None:
    """A join by key without a key is a problem of the config."""
    with pytest.raises(ValidationError, match="joinKey is empty: name the field"):
        join.parse({"joinStrategy": "mergeByKey", "joinKey": ""})


def test_too_many_rows_are_refused_before_they_are_made() -> None:
    """A join beyond `maxRows` is counted and refused, with the keys that have most matches."""
    a = [{"k": "x"}] * 30_000 + [{"k": "y"}] * 2 + [{"k": "z"}]
    with pytest.raises(TooManyRows) as caught:
        merged(a, a, "k", joinMatch="all")
    told = """900000005 records, more than maxRows (10000000); keys with most matches: """
    assert told + """"x" (30000 × 30000), "y" (2 × 2), "z" (1 × 1)""" in str(caught.value)
    assert "claves con más coincidencias" in caught.value.text("es")


@pytest.mark.parametrize(
    ("config", "rows"),
    [
        ({"joinStrategy": "concat"}, 8),
        ({"joinStrategy": "mergeByKey", "joinKey": "meter", "joinType": "outer"}, 6),
        ({"joinStrategy": "mergeByKey", "joinKey": "meter", "joinType": "inner"}, 2),
    ],
)
def test_max_rows_is_what_may_come_out(config: dict[str, Any], rows: int) -> None:
    """As many records as `maxRows` pass, one more does not."""
    assert rows == len(ran(METERS, READINGS, maxRows=rows, **config).outputs["out"])
    with pytest.raises(TooManyRows, match=f"give {rows} records, more than maxRows"):
        ran(METERS, READINGS, maxRows=str(rows - 1), **config)


def test_a_cancelled_execution_ends_it() -> None:
    """The loop over records looks at whether the execution was cancelled."""
    ctx = Context("n", Environment())
    ctx.cancel()
    config = join.parse({"joinStrategy": "mergeByKey", "joinKey": "meter"})
    with pytest.raises(ExecutionCancelled):
        join(config, {"A": Records(METERS), "B": Records(READINGS)}, ctx)
