"""What every record store finds: in memory, in SQLite, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builtin.record_stores import EVERY, REAL, opened, rows_of, save

from caudal_core import NotAvailable, UnknownField
from caudal_core.errors import InvalidRequest
from caudal_core.stores import (
    Query,
    RecordStore,
    filter_of,
    sort_of,
)

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
