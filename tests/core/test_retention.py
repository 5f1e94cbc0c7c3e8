"""What is old goes, with what only it used; the rest stays."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from time import time
from typing import Any

import pytest
from sqlalchemy import create_engine
from tests.core.engines import Gate, ended, running
from tests.core.flows import document, fail, give

from caudal_core import Config, Context, handler
from caudal_core.engine import Engine
from caudal_core.engine.tidying import retention, sweeping
from caudal_core.engine.tidying.retention import DELETED
from caudal_core.errors import Conflict, NotFound
from caudal_core.journal.sqlite import KEPT_PAGES
from caudal_core.journal.statements import Statement
from caudal_core.testing.invariants import broken

DAY = 86_400.0


@handler("large", effect="pure")
def large(config: Config, data: Any, ctx: Context) -> Any:
    """A value that is kept as a blob; `n` makes it another one."""
    return [{"n": number, "text": f"{data['n']}" * 100} for number in range(1_000)]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else has a claim to the writer's time in these tests."""
    monkeypatch.setattr(retention, "SHARE", 0.0)


def age(folder: Path, days: float, *identities: str) -> None:
    """Let executions have been run so many days ago."""
    moment = time() - days * DAY
    with closing(sqlite3.connect(folder / "caudal.db")) as database, database:
        for identity in identities:
            values = moment, moment + 1, identity
            change = "UPDATE execution SET created = ?, completed = ? WHERE id = ?"
            assert 1 == database.execute(change, values).rowcount


def count(folder: Path, table: str) -> int:
    """The rows of a table."""
    with closing(sqlite3.connect(folder / "caudal.db")) as database:
        query = f"SELECT count(*) FROM {table}"  # noqa: S608 - the names are this file's own
        return int(database.execute(query).fetchone()[0])


def unsound(folder: Path) -> list[str]:
    """What is wrong in the journal."""
    database = create_engine(f"sqlite:///{folder / 'caudal.db'}")
    try:
        return broken(database)
    finally:
        database.dispose()


def blobs(folder: Path) -> list[Path]:
    """The files of large values."""
    return [path for path in (folder / "blobs").rglob("*") if path.is_file()]


def age_blobs(folder: Path) -> None:
    """Let all large values have been put two hours ago."""
    for path in blobs(folder):
        os.utime(path, (time() - 7_200, time() - 7_200))


async def ran(engine: Engine, nodes: Any, *connections: str, **settings: Any) -> str:
    """The id of an execution that has ended."""
    more = {"settings": settings} if settings else {}
    return (await ended(await engine.submit(document(nodes, *connections, **more), {"n": 1}))).id


async def left(engine: Engine, *identities: str) -> list[bool]:
    """Whether each is still there."""
    found = []
    for identity in identities:
        try:
            await engine.view(identity)
            found.append(True)
        except NotFound:
            found.append(False)
    return found


async def test_the_old_go_and_the_failed_stay_longer(tmp_path: Path) -> None:
    """After the days what has ended goes, what failed after three times as many."""
    async with running(tmp_path, retention_days=30) as engine:
        new, old = [await ran(engine, {"a": give(1)}) for _ in range(2)]
        failed, long_failed = [await ran(engine, {"a": fail()}) for _ in range(2)]
        age(tmp_path, 29, new)
        age(tmp_path, 31, old, failed)
        age(tmp_path, 91, long_failed)
        assert 2 == await engine.retention.tidy()
        assert [True, False] == await left(engine, new, old)
        assert [True, False] == await left(engine, failed, long_failed)
        assert 0 == await engine.retention.tidy()
    assert (2, 2) == (count(tmp_path, "execution"), count(tmp_path, "node_run"))


async def test_a_workflow_may_say_how_long(tmp_path: Path) -> None:
    """`settings.retentionDays` counts instead of the usual days, longer or shorter."""
    async with running(tmp_path, retention_days=30) as engine:
        long = await ran(engine, {"a": give(1)}, retentionDays=100)
        short = await ran(engine, {"a": give(2)}, retentionDays=1)
        usual = await ran(engine, {"a": give(3)})
        age(tmp_path, 99, long)
        age(tmp_path, 2, short, usual)
        assert 1 == await engine.retention.tidy()
        assert [True, False, True] == await left(engine, long, short, usual)


