"""What a node of a workflow keeps between executions."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import STORED, ended, running
from tests.core.flows import document

from caudal_core import Config, Context, Field, Handler, Wait, handler
from caudal_core.engine import Engine, Execution
from caudal_core.values import decode


class Counting(Config):
    """How it counts."""

    way: str = "in place"
    size: int = 0
    fail: bool = Field(default=False)


def _count(config: Counting, ctx: Context) -> Any:
    if config.way == "silent":
        return "silent"
    state: Any = ctx.state
    seen = state.get("seen", 0)
    if config.way == "reads":
        return seen
    if config.way == "in place":
        state["seen"] = seen + 1
    else:
        ctx.state = {"seen": seen + 1, "more": "x" * config.size}
    if config.fail:
        raise ValueError
    return seen + 1


@handler("count")
def count(config: Counting, data: Any, ctx: Context) -> Any:
    """Count its executions, in a thread."""
    return _count(config, ctx)


@handler("countLight", light=True)
def count_light(config: Counting, data: Any, ctx: Context) -> Any:
    """The same on the spot."""
    return _count(config, ctx)


@handler("countAsync")
async def count_async(config: Counting, data: Any, ctx: Context) -> Any:
    """The same on the event loop."""
    await asyncio.sleep(0)
    return _count(config, ctx)


HANDLERS: tuple[Handler, ...] = (count, count_light, count_async)


async def ran(engine: Engine, workflow_id: str = "w", kind: str = "count", **config: Any) -> Any:
    """One execution of the counting node `x`."""
    workflow = document({"x": {"type": kind, "config": config}})
    execution = await ended(await engine.submit(workflow, workflow_id=workflow_id))
    return final(execution)


def final(execution: Execution) -> Any:
    """What it came to, or its error."""
    record = execution.record
    return record.error if record.final is None else decode(record.final)


@STORED
@pytest.mark.parametrize("kind", ["count", "countLight", "countAsync"])
@pytest.mark.parametrize("way", ["in place", "anew"])
async def test_it_is_there_the_next_time(
    tmp_path: Path, kind: str, way: str, *, stored: bool
) -> None:
    """Changed in place or set anew, it is there the next time, and a read changes nothing."""
    async with running(tmp_path if stored else None, *HANDLERS) as engine:
        assert [1, 2, 3] == [await ran(engine, kind=kind, way=way) for _ in range(3)]
        assert 3 == await ran(engine, kind=kind, way="reads")
        assert [1] == [await ran(engine, "another", kind=kind, way=way)]
    if stored:
        async with running(tmp_path, *HANDLERS) as engine:
            assert 4 == await ran(engine, kind=kind, way=way)


@STORED
async def test_a_failure_keeps_nothing(tmp_path: Path, *, stored: bool) -> None:
    """What was changed by an attempt that failed is forgotten."""
    async with running(tmp_path if stored else None, *HANDLERS) as engine:
        assert 1 == await ran(engine)
        assert "ValueError" in await ran(engine, fail=True)
        assert 2 == await ran(engine)


@STORED
async def test_too_much(tmp_path: Path, *, stored: bool) -> None:
    """Beyond 64 kB the node fails and says so; what was kept before stays."""
    async with running(tmp_path if stored else None, *HANDLERS) as engine:
        assert 1 == await ran(engine)
        assert "64,000 are the limit" in await ran(engine, way="anew", size=64_000)
        assert 2 == await ran(engine)


async def test_a_dry_run_keeps_nothing(tmp_path: Path) -> None:
    """It sees what is there and leaves it so."""
    async with running(tmp_path, *HANDLERS) as engine:
        assert 1 == await ran(engine)
    async with running(tmp_path, *HANDLERS, dry_run=True) as engine:
        assert [2, 2] == [await ran(engine), await ran(engine)]


async def test_whoever_does_not_touch_it_pays_nothing(tmp_path: Path) -> None:
    """Without a look nothing is read, and nothing is written without a change."""
    async with running(tmp_path, *HANDLERS) as engine:
        history = engine.storage.history
        assert history is not None
        reads: list[str] = []
        read = history.states.read
        history.states.read = lambda *key: (reads.append(key[1]), read(*key))[1]  # type: ignore[method-assign]
        assert ["silent", 0] == [await ran(engine, way=way) for way in ("silent", "reads")]
        assert ["x"] == reads
    with closing(sqlite3.connect(tmp_path / "caudal.db")) as database:
        assert [] == database.execute("SELECT * FROM node_state").fetchall()


async def test_it_is_written_with_the_result(tmp_path: Path) -> None:
    """Both are in one transaction: the batch that has the one has the other."""
    async with running(tmp_path, *HANDLERS) as engine:
        batches: list[list[int]] = []
        sink: Any = engine.journal._sink  # noqa: SLF001
        commit = sink.commit

        async def noted(rows: Any, fed: int) -> None:
            batches.append([number for number, _ in rows])
            await commit(rows, fed)

        sink.commit = noted
        await ran(engine)
    from caudal_core.journal.statements import Statement

    (batch,) = (batch for batch in batches if Statement.NODE_STATE in batch)
    assert [Statement.NODE, Statement.NODE_STATE] == batch[batch.index(Statement.NODE_STATE) - 1 :][
        :2
    ]


@STORED
async def test_what_is_kept_with_a_wait_is_there_after_it(tmp_path: Path, *, stored: bool) -> None:
    """The node goes on before that is committed, and finds what it kept nevertheless."""

    @handler("twice")
    def twice(config: Config, data: Any, ctx: Context) -> Any:
        state: Any = ctx.state
        state["seen"] = state.get("seen", 0) + 1
        return Wait(seconds=0) if ctx.answer is None else state["seen"]

    workflow = document({"x": "twice"}, id="w")
    async with running(tmp_path if stored else None, twice) as engine:
        for wanted in (2, 4):
            execution = await ended(await engine.submit(workflow))
            assert wanted == decode(execution.record.final or b"")
        assert not stored or not engine.states._held  # noqa: SLF001 - the database has it


@STORED
async def test_a_wait_that_cannot_be_kept_keeps_nothing(tmp_path: Path, *, stored: bool) -> None:
    """The node has failed, so what it changed before does not count."""

    @handler("large")
    def large(config: Config, data: Any, ctx: Context) -> Any:
        state: Any = ctx.state
        state["seen"] = state.get("seen", 0) + 1
        return Wait(seconds=0, memo="x" * 70_000)

    async with running(tmp_path if stored else None, large) as engine:
        execution = await ended(await engine.submit(document({"x": "large"}, id="w")))
        assert "failed" == execution.record.state
        assert engine.states.read("w", "x") is None
