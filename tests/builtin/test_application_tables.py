"""An application's own tables as entities, in SQLite and in PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.builtin.record_stores import rows_of, save, schema

from caudal_builtin.store.places import open_application
from caudal_core import NotAvailable, UnknownField
from caudal_core.errors import InvalidRequest
from caudal_core.stores import Entity, Query, RecordStore, RowRefused, StorePlace, sort_of

BOTH = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
SQLITE = """
CREATE TABLE meters (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, kwh NUMERIC(10, 2),
    n INTEGER DEFAULT 5, seen DATETIME, day DATE, on_line BOOLEAN, extra JSON, raw BLOB,
    at TIME, short VARCHAR(5));
CREATE TABLE "a ""table" ("the key" TEXT PRIMARY KEY, "v;" INTEGER);
CREATE TABLE plain (a INTEGER, b TEXT);
"""
POSTGRESQL = """
CREATE TABLE meters (id SERIAL PRIMARY KEY, code TEXT NOT NULL UNIQUE, kwh NUMERIC(10, 2),
    n INTEGER DEFAULT 5, seen TIMESTAMP, day DATE, on_line BOOLEAN, extra JSONB, raw BYTEA,
    zoned TIMESTAMPTZ, at TIME, short VARCHAR(5));
CREATE TABLE "a ""table" ("the key" TEXT PRIMARY KEY, "v;" INTEGER);
CREATE TABLE plain (a INTEGER, b TEXT);
"""


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Iterator[RecordStore]:
    """An application's database with three empty tables."""
    if kind == "sqlite":
        path = tmp_path / "application.db"
        connection = sqlite3.connect(path)
        connection.executescript(SQLITE)
        connection.close()
        yield from _opened(f"sqlite:///{path}")
        return
    with schema() as url:
        with psycopg.connect(url) as connection_:
            connection_.execute(POSTGRESQL)
        yield from _opened(url)


def _opened(url: str) -> Iterator[RecordStore]:
    found = open_application(StorePlace(records_url=url))
    assert found is not None
    yield found
    found.close()


def table(store: RecordStore, name: str) -> Entity:
    """A table that is there."""
    found = store.find(name)
    assert found is not None
    return found


def records(store: RecordStore, name: str, **query: Any) -> list[dict[str, Any]]:
    """All of a record, its id too."""
    return store.read(table(store, name), Query(**query)).records


ROW = {
    "id": 100,
    "code": "A",
    "kwh": 1.25,
    "n": 7,
    "seen": "2026-03-29T02:30:00",
    "day": "2026-03-29",
    "on_line": True,
    "extra": {"a": [1, None, "ñ"]},
    "raw": "AAH/",
    "at": "02:30:00",
    "short": "ñandú",
}


@BOTH
def test_values_come_out_as_they_went_in(store: RecordStore) -> None:
    """Each column takes what it is for, and gives the same; a default fills what is left out."""
    report = save(store, "meters", [ROW, {"code": "B"}, {"code": "C", "n": None}])
    found = {row["code"]: row for row in records(store, "meters")}
    first, second, third = found["A"], found["B"], found["C"]
    assert (3, tuple(str(found[code]["id"]) for code in "ABC")) == (report.inserted, report.ids)
    assert ROW == {name: first[name] for name in ROW}
    assert [5, None, None] == [second["n"], second["kwh"], third["n"]]


