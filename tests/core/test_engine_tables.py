"""Tables on their way through an engine: they stay what they are, with and without a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.core.engines import STORED, ended, running
from tests.core.flows import document, give
from tests.core.tables import exact

from caudal_core import Config, Context, Data, Field, Records, handler
from caudal_core.engine import Engine, Execution
from caudal_core.payload import LARGE, LatePayload, Payload, TablePayload

ROWS = 5_000


def columns(start: int = 0, count: int = ROWS) -> dict[str, list[Any]]:
    """What the tables hold."""
    numbers = range(start, start + count)
    return {
        "n": list(numbers),
        "half": [None if n % 7 == 0 else n / 2 for n in numbers],
        "text": [f"ñ {n}" for n in numbers],
    }


def records(start: int = 0, count: int = ROWS) -> list[dict[str, Any]]:
    """The same as records."""
    found = columns(start, count)
    return [dict(zip(found, cells, strict=True)) for cells in zip(*found.values(), strict=True)]


class Which(Config):
    """The library, and which numbers."""

    library: str = "pyarrow"
    start: int = Field(0)
    count: int = Field(ROWS)
    unit: str | None = None


LIBRARIES = {"pyarrow": pa.table, "pandas": pd.DataFrame, "polars": pl.DataFrame}


@handler("table", effect="pure")
def table(config: Which, data: Any, ctx: Context) -> Any:
    """A table as a library has it."""
    made = LIBRARIES[config.library](columns(config.start, config.count))
    return made if config.unit is None else Records(made, metadata={"n": {"unit": config.unit}})


@handler("on", effect="pure", light=True)
def on(config: Config, data: Data, ctx: Context) -> Any:
    """Hand on what came in."""
    return data


@handler("plain", effect="pure")
def plain(config: Config, data: Any, ctx: Context) -> Any:
    """Take the records as plain lists, and say what they are."""
    ctx.say("seen", first=exact(data[:3]), count=len(data))
    return len(data)


HANDLERS = (table, on, plain)


def outputs(execution: Execution, node: str) -> dict[str, Payload]:
    """What a node handed on."""
    return next(run.outputs or {} for run in execution.runs if run.node_id == node)


async def values(engine: Engine, execution_id: str, node: str) -> Any:
    """All that a node handed on, wherever it is kept."""
    view = await engine.view(execution_id)
    run = next(run for run in view.runs if run.node_id == node)
    return await engine.data(next(iter((run.outputs or {}).values())))


@STORED
@pytest.mark.parametrize("library", LIBRARIES)
async def test_a_table_of_any_library(tmp_path: Path, stored: bool, library: str) -> None:  # noqa: FBT001 - a parameter of the test
    """What a handler returns as a table is records for all that follow."""
    flow = document(
        {"t": {"type": "table", "config": {"library": library}}, "o": "on", "p": "plain"},
        "t o",
        "o p",
    )
    async with running(tmp_path if stored else None, *HANDLERS) as engine:
        execution = await ended(await engine.submit(flow))
        assert "completed" == execution.record.state, execution.record.error
        for node in ("t", "o"):
            payload = outputs(execution, node)["out"]
            assert isinstance(payload, TablePayload)
            assert (ROWS, True) == (payload.rows, payload.size > LARGE)
            assert exact(records()) == exact(await values(engine, execution.id, node))
        assert b"5000" in execution.runs[-1].report


async def test_a_restart_reads_the_same(tmp_path: Path) -> None:
    """The next engine has the same values, sizes, previews and units, and goes on with them."""
    config = {"unit": "kWh"}
    flow = document(
        {"t": {"type": "table", "config": config}, "h": "held", "o": "on"}, "t h", "h o"
    )
    entered, free = asyncio.Event(), asyncio.Event()

    @handler("held")
    async def held(config: Config, data: Records, ctx: Context) -> Any:
        entered.set()
        await free.wait()
        return data

    async with running(tmp_path, *HANDLERS, held) as engine:
        execution = await engine.submit(flow)
        await entered.wait()
        before = outputs(execution, "t")["out"]
        shown = before.glance
    free.set()
    async with running(tmp_path, *HANDLERS, held) as engine:
        again = engine.live(execution.id)
        assert again is not None
        await ended(again)
        payload = outputs(again, "o")["out"]
        assert isinstance(payload, TablePayload)
        assert {"n": {"unit": "kWh"}} == payload.metadata == before.metadata
        assert exact(records()) == exact(await values(engine, execution.id, "o"))
    async with running(tmp_path, *HANDLERS, held) as engine:
        view = await engine.view(execution.id)
        payload = (view.runs[-1].outputs or {})["out"]
        assert (before.size, ROWS, shown) == (payload.size, payload.rows, payload.data)
        assert exact(records()) == exact(await values(engine, execution.id, "o"))


async def test_equal_tables_come_together_as_one(tmp_path: Path) -> None:
    """Tables at one port are one table in the order of the connections, with what is known."""
    flow = document(
        {
            "a": {"type": "table", "config": {"unit": "kWh"}},
            "b": {"type": "table", "config": {"start": ROWS}},
            "o": "on",
        },
        "a o",
        "b o",
    )
    async with running(tmp_path, *HANDLERS) as engine:
        execution = await ended(await engine.submit(flow))
        payload = outputs(execution, "o")["out"]
        assert isinstance(payload, TablePayload)
        assert {"n": {"unit": "kWh"}} == payload.metadata
        assert exact(records(0, 2 * ROWS)) == exact(await values(engine, execution.id, "o"))


@pytest.mark.parametrize("more", [[{"n": "text"}], [{"x": 1}] * 3_000, [1, "two"]])
async def test_a_table_and_a_list(tmp_path: Path, more: list[Any]) -> None:
    """A table and rows at one port are one list; nothing is made of it before somebody asks."""
    flow = document({"a": "table", "b": give(more), "p": "plain"}, "a p", "b p")
    async with running(tmp_path, *HANDLERS) as engine:
        execution = await ended(await engine.submit(flow))
        assert "completed" == execution.record.state, execution.record.error
        run = execution.runs[-1]
        assert run.input is not None
        assert isinstance(run.input["in"], LatePayload)
        assert ROWS + len(more) == await engine.data(outputs(execution, "p")["out"])


async def test_a_table_and_an_object_do_not_go_together(tmp_path: Path) -> None:
    """The error says what came."""
    flow = document({"a": "table", "b": give({"x": 1}), "p": "plain"}, "a p", "b p")
    async with running(tmp_path, *HANDLERS) as engine:
        execution = await ended(await engine.submit(flow))
        assert "records" in (execution.record.error or "")


async def test_few_records_are_plain(tmp_path: Path) -> None:
    """A small table travels as the list that it is, in the journal itself."""
    flow = document({"t": {"type": "table", "config": {"count": 3}}, "o": "on"}, "t o")
    async with running(tmp_path, *HANDLERS) as engine:
        execution = await ended(await engine.submit(flow))
        payload = outputs(execution, "o")["out"]
        assert not isinstance(payload, TablePayload)
        assert exact(records(0, 3)) == exact(payload.data)
    assert not (tmp_path / "blobs").exists()


async def test_a_table_is_used_where_it_is_kept(tmp_path: Path) -> None:
    """Once it is written its own memory may go: what is left is a map of the file."""
    async with running(tmp_path, *HANDLERS) as engine:
        before = pa.total_allocated_bytes()
        flow = document({"t": {"type": "table", "config": {"count": 200_000}}})
        execution = await ended(await engine.submit(flow))
        assert 200_000 == outputs(execution, "t")["out"].rows
        assert pa.total_allocated_bytes() - before < 1_000_000


async def test_what_is_reported_of_a_table_stays_one(tmp_path: Path) -> None:
    """A port's table that is reported beside it is named by its port, and not made into rows."""

    @handler("reports", effect="pure")
    def reports(config: Config, data: Records, ctx: Context) -> Any:
        ctx.say("reported", the_records=data)
        return data

    flow = document({"t": "table", "r": "reports"}, "t r")
    async with running(tmp_path, *HANDLERS, reports) as engine:
        execution = await ended(await engine.submit(flow))
        assert b'{"theRecords":{"$port":"out"}}' == execution.runs[-1].report
