"""Which values travel between nodes, and what is known of their columns."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest
from tests.core.flows import HANDLERS, KINDS, document, give, received, run

from caudal_core import Config, Context, Handler, Records, handler
from caudal_core.testing import memory_engine, run_on

# -- one record at a time -------------------------------------------------------------------------

ROWS = [{"n": 1}, {"n": "two"}, {"n": 3}]


@pytest.mark.parametrize("kind", ["double", "doubleAsync"])
@pytest.mark.parametrize(
    ("policy", "expected"),
    [(None, None), ("drop", [{"n": 2}, {"n": 6}]), ("keep", [{"n": 2}, {"n": "two"}, {"n": 6}])],
)
def test_bad_rows(kind: str, policy: str | None, expected: Any) -> None:
    """`onRowError` says what becomes of a record that the handler refuses."""
    found = run({"a": give(ROWS), "d": {"type": kind, "onRowError": policy}}, "a d")
    assert expected == found.output
    if policy is None:
        message = (
            f"{kind} (d): row 1: n is no number; mend the row, or set onRowError to drop or keep"
        )
        assert ("failed", message) == (found.status, found.error)


# -- values ---------------------------------------------------------------------------------------

VALUES: dict[str, tuple[Any, Any]] = {
    "a whole number of any size": (2**80, 2**80),
    "a decimal of many digits": (
        Decimal("0.12345678901234567890"),
        Decimal("0.12345678901234567890"),
    ),
    "a decimal of few": (Decimal("1.50"), 1.5),
    "not a number": ([nan, inf, -inf, 1.0], [None, None, None, 1.0]),
    "a date": (date(2026, 1, 31), "2026-01-31"),
    "a time without a zone": (datetime(2026, 3, 29, 2, 30), "2026-03-29T02:30:00"),  # noqa: DTZ001
    "a duration": (timedelta(hours=1), "PT3600S"),
    "bytes": (b"\x00\xff", "AP8="),
    "a tuple": ((1, 2), [1, 2]),
    "keys that are no text": ({1: "a"}, {"1": "a"}),
    "records of several kinds": (
        [{"a": 1}, {"a": "x"}, {"a": None, "b": [1]}],
        [{"a": 1}, {"a": "x"}, {"a": None, "b": [1]}],
    ),
}


@KINDS
@pytest.mark.parametrize("case", VALUES)
def test_values_are_normalised_at_the_border(case: str, kind: str) -> None:
    """What a handler returns is brought to JSON's own types before anybody else sees it."""
    value, expected = VALUES[case]

    def make(config: Config, data: Any, ctx: Context) -> Any:
        return {"v": value}

    async def make_async(config: Config, data: Any, ctx: Context) -> Any:
        return {"v": value}

    made = handler("make", light=kind == "light")(make_async if kind == "async" else make)
    found = run({"a": "make", "b": "pass"}, "a b", more=(made,))
    assert {"v": expected} == received(found, "b")["in"] == found.output
    assert type(expected) is type(received(found, "b")["in"]["v"])


def with_units(rows: list[dict[str, Any]]) -> Handler:
    """A handler that hands on a table whose price has a unit."""

    @handler("meter", effect="pure", light=True)
    def meter(config: Config, data: Any, ctx: Context) -> Records:
        return Records(rows, metadata={"price": {"unit": "€/MWh"}})

    return meter


@pytest.mark.parametrize(
    "through", ["rows", "double", "doubleAsync", "pass", "output", "passThread"]
)
@pytest.mark.parametrize("count", [2, 3_000])
def test_what_is_known_of_a_column_travels(through: str, count: int) -> None:
    """Unit, quality and zone of a column go along through every node that hands it on."""
    rows = [{"n": index, "price": 1.5} for index in range(count)]
    found = run({"m": "meter", "x": through}, "m x", more=(with_units(rows),))
    assert "completed" == found.status
    (payload,) = (found.run("x").outputs or {}).values()
    assert {"price": {"unit": "€/MWh"}} == payload.metadata