@BOTH
@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"n": 1.5}, "whole numbers"),
        ({"n": "7"}, "whole numbers"),
        ({"n": 2**70}, "64 bits"),
        ({"kwh": "x"}, "numbers"),
        ({"code": 5}, "texts"),
        ({"on_line": 1}, "booleans"),
        ({"raw": "?"}, "base64"),
        ({"day": "2026-02-30"}, '"2026-02-30" is no ISO 8601 date'),
        ({"day": "30/03/2026"}, "write a date that there is, in the form 2026-03-29"),
        ({"day": "2026-03-29T10:00:00"}, "is no ISO 8601 date,"),
        ({"seen": "2026-02-29T10:00:00"}, "is no ISO 8601 date and time"),
        ({"seen": "2026-03-29T25:00:00"}, "in the form 2026-03-29T02:30:00"),
        ({"at": "24:30"}, "is no ISO 8601 time, which"),
        ({"short": "ñandúes!"}, "the column has 5 characters, and the text 8"),
        ({"short": "12345 "}, "shorten the text"),
        ({"code": None}, "the database refuses it"),
        ({"code": "A"}, "the database refuses it"),
    ],
)
def test_what_a_column_would_change_is_refused(
    store: RecordStore, values: dict[str, Any], why: str
) -> None:
    """Nothing is rounded, cut or turned into another type; the row is named, none is written."""
    save(store, "meters", [{"code": "A"}])
    rows: list[dict[str, Any]] = [{"code": "X"}, {"code": "Y", **values}]
    for mode, keys in (("insert", ()), ("upsert", ("n",))):
        given = [{"n": at + 1, **row} for at, row in enumerate(rows)]
        with pytest.raises(RowRefused, match="row 1: ") as caught:
            save(store, "meters", given, mode=mode, keys=keys, effect=f"e:{mode}")
        assert why in str(caught.value)
    assert ["A"] == [row["code"] for row in records(store, "meters")]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("text", ["20260329", "2026-W13-7", "2026-3-29"])
def test_a_date_that_stays_a_text_has_one_form(store: RecordStore, text: str) -> None:
    """SQLite keeps the text itself, so that only what all read as a date is taken for one."""
    with pytest.raises(RowRefused, match="is no ISO 8601 date"):
        save(store, "meters", [{"code": "A", "day": text}])
    save(store, "meters", [{"code": "A", "seen": "2026-03-29 02:30", "at": "02:30"}])
    assert "2026-03-29 02:30" == records(store, "meters")[0]["seen"]


@pytest.mark.parametrize("kind", ["postgresql"])
def test_zones_and_digits_are_not_lost(store: RecordStore) -> None:
    """A time with a zone fits only a column with one; a decimal only one with enough digits."""
    for values, why in (
        ({"seen": "2026-01-01T00:00:00+02:00"}, "lose the zone"),
        ({"zoned": "2026-01-01T00:00:00"}, "has none"),
        ({"kwh": Decimal("1.001")}, "2 digits"),
        ({"seen": "yesterday"}, "ISO 8601"),
    ):
        with pytest.raises(RowRefused, match=why):
            save(store, "meters", [{"code": "A", **values}])
    save(store, "meters", [{"code": "A", "zoned": "2026-01-01T00:00:00+00:00", "kwh": 10}])


@BOTH
def test_upsert_update_and_repeat(store: RecordStore) -> None:
    """By key columns or the primary key; what is the same is left alone; an effect is done once."""
    save(store, "meters", [{"code": "A", "n": 1}, {"code": "B", "n": 2}])
    rows: list[dict[str, Any]] = [
        {"code": "A", "n": 1},
        {"code": "B", "n": 3},
        {"code": "C"},
        {"code": "C", "n": 9},
    ]
    report = save(store, "meters", rows, mode="upsert", keys=("code",), effect="u:1")
    assert (1, 2, 1) == (report.inserted, report.updated, report.unchanged)
    again = save(store, "meters", rows, mode="upsert", keys=("code",), effect="u:1")
    assert (True, 1) == (again.repeated, again.inserted)
    assert [1, 3, 9] == [row["n"] for row in records(store, "meters")]
    report = save(store, "meters", [{"id": 1, "n": 4}, {"id": 99, "n": 4}], mode="update")
    assert (1, 1) == (report.updated, report.not_found)
    with pytest.raises(RowRefused, match="key column 'code' is missing"):
        save(store, "meters", [{"n": 1}], mode="upsert", keys=("code",))
    with pytest.raises(InvalidRequest, match="no primary key"):
        save(store, "plain", [{"a": 1}], mode="upsert")


@BOTH
def test_an_ambiguous_key_is_refused(store: RecordStore) -> None:
    """Two rows of the table with the key of one record."""
    save(store, "plain", [{"a": 1}, {"a": 1}])
    with pytest.raises(RowRefused, match="2 records have the key"):
        save(store, "plain", [{"a": 1, "b": "x"}], mode="upsert", keys=("a",))


