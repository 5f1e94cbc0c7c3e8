"""Records in columns are the same values as in rows, and methods do the same to both."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.tables import arrow, exact, in_columns, rows

from caudal_core import DataError, Records, UnknownField
from caudal_core.errors import InvalidResult
from caudal_core.tables.lossless import NotInColumns
from caudal_core.values import normalise

RECORDS = rows()


def placed(data: Records, source: Records) -> list[str]:
    """The columns in order, where each record had all of them: else records may differ in it."""
    whole = all(len(row) == len(source.columns) for row in source)
    return data.columns if whole else sorted(data.columns)


@settings(deadline=None)
@given(rows(odd=True))
def test_what_goes_into_columns_comes_out_the_same(found: list[dict[str, Any]]) -> None:
    """Records that can be put in columns are the same records when they come out, to the type."""
    columns = in_columns(found)
    if columns is not None:
        assert exact(found) == exact(columns)
        assert Records(found).columns == columns.columns
        assert len(found) == len(columns)


@settings(deadline=None)
@given(RECORDS, st.data())
def test_methods_do_the_same_to_both(found: list[dict[str, Any]], data: st.DataObject) -> None:
    """Select, rename, take, where, slice and with_column give the same from rows and columns."""
    plain, columns = Records(found), in_columns(found)
    if columns is None:
        return
    names = plain.columns
    some = data.draw(st.lists(st.sampled_from(names), unique=True) if names else st.just([]))
    taken = data.draw(st.lists(st.integers(0, len(found) - 1), max_size=4)) if found else []
    mask = data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found)))
    new = data.draw(st.sampled_from([*names, "new"]))
    value = data.draw(st.sampled_from([None, 1, 2.5, "x", True, 2**70, {"k": 1}]))
    for make in (
        lambda data: data.select(some),
        lambda data: data.rename({name: name + "!" for name in some}),
        lambda data: data.take(taken),
        lambda data: data.where(mask),
        lambda data: data.slice(1, 2),
        lambda data: data.with_column(new, value),
        lambda data: data.with_column(new, [value] * len(found)),
        lambda data: data.with_column(new, list(range(len(found)))),
        lambda data: Records.concat([data, data.select(some), data]),
    ):
        one, other = make(plain), make(columns)
        assert exact(one) == exact(other)
        assert placed(one, plain) == placed(other, plain)
    for name in names:
        assert exact(plain.column(name)) == exact(columns.column(name))


@settings(deadline=None)
@given(st.lists(rows(), max_size=3))
def test_concat_is_that_of_the_lists(parts: list[list[dict[str, Any]]]) -> None:
    """What is put together from columns is what is put together from lists, whatever the types."""
    tables = [in_columns(part) or Records(part) for part in parts]
    together = Records.concat(tables)
    assert exact([row for part in parts for row in part]) == exact(together)
    plain = Records([row for part in parts for row in part])
    assert placed(plain, plain) == placed(together, plain)


@pytest.mark.parametrize(
    ("found", "column", "why"),
    [
        ([{"a": 1}, {"a": 2.5}], "a", r"whole numbers \(row 0\) and decimal numbers \(row 1\)"),
        ([{"a": 1}, {"a": "x"}], "a", "texts"),
        ([{"a": True}, {"a": 1}], "a", "booleans"),
        ([{"a": 1, "b": None}, {"a": 2}], "b", "row 1 has no such field"),
        ([{"a": 1}, {"a": 2**63}], "a", "row 1 has more than 64 bits"),
        ([{"a": None}, {"a": [1]}], "a", "row 1 holds a list"),
        ([{"a": {"b": 1}}], "a", "row 0 holds an object"),
        ([{"a": Decimal("0.12345678901234567890")}], "a", "row 0 holds a Decimal"),
        ([{"a": "\ud800"}], "a", "not valid Unicode"),
    ],
)
def test_what_would_be_lost_is_an_error(found: list[dict[str, Any]], column: str, why: str) -> None:
    """Who asks for Arrow where it would change a value is told the column and why."""
    with pytest.raises(NotInColumns, match=f"'{column}'.*{why}"):
        Records(found).arrow()


def test_every_form_is_made_once() -> None:
    """Rows and table are made when first asked for, and kept."""
    data = Records([{"a": 1}])
    assert not data.in_columns
    assert data.arrow() is data.arrow()
    table = arrow(a=[1])
    assert table.view() is table.view()


def test_tables_of_other_libraries() -> None:
    """Tables of pyarrow, pandas and polars are records, with the types that their columns have."""
    expected = [{"n": 1, "t": "x", "f": 1.5, "b": True}, {"n": 2, "t": None, "f": None, "b": False}]
    columns = {name: [row[name] for row in expected] for name in expected[0]}
    frame = pd.DataFrame({**columns, "f": [1.5, math.nan]}, index=[7, 3])
    for table in (pa.table(columns), pl.DataFrame(columns), frame):
        data = Records(table)
        assert data.in_columns
        assert exact(expected) == exact(data)


def test_handlers_get_what_they_ask_for() -> None:
    """Arrow, pandas and polars hold the same; whole numbers beside nulls stay whole."""
    data = Records([{"n": 2**53 + 1, "t": "x"}, {"n": None, "t": None}])
    assert [2**53 + 1, None] == data.arrow()["n"].to_pylist()
    assert 2**53 + 1 == data.pandas()["n"][0]
    assert [2**53 + 1, None] == data.polars()["n"].to_list()
    assert exact(data) == exact(Records(data.pandas())) == exact(Records(data.polars()))


def test_an_index_that_has_a_name_is_a_column() -> None:
    """A pandas index goes along where it has a name; the mere place of a row does not."""
    frame = pd.DataFrame({"v": [1, 2]}, index=pd.Index(["x", "y"], name="k"))
    assert [{"k": "x", "v": 1}, {"k": "y", "v": 2}] == Records(frame).view()
    assert [{"v": 2}] == Records(frame.reset_index(drop=True).iloc[1:]).view()


def test_objects_of_pandas_are_not_brought_together() -> None:
    """A column of objects may hold several types: they stay apart."""
    frame = pd.DataFrame({"v": pd.Series([1, 2.5, "x", None, Decimal("1.5")], dtype=object)})
    assert exact([1, 2.5, "x", None, 1.5]) == exact(Records(frame).column("v"))


MADRID = ZoneInfo("Europe/Madrid")
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - without a zone


@settings(deadline=None)
@given(st.lists(st.none() | MOMENTS, min_size=1), st.sampled_from(["us", "ns"]))
def test_timestamps_are_their_texts(moments: list[datetime | None], unit: str) -> None:
    """A timestamp of Arrow is the text that a date-time of Python would be, zone or none."""
    naive = pa.array(moments, pa.timestamp(unit))
    assert [normalise(m) for m in moments] == arrow(t=naive).column("t")
    for zone in ("Europe/Madrid", "UTC", "+05:30"):
        zoned = pa.array(moments, pa.timestamp("us", zone))
        expected = [normalise(m) for m in zoned.to_pylist()]
        assert expected == arrow(t=zoned).column("t")


def test_nanoseconds_are_kept() -> None:
    """A time with nanoseconds has nine digits, one without has six or none."""
    times = pa.array([1, 1_000, 1_000_000_000, None, -1], pa.timestamp("ns"))
    assert [
        "1970-01-01T00:00:00.000000001",
        "1970-01-01T00:00:00.000001",
        "1970-01-01T00:00:01",
        None,
        "1969-12-31T23:59:59.999999999",
    ] == arrow(t=times).column("t")


@pytest.mark.parametrize(
    "values",
    [
        [date(2026, 3, 1), None],
        [time(1, 2, 3), time(1, 2, 3, 5)],
        [timedelta(days=1, seconds=3), None],
        [Decimal("1.50"), Decimal("0.12345678901234567890")],
        [b"\x00\xff", None],
        [datetime(2026, 3, 1, tzinfo=UTC), None],
        [datetime(2026, 10, 25, 2, 30, fold=0, tzinfo=MADRID)],
        [[1, None], []],
        [{"x": 1.5}, None],
        [np.float32(0.1), None],
        [1.5, math.inf],
    ],
    ids=lambda values: type(values[0]).__name__,
)
def test_other_types_of_arrow(values: list[Any]) -> None:
    """What Arrow holds beyond JSON's types is what a handler's own values would become."""
    array = pa.array(values)
    assert exact([normalise(v) for v in array.to_pylist()]) == exact(arrow(v=array).column("v"))


def test_narrow_numbers_and_texts() -> None:
    """Numbers of any width, dictionaries and views are plain numbers and texts."""
    data = arrow(
        a=pa.array([1, None], pa.uint8()),
        b=pa.array([2**63, 1], pa.uint64()),
        c=pa.array(["x", None]).dictionary_encode(),
        d=pa.array(["x", "y"], pa.string_view()),
    )
    expected = [{"a": 1, "b": 2**63, "c": "x", "d": "x"}, {"a": None, "b": 1, "c": None, "d": "y"}]
    assert exact(expected) == exact(data)


def test_two_columns_of_one_name() -> None:
    """A table in which one column would hide another is refused."""
    with pytest.raises(InvalidResult, match="two columns 'a'"):
        Records(pa.table([pa.array([1]), pa.array([2])], ["a", "a"]))


def test_metadata_stays() -> None:
    """What is known of a column goes along with it in columns as in rows."""
    data = Records(pa.table({"a": [1], "b": [2]}), metadata={"a": {"unit": "kWh"}})
    assert {"A": {"unit": "kWh"}} == data.rename({"a": "A"}).metadata
    assert {} == data.select(["b"]).metadata == data.with_column("a", 1).metadata
    assert data.metadata == data.take([0]).metadata == data.where([True]).metadata


def test_unknown_columns_and_wrong_counts() -> None:
    """Mistakes are the same errors in columns."""
    data = arrow(a=[1, 2])
    with pytest.raises(UnknownField, match="'b'"):
        data.select(["b"])
    with pytest.raises(DataError, match="1 values for 2 records"):
        data.with_column("b", [1])


def test_a_change_stays_in_columns() -> None:
    """No method makes rows of a table that need not."""
    data = arrow(a=[1, 2, 3], b=["x", "y", "z"])
    for made in (
        data.with_column("c", [1, 2, 3]),
        data.with_column("c", None).with_column("d", "x"),
        data.with_column("c", pa.array([1.5, None, 2.5])),
        data.select(["b"]),
        data.rename({"a": "A"}),
        data.take([2, 0, -1]),
        data.where([True, False, True]),
        data.slice(0, 2),
        Records.concat([data, data.select(["a"])]),
    ):
        assert made.in_columns
        assert made._held is None  # noqa: SLF001 - that there are no rows is what this is about
