"""What every record store does: in memory, in SQLite, in PostgreSQL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.builtin.record_stores import CREATED, EVERY, REAL, opened, rows_of, save

from caudal_core import CaudalError, NotAvailable, UnknownField
from caudal_core.errors import InvalidRequest
from caudal_core.stores import (
    EntityExists,
    EntityNotFound,
    Query,
    RecordStore,
    RowRefused,
    filter_of,
    sort_of,
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


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Iterator[RecordStore]:
    """An empty store."""
    with opened(kind, tmp_path) as found:
        yield found


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


# -- reading ---------------------------------------------------------------------------------------

MIXED: list[dict[str, Any]] = [
    {"k": 0, "v": 5},
    {"k": 1, "v": 5.0},
    {"k": 2, "v": "5"},
    {"k": 3, "v": None},
    {"k": 4},
    {"k": 5, "v": ""},
    {"k": 6, "v": True},
    {"k": 7, "v": 2**64 + 1},
    {"k": 8, "v": Decimal("5.00000000000000000001")},
    {"k": 9, "v": "2026-01-31"},
    {"k": 10, "v": "Ñandú 50%"},
    {"k": 11, "v": {"a": {"b": 3}}},
    {"k": 12, "v": [5]},
    {"k": 13, "v": 0.1},
    {"k": 14, "v": False},
    {"k": 15, "v": 'quo"te'},
]


@EVERY
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"value": 5}, [0, 1]),
        ({"value": "5"}, [0, 1, 2]),
        ({"value": 0.1}, [13]),
        ({"value": True}, [6]),
        ({"value": None}, [3]),
        ({"value": 2**64 + 1}, [7]),
        ({"value": 2**64}, []),
        ({"value": "5.00000000000000000001"}, []),
        ({"operator": "!=", "value": 5}, [2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        ({"operator": ">", "value": 5}, [7, 8]),
        ({"operator": ">=", "value": 5}, [0, 1, 7, 8]),
        ({"operator": "<", "value": "5"}, [13]),
        ({"operator": "<=", "value": 5}, [0, 1, 13]),
        ({"operator": ">", "value": 2**64}, [7]),
        ({"operator": ">=", "value": "2026-01-01"}, [2, 9, 10, 15]),
        ({"operator": "between", "value": [0, 5]}, [0, 1, 13]),
        ({"operator": "in", "value": [5, "2026-01-31", None, True]}, [0, 1, 3, 6, 9]),
        ({"operator": "in", "value": list(range(400))}, [0, 1]),
        ({"operator": "contains", "value": "and"}, [10]),
        ({"operator": "contains", "value": "%"}, [10]),
        ({"operator": "startsWith", "value": "Ñ"}, [10]),
        ({"operator": "startsWith", "value": "ñ"}, []),
        ({"operator": "endsWith", "value": "31"}, [9]),
        ({"operator": "isEmpty"}, [3, 4, 5]),
        ({"operator": "isNotEmpty"}, [0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        ({"operator": "isNull"}, [3]),
        ({"operator": "isMissing"}, [4]),
        ({"field": "v.a.b", "value": 3}, [11]),
        ({"value": 'quo"te'}, [15]),
    ],
)
def test_filters(store: RecordStore, where: dict[str, Any], expected: list[int]) -> None:
    """Each comparison takes the same records in every store, to the last digit."""
    save(store, "mixed", MIXED)
    found = rows_of(store, "mixed", {"field": "v", **where})
    assert expected == [row["k"] for row in found]


@EVERY
def test_filters_go_together(store: RecordStore) -> None:
    """A list and `and` take what all take, `or` what one takes; an empty list takes all."""
    save(store, "mixed", MIXED)
    low, high = {"field": "k", "operator": "<", "value": 2}, {"field": "k", "value": 9}
    for where, expected in (
        ([low, high], []),
        ({"and": [low, {"field": "v", "value": 5}]}, [0, 1]),
        ({"or": [low, high]}, [0, 1, 9]),
        ([{"or": [low, high]}, {"field": "v", "operator": "contains", "value": "-"}], [9]),
        ([], list(range(16))),
    ):
        assert expected == [row["k"] for row in rows_of(store, "mixed", where)]


@REAL
@pytest.mark.parametrize(
    "name", ['a"b', "a\\b", "a\nb", "$", "[0]", "a.b", "", "ñ €", "'; --", "\x00"]
)
def test_any_name_can_be_filtered_and_sorted_by(store: RecordStore, name: str) -> None:
    """What a property is called is data: it never becomes a part of a statement."""
    save(store, "names", [{name: 2}, {name: 1}, {name: "x"}, {"other": 1}])
    assert (
        [{name: 1}] == rows_of(store, "names", {"field": name or "", "value": 1}) if name else True
    )
    found = rows_of(store, "names", sort=sort_of([f"-{name}"])) if name else [{"": "x"}, {"": 2}]
    assert ["x", 2] == [row[name] for row in found[:2]]


NUMBERS = st.one_of(
    st.integers(-10, 10),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([2**53, 2**53 + 1, 2**63, 2**64, 10**30, 1e22, 1e23, 0.1, 0.30000000000000004]),
    st.sampled_from([Decimal("0.10000000000000001"), Decimal("9007199254740993.00000000001")]),
)
SCALARS = (
    NUMBERS | st.none() | st.booleans() | st.sampled_from(["", "5", "a", "ñ", "Z", "2026-01-31"])
)
OPERATORS = st.sampled_from(
    ["equals", "notEquals", "greaterThan", "lessThan", "greaterOrEqual", "lessOrEqual", "contains"]
)


@pytest.fixture(scope="module")
def real_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RecordStore]]:
    """Both, once for all examples."""
    folder = tmp_path_factory.mktemp("stores")
    with opened("sqlite", folder) as sqlite, opened("postgresql", folder) as postgresql:
        yield [sqlite, postgresql]


@settings(max_examples=80)
@given(values=st.lists(SCALARS, min_size=1, max_size=8), operator=OPERATORS, operand=SCALARS)
def test_databases_filter_as_python_does(
    real_stores: list[RecordStore], values: list[Any], operator: str, operand: Any
) -> None:
    """The store in memory says what is meant; the databases find exactly that."""
    rows = [{"k": index, "v": value} for index, value in enumerate(values)]
    where = {"field": "v", "operator": operator, "value": operand}
    with opened("memory", Path()) as plain:
        save(plain, "h", rows)
        expected = rows_of(plain, "h", where)
    for store in real_stores:
        entity = store.find("h")
        if entity is not None:
            store.delete(entity)
        save(store, "h", rows)
        assert expected == rows_of(store, "h", where)
        assert expected[:1] == rows_of(store, "h", where, limit=1)


SORTED = [
    {"k": index, "v": value} for index, value in enumerate([3, None, "b", 1.5, True, "a", 3, [1]])
]


@EVERY
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ([], [0, 1, 2, 3, 4, 5, 6, 7]),
        (["v"], [1, 4, 3, 0, 6, 5, 2, 7]),
        (["-v"], [7, 2, 5, 0, 6, 3, 4, 1]),
        (["v", "-k"], [1, 4, 3, 6, 0, 5, 2, 7]),
        (["-k"], [7, 6, 5, 4, 3, 2, 1, 0]),
    ],
)
def test_sorting_is_stable_and_pages_go_on(
    store: RecordStore, sort: list[str], expected: list[int]
) -> None:
    """Null first, then booleans, numbers, texts; equal ones stay. Pages give all, each once."""
    save(store, "s", SORTED)
    assert expected == [row["k"] for row in rows_of(store, "s", sort=sort_of(sort))]
    entity = store.find("s")
    assert entity is not None
    for limit in (1, 3, 8):
        found, cursor, more = [], None, True
        while more:
            query = Query(sort=sort_of(sort), limit=limit, cursor=cursor)
            page = store.read(entity, query)
            found += [row["k"] for row in page.records]
            cursor = page.cursor
            more = cursor is not None
        assert expected == found


@REAL
def test_a_page_is_full_though_the_database_finds_too_much(store: RecordStore) -> None:
    """What SQLite cannot tell apart is looked at again, and the page goes on behind it."""
    save(store, "f", [{"v": 2**60 + number} for number in range(600)])
    where = {"field": "v", "operator": ">", "value": 2**60 + 500}
    found = rows_of(store, "f", where, limit=5)
    assert [2**60 + number for number in range(501, 506)] == [row["v"] for row in found]


@EVERY
def test_columns_and_unknown_fields(store: RecordStore) -> None:
    """Only the columns asked for, in that order; a name that no record has is an error."""
    save(store, "c", [{"a": 1, "b": 2}, {"b": 3}])
    entity = store.find("c")
    assert entity is not None
    page = store.read(entity, Query(columns=("b", "a")))
    assert [[("b", 2), ("a", 1)], [("b", 3)]] == [list(row.items()) for row in page.records]
    for query in (
        Query(where=filter_of({"field": "prize", "value": 1})),
        Query(sort=sort_of(["prize"])),
    ):
        with pytest.raises(UnknownField, match="'prize'"):
            store.read(entity, query)


@REAL
def test_the_fields_of_an_entity_are_listed_once(store: RecordStore) -> None:
    """A property that is called as one that every record has is one field, not two."""
    save(store, "c", [{"createdAt": "long ago", "a": 1}])
    entity = store.find("c")
    assert entity is not None
    for query in (
        Query(columns=("prize",)),
        Query(where=filter_of({"field": "prize", "value": 1})),
        Query(sort=sort_of(["prize"])),
    ):
        with pytest.raises(UnknownField, match=r"the fields are: id, createdAt, a$"):
            store.read(entity, query)


@REAL
def test_an_entity_has_so_many_properties(store: RecordStore) -> None:
    """Beyond them nothing is written, and the error says what else can be done."""
    with pytest.raises(InvalidRequest, match="10,001 properties; 10,000 are most: leave some"):
        save(store, "wide", [{f"p{n}": n for n in range(10_001)}])
    assert store.find("wide") is None


@EVERY
def test_earlier_moments_are_not_kept(store: RecordStore) -> None:
    """`asOf` is refused rather than answered with what is there now."""
    save(store, "a", [{"a": 1}])
    with pytest.raises(NotAvailable):
        rows_of(store, "a", as_of="2026-01-01T00:00:00Z")


@REAL
@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzFd", "é"])
def test_a_cursor_of_another_query_is_refused(store: RecordStore, cursor: str) -> None:
    """It would give some records twice and others never."""
    save(store, "q", [{"a": 1}, {"a": 2}])
    entity = store.find("q")
    assert entity is not None
    own = store.read(entity, Query(limit=1)).cursor
    for query in (Query(cursor=cursor, limit=1), Query(cursor=own, sort=sort_of(["a"]), limit=1)):
        with pytest.raises(InvalidRequest, match="cursor"):
            store.read(entity, query)


# -- entities --------------------------------------------------------------------------------------


@EVERY
def test_entities_have_a_life(store: RecordStore) -> None:
    """Made, found by id and name, renamed, widened, deleted with their records."""
    made = store.create("one", {"a": "integer"}, "acme")
    with pytest.raises(EntityExists):
        store.create("one", {})
    assert [made.id] * 2 == [found.id for ref in ("one", made.id) if (found := store.find(ref))]
    changed = store.change(made, "two", {"a": "number", "b": "text"})
    assert ("two", {"a": "number", "b": "text"}) == (changed.name, dict(changed.properties))
    save(store, "two", [{"id": "x"}, {"id": "y"}])
    assert 1 == store.remove(changed, ["x", "z"])
    assert ["two"] == [entity.name for entity in store.entities()]
    assert [1] == [entity.records for entity in store.entities()]
    store.delete(changed)
    assert store.find("two") is None
    with pytest.raises(EntityNotFound):
        store.read(changed, Query())


@REAL
@pytest.mark.parametrize("name", ["", " ", "x" * 256, "a\nb"])
def test_a_name_that_nobody_could_read_is_refused(store: RecordStore, name: str) -> None:
    """Names are shown in lists and messages."""
    with pytest.raises(InvalidRequest):
        store.create(name, {})


def test_every_pair_of_types_has_a_wider_one() -> None:
    """Widening is the same both ways, and nothing gets narrower by it."""
    from caudal_core.stores.types import TYPES, wider

    for one, other in product(TYPES, TYPES):
        both = wider(one, other)
        assert both == wider(other, one)
        assert both in TYPES
        assert both == wider(both, one) == wider(both, other)