@BOTH
def test_odd_names_are_names(store: RecordStore) -> None:
    """Tables and columns are quoted; a key of another name is the `id` too."""
    save(store, 'a "table', [{"id": "x", "v;": 1}, {"the key": "y", "v;": 2}])
    assert [
        {"id": "x", "the key": "x", "v;": 1},
        {"id": "y", "the key": "y", "v;": 2},
    ] == records(store, 'a "table')
    found = rows_of(store, 'a "table', {"field": "v;", "operator": ">", "value": 1})
    assert [{"the key": "y", "v;": 2}] == found
    assert 1 == store.remove(table(store, 'a "table'), ["y", "z"])


@BOTH
def test_reading(store: RecordStore) -> None:
    """Filters as in every store, null first in order, pages that go on, columns, unknown names."""
    rows = [{"a": value, "b": text} for value, text in ((3, "x"), (None, "y"), (1, None), (3, "Z"))]
    save(store, "plain", rows)
    for where, expected in (
        ({"field": "a", "value": "3"}, ["x", "Z"]),
        ({"field": "a", "operator": "isNull"}, ["y"]),
        ({"field": "b", "operator": "in", "value": ["x", "y"]}, ["x", "y"]),
        ({"field": "b", "operator": "<", "value": "a"}, ["Z"]),
        ({"or": [{"field": "a", "value": 1}, {"field": "b", "value": "y"}]}, ["y", None]),
    ):
        assert expected == [row["b"] for row in rows_of(store, "plain", where)]
    sort = sort_of(["a", "-b"])
    expected_order = [rows[1], rows[2], rows[0], rows[3]]
    assert expected_order == records(store, "plain", sort=sort)
    page = store.read(table(store, "plain"), Query(sort=sort, limit=3))
    rest = store.read(table(store, "plain"), Query(sort=sort, limit=3, cursor=page.cursor))
    assert (expected_order, None) == (page.records + rest.records, rest.cursor)
    assert [{"b": "x"}] == records(store, "plain", columns=("b",), limit=1)
    for query in ({"columns": ("c",)}, {"sort": sort_of(["c"])}):
        with pytest.raises(UnknownField, match="'c'"):
            records(store, "plain", **query)
    with pytest.raises(InvalidRequest, match="cursor"):
        records(store, "plain", cursor=page.cursor)
    with pytest.raises(NotAvailable):
        records(store, "plain", as_of="2026-01-01")


@BOTH
def test_tables_are_never_made_or_changed(store: RecordStore) -> None:
    """An unknown column is an error that names the nearest; our own table is not shown."""
    with pytest.raises(UnknownField, match="'kwhs'"):
        save(store, "meters", [{"code": "A", "kwhs": 1}], effect="x:1")
    for call in (store.create, store.change, store.delete):
        with pytest.raises(NotAvailable):
            call("new", {})  # type: ignore[operator]
    assert ['a "table', "meters", "plain"] == [entity.name for entity in store.entities()]
    assert store.find("caudal_effect") is None
    assert store.find("nothing") is None


@BOTH
def test_two_writers(store: RecordStore) -> None:
    """Both upsert the same keys into a table that has no constraint: each key has one row."""

    def write(text: str) -> None:
        for number in range(0, 100, 10):
            part = [{"a": at, "b": text} for at in range(number, number + 10)]
            save(store, "plain", part, mode="upsert", keys=("a",))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, ("x", "y")))
    assert list(range(100)) == sorted(row["a"] for row in records(store, "plain"))


@BOTH
def test_a_dry_run_writes_nothing(store: RecordStore) -> None:
    """Neither rows nor the mark of the effect."""
    assert 1 == save(store, "plain", [{"a": 1}], dry_run=True, effect="d").inserted
    assert [] == records(store, "plain")
    assert not save(store, "plain", [{"a": 1}], effect="d").repeated


@pytest.mark.parametrize("kind", ["sqlite"])
def test_what_a_column_should_not_hold_can_be_deleted(store: RecordStore, tmp_path: Path) -> None:
    """A row whose key is longer than its column says was written by somebody else, and goes."""
    with sqlite3.connect(tmp_path / "application.db") as connection:
        connection.execute("CREATE TABLE codes (code VARCHAR(3) PRIMARY KEY)")
        connection.execute("INSERT INTO codes VALUES ('12345'), ('1')")
    assert 1 == store.remove(table(store, "codes"), ["12345"])
    assert ["1"] == [row["code"] for row in records(store, "codes")]