async def test_what_has_not_ended_stays(tmp_path: Path) -> None:
    """However old an execution is, it is not deleted while it runs, by nobody."""
    gate = Gate()
    async with running(tmp_path, gate.handler, retention_days=1) as engine:
        execution = await engine.submit(document({"a": "held"}))
        await gate.entered.wait()
        await engine.journal.flush()
        with closing(sqlite3.connect(tmp_path / "caudal.db")) as database, database:
            database.execute("UPDATE execution SET created = 0")
        assert 0 == await engine.retention.tidy()
        with pytest.raises(Conflict, match="cancel it first"):
            await engine.erase(execution.id)
        gate.open.set()
        await ended(execution)
        await engine.erase(execution.id)
        assert [False] == await left(engine, execution.id)


async def test_versions_go_with_the_last_that_uses_them(tmp_path: Path) -> None:
    """A workflow's version and plan stay while an execution or a saved workflow names them."""
    saved, inline = document({"a": give(1)}), document({"b": give(2)})
    async with running(tmp_path, retention_days=30) as engine:
        await engine.library.save(saved, workflow_id="kept")
        stored, kept = await engine.library.find("kept") or (None, saved)
        assert stored
        one = await ended(await engine.submit(kept, digest=stored.hash))
        two, three = [(await ended(await engine.submit(inline))).id for _ in range(2)]
        assert (2, 2) == (count(tmp_path, "workflow_version"), count(tmp_path, "plan"))
        await engine.erase(two)
        assert (2, 2) == (count(tmp_path, "workflow_version"), count(tmp_path, "plan"))
        await engine.erase(three)
        await engine.erase(one.id)
        assert (1, 0) == (count(tmp_path, "workflow_version"), count(tmp_path, "plan"))
        again = [await ended(await engine.submit(found)) for found in (kept, inline)]
        assert ["completed"] * 2 == [execution.record.state for execution in again]
        assert [] == unsound(tmp_path)


async def test_what_is_submitted_meanwhile_keeps_its_version(tmp_path: Path) -> None:
    """What is accepted while its version is about to be deleted has its version all the same."""
    inline = document({"a": give(2)})
    async with running(tmp_path, retention_days=30) as engine:
        for _ in range(20):
            first = await ended(await engine.submit(inline))
            erasing = asyncio.create_task(engine.erase(first.id))
            others = [await engine.submit(inline) for _ in range(5)]
            await erasing
            for execution in others:
                await ended(execution)
            assert [] == unsound(tmp_path)
            for execution in others:
                await engine.erase(execution.id)
    assert (0, 0) == (count(tmp_path, "workflow_version"), count(tmp_path, "execution"))


async def test_large_values_are_swept_when_nothing_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value goes an hour after its last owner; one that another execution has too stays."""
    now = 1_000.0
    monkeypatch.setattr(sweeping, "monotonic", lambda: now)
    async with running(tmp_path, large, retention_days=30) as engine:
        first, second = [await ran(engine, {"a": "large"}) for _ in range(2)]
        assert 1 == len(blobs(tmp_path))
        age_blobs(tmp_path)
        await engine.erase(first)
        for moment in (1_000.0, 9_000.0):
            now = moment
            await engine.retention.tidy()
        assert 1 == len(blobs(tmp_path))
        await engine.erase(second)
        await engine.retention.tidy()  # from now on nothing names it
        now = 9_000.0 + 3_599
        await engine.retention.tidy()
        assert 1 == len(blobs(tmp_path))
        third = await ran(engine, {"a": "large"})  # it is put again, so its time begins anew
        await engine.erase(third)
        now = 20_000.0
        await engine.retention.tidy()
        assert 1 == len(blobs(tmp_path))
        age_blobs(tmp_path)
        for moment in (30_000.0, 40_000.0):
            now = moment
            await engine.retention.tidy()
        assert [] == blobs(tmp_path)
        assert (0, 0) == (engine.storage.sizes()[1], count(tmp_path, "execution"))


async def test_what_an_execution_holds_in_memory_is_not_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that a running execution may yet hand on stays, though it is old and in no row."""
    monkeypatch.setattr(sweeping, "GRACE", 0.0)
    gate = Gate()
    async with running(tmp_path, large, gate.handler, retention_days=30) as engine:
        nodes = {"a": "large", "h": "held", "o": "output"}
        execution = await engine.submit(document(nodes, "a h", "h o"), {"n": 1})
        await gate.entered.wait()
        await engine.journal.flush()
        age_blobs(tmp_path)
        with closing(sqlite3.connect(tmp_path / "caudal.db")) as database, database:
            database.execute("UPDATE node_run SET output_ref = NULL")
        await engine.retention.tidy()
        gate.open.set()
        assert "completed" == (await ended(execution)).record.state
        assert 1_000 == len(await engine.data(execution.runs[-1].outputs["out"]))  # type: ignore[arg-type,index]