def test_what_is_known_of_a_column_is_merged() -> None:
    """Where tables are put together, what is known of each column stays."""
    nodes = {"m": "meter", "a": give([{"n": 1}]), "r": "rows"}
    found = run(nodes, "a r", "m r", more=(with_units([{"price": 1}]),))
    (payload,) = (found.run("r").outputs or {}).values()
    assert {"price": {"unit": "€/MWh"}} == payload.metadata


def test_what_is_known_of_a_column_in_a_join() -> None:
    """A handler of several ports sees it too, and hands it on."""
    nodes = {"m": "meter", "a": give([{"n": 1}]), "t": "table"}
    found = run(nodes, "a t.A", "m t.B", more=(with_units([{"price": 1}]),))
    (payload,) = (found.run("t").outputs or {}).values()
    assert {"price": {"unit": "€/MWh"}} == payload.metadata


def test_siblings_do_not_see_each_other() -> None:
    """A handler that changes what it got changes nobody else's data."""

    @handler("vandal", light=True)
    def vandal(config: Config, data: Any, ctx: Context) -> Any:
        data[0]["a"]["b"] = "changed"
        data.clear()
        return data

    nodes = {"a": give([{"a": {"b": 1}}]), "x": "vandal", "y": "pass"}
    found = run(nodes, "a x", "a y", more=(vandal,))
    assert {"x": [], "y": [{"a": {"b": 1}}]} == found.output


def test_the_config_is_not_the_output() -> None:
    """A value of the config that is handed on can be changed without changing the config."""

    @handler("add", light=True)
    def add(config: Config, data: Any, ctx: Context) -> Any:
        data.append(len(data))
        return data

    async def twice() -> list[Any]:
        async with memory_engine(*HANDLERS, add) as engine:
            workflow = document({"a": give([1]), "b": "add"}, "a b")
            return [(await run_on(engine, workflow)).output for _ in range(2)]

    assert [[1, 1], [1, 1]] == asyncio.run(twice())


@handler("appends")
def appends(config: Config, data: Any, ctx: Context) -> int:
    """Change what came in, deep inside."""
    rows = data["rows"] if isinstance(data, dict) else [row for item in data for row in item["t"]]
    (data["rows"] if isinstance(data, dict) else data[0]["t"]).append("mine")
    return len(rows)


MANY = list(range(20_000))
SHARED = {
    "a large object": ({"s": give({"rows": MANY})}, []),
    "merged lists": ({"l": give([{"t": [1]}]), "s": give([{"t": [2]}])}, ["l a", "l b"]),
}


@pytest.mark.parametrize("case", SHARED)
def test_siblings_share_nothing_at_any_depth(case: str) -> None:
    """What one node does to its data is seen neither by its sibling nor by where it came from."""
    nodes, connections = SHARED[case]
    found = run({**nodes, "a": "appends", "b": "pass"}, *connections, "s a", "s b", more=(appends,))
    untouched = [node["config"]["value"] for node in nodes.values()]
    values = [load.data for key in nodes for load in (found.run(key).outputs or {}).values()]
    assert untouched == values
    assert "mine" not in str(received(found, "b")["in"])[-500:]


def test_records_may_be_changed_by_whoever_gets_them() -> None:
    """`Records.rows()` are copies, lists in them too."""
    records = Records([{"a": [1], "b": {"c": [2]}}])
    row = records.rows()[0]
    row["a"].append(9)
    row["b"]["c"].append(9)
    assert [{"a": [1], "b": {"c": [2]}}] == list(records.view())


def test_units_that_do_not_agree() -> None:
    """Tables whose units differ can be merged; neither unit is kept, and the node's log says so."""

    def table(unit: str) -> Handler:
        @handler(f"in{unit}")
        def made(config: Config, data: Any, ctx: Context) -> Records:
            return Records([{"e": 1}], metadata={"e": {"unit": unit, "quality": "Good"}})

        return made

    nodes = {"a": "inkWh", "b": "inMWh", "m": "rows"}
    found = run(nodes, "a m", "b m", more=(table("kWh"), table("MWh")))
    merged = found.run("m")
    assert {"e": {"quality": "Good"}} == (merged.input or {})["in"].metadata
    assert merged.notes is not None
    (line,) = merged.notes.log
    text = "the unit of the column 'e' differs, and is left out: kWh, MWh"
    assert {"level": "warning", "message": text} == line
