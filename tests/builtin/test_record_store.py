"""What every record store keeps: in memory, in SQLite, in PostgreSQL."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.builtin.record_stores import CREATED, EVERY, REAL, rows_of, save

from caudal_core import CaudalError
from caudal_core.stores import (
    Query,
    RecordStore,
    RowRefused,
)
from caudal_core.values import encode

HOSTILE: list[dict[str, Any]] = [
    {"n": 2**64, "m": -(2**200), "z": 2**53 + 1},
    {"n": Decimal("0.12345678901234567890"), "m": 1.0, "z": 1},
    {"n": 1e300, "m": -0.0, "z": 5e-324},
    {"n": None, "m": "", "z": "null"},
    {"n": True, "m": [1, {"a": [None]}], "z": {"b": {"c": Decimal("1.0000000000000000001")}}},
    {"n": "08001", "day": "2026-03-29", "at": "2026-03-29T02:30:00", "zoned": "2026-01-01T00:00Z"},
    {"Precio (€/MWh)": "ñandú · 日本語 · 🙂", "": "empty", 'a"b\\c\n': "odd", "a.b": 1},
    {"nul": "a\x00b", "mark": "\ufffe0", "\x00": "\ufffe1"},
    {},
]


def exact(rows: list[dict[str, Any]]) -> list[bytes]:
    """Rows such that 1, 1.0 and True differ, and the order of keys counts."""
    return list(map(encode, rows))


@EVERY
def test_what_goes_in_comes_out_the_same(store: RecordStore) -> None:
    """Numbers of any size, mixed types, nested values, missing keys and null, odd names."""
    save(store, "hostile", HOSTILE)
    found = rows_of(store, "hostile")
    assert exact(HOSTILE) == exact(found)
    assert [math.copysign(1, -0.0)] == [math.copysign(1, found[2]["m"])]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False).filter(
        lambda number: len(number.as_tuple().digits) > 15
    )
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.text(st.characters(exclude_categories=["Cs"])).filter(
    lambda name: name not in ("id", "createdAt")
)


@REAL
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=st.lists(st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=4))
def test_any_values_come_out_the_same(store: RecordStore, rows: list[dict[str, Any]]) -> None:
    """Whatever the values are, also after they were written over what was there."""
    entity = store.find("any")
    if entity is not None:
        store.delete(entity)
    save(store, "any", rows)
    assert exact(rows) == exact(rows_of(store, "any"))
    entity = store.find("any")
    assert entity is not None
    before = store.read(entity, Query()).records
    report = save(store, "any", before, mode="upsert")
    assert (0, 0, len(rows)) == (report.inserted, report.updated, report.unchanged)


@EVERY
def test_an_id_and_a_moment_are_given(store: RecordStore) -> None:
    """A record without an id gets one; one that brings its own keeps it, a number too."""
    report = save(store, "ids", [{"a": 1}, {"id": "own", "a": 2}, {"id": 7, "a": 3}])
    entity = store.find("ids")
    assert entity is not None
    found = store.read(entity, Query()).records
    assert list(report.ids) == [str(row["id"]) for row in found]
    assert ["own", 7] == [row["id"] for row in found[1:]]
    assert [2] == [row["a"] for row in rows_of(store, "ids", {"field": "id", "value": "own"})]


@REAL
def test_the_moment_of_creation_is_kept(store: RecordStore) -> None:
    """It is the writer's clock; a record that was read and is saved back keeps its own."""
    save(store, "moments", [{"a": 1}])
    entity = store.find("moments")
    assert entity is not None
    (found,) = store.read(entity, Query()).records
    assert CREATED == found["createdAt"]
    report = save(store, "copies", [found])
    assert (1, {"a": "integer"}) == (report.inserted, report.created)
    copies = store.find("copies")
    assert copies is not None
    assert [found] == store.read(copies, Query()).records


@EVERY
@pytest.mark.parametrize(
    ("rows", "row"),
    [
        ([{"a": 3}, {"id": "taken"}], 1),
        ([{"id": "new"}, {"a": 1}, {"id": "new"}], 2),
        ([{"a": 3}, {"id": ["x"]}], 1),
        ([{"id": 1.5}], 0),
        ([{"id": ""}], 0),
        ([{"id": "ok"}, {"id": "a\x00"}], 1),
    ],
)
def test_a_refused_row_undoes_all(store: RecordStore, rows: list[dict[str, Any]], row: int) -> None:
    """The row is named, and neither rows nor properties are there afterwards."""
    save(store, "some", [{"id": "taken", "b": 1}])
    with pytest.raises(RowRefused, match=f"^row {row}: ") as caught:
        save(store, "some", rows)
    assert "nothing was written" in str(caught.value)
    assert [{"b": 1}] == rows_of(store, "some")
    entity = store.find("some")
    assert entity is not None
    assert ["b"] == list(entity.properties)


@EVERY
def test_a_refused_first_write_makes_no_entity(store: RecordStore) -> None:
    """An entity is made in the same transaction as its first records."""
    with pytest.raises(RowRefused):
        save(store, "never", [{"id": "a"}, {"id": "a"}])
    assert store.find("never") is None