async def test_the_oldest_go_where_large_values_take_too_much(tmp_path: Path) -> None:
    """Beyond the bytes the oldest executions go until the rest fits, failed ones later."""
    async with running(tmp_path, large) as engine:
        found = []
        for number in range(4):
            nodes = {"a": "large", "b": fail() if number == 0 else "pass"}
            execution = await engine.submit(document(nodes, "a b"), {"n": number})
            found.append((await ended(execution)).id)
        (_, size) = engine.storage.sizes()
        assert 4 == len(blobs(tmp_path))
        for days, identity in zip((10, 8, 4, 1), found, strict=True):
            age(tmp_path, days, identity)
    async with running(tmp_path, large, retention_blobs=int(size or 0) // 2) as engine:
        assert 2 == await engine.retention.tidy()
        # The failed one of ten days counts as one of three and a third.
        assert [True, False, False, True] == await left(engine, *found)
        assert 0 == await engine.retention.tidy()  # what is to be swept is not counted again


async def test_the_database_gives_its_pages_back(tmp_path: Path) -> None:
    """What deleted executions took is given back to the disk, up to what is soon needed again."""
    text = "x" * 40_000
    async with running(tmp_path, retention_days=1) as engine:
        found = [await ran(engine, {"a": give(text), "b": "pass"}, "a b") for _ in range(60)]
        before = (tmp_path / "caudal.db").stat().st_size
        age(tmp_path, 2, *found)
        assert 60 == await engine.retention.tidy()
    after = (tmp_path / "caudal.db").stat().st_size
    assert 4_000_000 < before
    assert after < 4_096 * (KEPT_PAGES + 100)


async def test_many_runs_go_step_by_step(tmp_path: Path) -> None:
    """However many nodes an execution had, no commit deletes more than a step of them."""
    nodes = {f"n{number}": give(number) for number in range(450)}
    async with running(tmp_path, retention_days=1) as engine:
        identity = await ran(engine, nodes)
        before = engine.meters.commit_rows.count
        await engine.erase(identity)
        assert 5 <= engine.meters.commit_rows.count - before
    assert (0, 0) == (count(tmp_path, "execution"), count(tmp_path, "node_run"))


async def test_commits_do_not_wait_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While much is deleted, others have the writer for most of the time."""
    monkeypatch.setattr(retention, "SHARE", 4.0)
    async with running(tmp_path, retention_days=1) as engine:
        found = [await ran(engine, {"a": give(1)}) for _ in range(30)]
        age(tmp_path, 2, *found)
        tidying = asyncio.create_task(engine.retention.tidy())
        done = 0
        while not tidying.done():
            await ran(engine, {"a": give(1)})
            done += 1
        assert 30 == await tidying
        assert 30 <= done


async def test_events_that_started_nothing_go_too(tmp_path: Path) -> None:
    """A key is kept for the usual days, whether it started something and whenever that goes.

    Else an event that is told again after its execution was deleted would start another one.
    """
    async with running(tmp_path, retention_days=30) as engine:
        identity = await ran(engine, {"a": give(1)})
        now = time()
        events = ("new", None, 1), ("old", None, 31), ("begun", identity, 29)
        for key, execution, days in events:
            row = ("t", key, execution, None, now - days * DAY, "because")
            engine.journal.write(Statement.TRIGGER_EVENT, row)
        await engine.journal.flush()
        await engine.retention.tidy()
        assert 2 == count(tmp_path, "trigger_event")
        await engine.erase(identity)
        assert engine.storage.triggers is not None
        kept = engine.storage.triggers.event("t", "begun")
        assert kept is not None
        assert (None, DELETED) == (kept.execution, kept.skipped)
        with closing(sqlite3.connect(tmp_path / "caudal.db")) as database, database:
            database.execute("UPDATE trigger_event SET created = created - ?", (2 * DAY,))
        await engine.retention.tidy()
        assert 1 == count(tmp_path, "trigger_event")


@pytest.mark.parametrize("stored", [True, False])
async def test_erased_is_gone(tmp_path: Path, *, stored: bool) -> None:
    """What was deleted is found nowhere, and deleting it again says so."""
    async with running(tmp_path if stored else None) as engine:
        identity = await ran(engine, {"a": give(1)})
        await engine.erase(identity)
        assert [False] == await left(engine, identity)
        assert [] == [execution.id for execution in engine.remembered]
        with pytest.raises(NotFound):
            await engine.erase(identity)
