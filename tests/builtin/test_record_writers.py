"""Several writers of one record store, and what a process that ended left behind."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.builtin.record_stores import NOW, REAL, opened, rows_of, save, schema

from caudal_builtin.store.places import open_store
from caudal_core import CaudalError, Config, Context, HandlerError, Records, handler
from caudal_core.errors import Conflict
from caudal_core.stores import Entity, RecordStore, RecordStores, StoreFailed, StorePlace, Write
from caudal_core.testing import memory_engine, run_on


@pytest.fixture
def store(kind: str, tmp_path: Path) -> Iterator[RecordStore]:
    """An empty store."""
    with opened(kind, tmp_path) as found:
        yield found


@REAL
def test_two_writers_make_no_record_twice(store: RecordStore) -> None:
    """Both upsert the same keys at one time: each key has one record, with values of both."""
    rows = [{"k": number} for number in range(500)]

    def write(name: str) -> None:
        for begin in range(0, 500, 50):
            part = [{**row, name: 1} for row in rows[begin : begin + 50]]
            save(store, "shared", part, mode="upsert", keys=("k",))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, ("a", "b")))
    found = rows_of(store, "shared")
    assert [{"k": number, "a": 1, "b": 1} for number in range(500)] == sorted(
        ({"k": row["k"], "a": row["a"], "b": row["b"]} for row in found), key=lambda row: row["k"]
    )


@REAL
def test_one_effect_of_two_writers_is_done_once(store: RecordStore) -> None:
    """An attempt that was given up may still be writing while the next one begins."""

    def write(_: int) -> bool:
        return save(store, "once", [{"a": 1}], effect="same").repeated

    with ThreadPoolExecutor(4) as threads:
        repeated = list(threads.map(write, range(8)))
    assert [False] + [True] * 7 == sorted(repeated)
    assert [{"a": 1}] == rows_of(store, "once")


@REAL
def test_readers_see_all_or_nothing(store: RecordStore) -> None:
    """While thousands of rows are written, a reader sees none of them or every one."""
    save(store, "big", [{"n": -1}])
    with ThreadPoolExecutor(1) as thread:
        rows = [{"n": number} for number in range(30_000)]
        writing = thread.submit(save, store, "big", rows)
        counts = set()
        while not writing.done():
            counts.add(len(rows_of(store, "big")))
        writing.result()
    assert counts <= {1, 30_001}
    assert 30_001 == len(rows_of(store, "big"))


def _write_and_die(place: StorePlace, rows: int) -> None:
    """A process that is killed within its transaction."""
    store = open_store(place)
    assert store is not None
    calls = iter(range(100))

    def check() -> None:
        if next(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    many = [{"n": number} for number in range(rows)]
    store.write(Entity("", "killed"), Write(many, NOW, effect="killed:1", check=check))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_killed_writer_leaves_nothing(kind: str, tmp_path: Path) -> None:
    """Neither rows nor the mark of its effect; the next attempt writes all of them, once."""
    if kind == "sqlite":
        _kill_and_write(StorePlace(folder=tmp_path))
        return
    with schema() as url:
        _kill_and_write(StorePlace(database_url=url))


def _kill_and_write(place: StorePlace) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_write_and_die, args=(place, 20_000)
    )
    process.start()
    process.join(60)
    assert -signal.SIGKILL == process.exitcode
    store = open_store(place)
    assert store is not None
    assert store.find("killed") is None
    assert not save(store, "killed", [{"n": 1}], effect="killed:1").repeated
    assert [{"n": 1}] == rows_of(store, "killed")
    store.close()


@REAL
def test_a_second_attempt_saves_nothing_twice(store: RecordStore) -> None:
    """The first attempt has committed its rows when it fails; the second finds them."""

    @handler("saveAndFail", effect="transactional")
    def save_and_fail(config: Config, data: Records, ctx: Context) -> Any:
        report = ctx.records.write(ctx.records.find_or_new("attempts"), data.view())
        ctx.records.write(ctx.records.find("attempts"), [{"second": True}])
        if ctx.attempt == 1:
            raise HandlerError("the machine went away")
        return {"repeated": report.repeated}

    async def run() -> Any:
        records = RecordStores.of(store)
        async with memory_engine(save_and_fail, records=records) as engine:
            node = {"id": "n", "type": "saveAndFail", "retries": 1, "retryDelaySeconds": 0}
            first = await run_on(engine, {"nodes": [node]}, {"a": 1})
            found = rows_of(store, "attempts")
            other = await run_on(engine, {"nodes": [node]}, {"a": 1})
            return first, found, other, rows_of(store, "attempts")

    first, found, other, both = asyncio.run(run())
    assert ("completed", {"repeated": True}) == (first.status, first.output)
    assert [{"a": 1}, {"second": True}] == found
    assert "completed" == other.status
    assert found * 2 == both


def test_a_later_store_is_left_alone(tmp_path: Path) -> None:
    """Tables of a version that is not known yet are not written to."""
    with opened("sqlite", tmp_path) as store:
        save(store, "a", [{"a": 1}])
    import sqlite3

    connection = sqlite3.connect(tmp_path / "records.db")
    connection.execute("UPDATE caudal_store SET version = 99")
    connection.commit()
    connection.close()
    with opened("sqlite", tmp_path) as store, pytest.raises(Conflict, match="later version"):
        store.find("a")


def test_a_database_that_is_not_there_is_named() -> None:
    """Its error says which store failed and why, and no password."""
    url = "postgresql://user:hidden@127.0.0.1:9/none?connect_timeout=2"
    stores = RecordStores({"store": open_store}, StorePlace(database_url=url))
    with pytest.raises(StoreFailed, match="the store failed: ") as caught:
        stores.find("a")
    assert "hidden" not in str(caught.value)
    stores.close()


def test_stores_are_asked_in_order(tmp_path: Path) -> None:
    """The first that has an entity gives it; a missing one names all places and the nearest."""
    with opened("sqlite", tmp_path) as real, opened("memory", tmp_path) as plain:
        stores = RecordStores.of(real, plain)
        save(plain, "both", [{"in": "memory"}])
        assert "memory" == stores.find("both").store
        save(real, "both", [{"in": "sqlite"}])
        assert "the store" == stores.find("both").store
        assert ["the store", "memory"] == [e.store for e in stores.entities() if e.name == "both"]
        with pytest.raises(CaudalError, match="did you mean 'both'") as caught:
            stores.find("boht")
        assert ["the store", "memory"] == caught.value.params["looked_in"]