@EVERY
def test_upsert_by_key_columns(store: RecordStore) -> None:
    """A record with the same key takes over what is given and keeps the rest."""
    save(store, "m", [{"meter": "A", "day": 1, "kWh": 5, "note": "x"}, {"meter": "B", "day": 1}])
    rows: list[dict[str, Any]] = [
        {"meter": "A", "day": 1.0, "kWh": 6},
        {"meter": "B", "day": 1},
        {"meter": "C", "day": 1},
        {"meter": "C", "day": 1, "kWh": 9},
    ]
    report = save(store, "m", rows, mode="upsert", keys=("meter", "day"))
    assert (1, 2, 1) == (report.inserted, report.updated, report.unchanged)
    assert {"kWh": "integer"} == {"kWh": "integer", **report.created}
    assert [
        {"meter": "A", "day": 1.0, "kWh": 6, "note": "x"},
        {"meter": "B", "day": 1},
        {"meter": "C", "day": 1, "kWh": 9},
    ] == rows_of(store, "m")
    again = save(store, "m", rows[1:], mode="upsert", keys=("meter", "day"))
    assert 0 == again.inserted


@EVERY
def test_keys_may_change_and_records_of_before_are_found(store: RecordStore) -> None:
    """Records that were inserted, or written by other keys, are found by the new ones."""
    save(store, "k", [{"a": 1, "b": 2}])
    save(store, "k", [{"a": 1, "c": 3}], mode="upsert", keys=("a",))
    save(store, "k", [{"a": 5, "b": 2}, {"b": 7}], mode="upsert", keys=("b",))
    save(store, "k", [{"b": 9}])
    report = save(store, "k", [{"b": 9, "d": 1}], mode="update", keys=("b",))
    assert 1 == report.updated
    assert [{"a": 5, "b": 2, "c": 3}, {"b": 7}, {"b": 9, "d": 1}] == rows_of(store, "k")


@EVERY
def test_update_makes_nothing(store: RecordStore) -> None:
    """Rows without a record are counted and not written; null is a value, missing is none."""
    save(store, "u", [{"id": "a", "x": 1, "y": 2}])
    rows = [{"id": "a", "x": None}, {"id": "b", "x": 3}]
    report = save(store, "u", rows, mode="update")
    assert (0, 1, 0, 1) == (report.inserted, report.updated, report.unchanged, report.not_found)
    assert [{"x": None, "y": 2}] == rows_of(store, "u")


@EVERY
@pytest.mark.parametrize(
    ("row", "why"),
    [({"v": 1}, "'k' is missing"), ({"k": None}, "'k' is null"), ({"k": [1]}, "'k' is a list")],
)
def test_a_key_needs_a_value(store: RecordStore, row: dict[str, Any], why: str) -> None:
    """A row without a key is refused, as nobody could find its record again."""
    with pytest.raises(RowRefused, match=why):
        save(store, "k", [{"k": 1}, row], mode="upsert", keys=("k",))


@EVERY
def test_an_ambiguous_key_is_refused(store: RecordStore) -> None:
    """Two records with the key of one row: neither is guessed."""
    save(store, "k", [{"k": 1}, {"k": 1}])
    with pytest.raises(RowRefused, match="2 records have the key"):
        save(store, "k", [{"k": 2}, {"k": 1, "v": 1}], mode="upsert", keys=("k",))
    assert [{"k": 1}, {"k": 1}] == rows_of(store, "k")


@EVERY
def test_an_effect_is_done_once(store: RecordStore) -> None:
    """The same effect again writes nothing and tells what it did."""
    first = save(store, "e", [{"a": 1}, {"a": 2}], effect="x:1")
    again = save(store, "e", [{"a": 1}, {"a": 2}], effect="x:1")
    assert (False, True) == (first.repeated, again.repeated)
    assert (first.ids, first.created, 2) == (again.ids, again.created, again.inserted)
    assert 2 == len(rows_of(store, "e"))
    with pytest.raises(RowRefused):
        save(store, "e", [{"id": "x"}, {"id": "x"}], effect="x:2")
    assert not save(store, "e", [{"id": "x"}], effect="x:2").repeated


@EVERY
def test_a_dry_run_leaves_nothing(store: RecordStore) -> None:
    """It tells what would be done, and refuses what would be refused."""
    report = save(store, "d", [{"a": 1}], dry_run=True, effect="d:1")
    assert (1, {"a": "integer"}) == (report.inserted, report.created)
    assert store.find("d") is None
    with pytest.raises(RowRefused):
        save(store, "d", [{"id": "x"}, {"id": "x"}], dry_run=True)


@REAL
def test_who_cancels_undoes_all(store: RecordStore) -> None:
    """The check is asked while rows are written; what it raises rolls everything back."""
    calls = iter(range(100))

    def check() -> None:
        if next(calls) == 2:
            raise CaudalError(message="stop")

    rows = [{"n": number} for number in range(20_000)]
    for mode in ("insert", "upsert"):
        with pytest.raises(CaudalError, match="stop"):
            save(store, "c", rows, mode=mode, check=check)
        assert store.find("c") is None
        calls = iter(range(100))


@EVERY
def test_properties_are_inferred_and_widen(store: RecordStore) -> None:
    """New properties get the type of their values; other values make a type wider."""
    save(store, "p", [{"i": 1, "t": "a", "d": "2026-01-31", "at": "2026-01-31T10:00", "n": None}])
    created = save(store, "p", [{"i": 1.5, "t": 2, "d": "x", "n": True, "new": {}}]).created
    assert {"new": "object"} == created
    entity = store.find("p")
    assert entity is not None
    expected = {"i": "number", "t": "any", "d": "text", "at": "dateTime", "n": "boolean"}
    assert {**expected, "new": "object"} == dict(entity.properties)
