"""The journal on SQLite: what is in the database, and what survives."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, closing
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from caudal_core.errors import InUse, Unavailable
from caudal_core.journal import Journal
from caudal_core.journal.journal import FEED, Row
from caudal_core.journal.sqlite import SqliteSink
from caudal_core.journal.statements import ACCEPT, Statement
from caudal_core.journal.tables import metadata


async def soon(awaitable: Awaitable[Any]) -> Any:
    """The result, in a time that only a hanging test needs."""
    return await asyncio.wait_for(awaitable, 20)


def execution_row(key: str, state: str | None = "pending") -> Row:
    """An execution that was accepted."""
    known = {
        "id": key,
        "organization": "org",
        "workflow_id": "w",
        "workflow_name": "W",
        "workflow_hash": "hash",
        "plan_hash": "plan",
        "inputs": b"{}",
        "labels": b'{"a":"b"}',
        "state": state,
        "owner": "here",
        "epoch": 1,
        "created": 12.5,
        "total_nodes": 1,
        "completed_nodes": 0,
        "failed_nodes": 0,
        "seq": 0,
    }
    return tuple(known.get(name) for name in ACCEPT)


def query(folder: Path, text: str) -> list[Any]:
    """What SQLite itself reads from the database."""
    with closing(sqlite3.connect(f"file:{folder}/caudal.db?mode=ro", uri=True)) as database:
        return database.execute(text).fetchall()


@asynccontextmanager
async def sqlite_journal(folder: Path) -> AsyncIterator[tuple[Journal, SqliteSink]]:
    """A journal over a database in `folder`."""
    sink = SqliteSink(folder)
    made = Journal(sink)
    await made.open()
    try:
        yield made, sink
    finally:
        await made.close()


async def test_rows_are_in_the_database(tmp_path: Path) -> None:
    """What was flushed can be read by any reader of SQLite, while the journal is open."""
    async with sqlite_journal(tmp_path) as (made, _):
        made.write(Statement.ACCEPT, execution_row("e1"))
        await soon(made.flush())
        found = query(tmp_path, "SELECT id, organization, labels, state, created FROM execution")
        assert [("e1", "org", b'{"a":"b"}', "pending", 12.5)] == found


async def test_every_table_is_there(tmp_path: Path) -> None:
    """Opening brings all tables into being, and says which version of them they are."""
    async with sqlite_journal(tmp_path):
        names = {
            row[0] for row in query(tmp_path, "SELECT name FROM sqlite_master WHERE type='table'")
        }
        assert set(metadata.tables) <= names
        assert [("0001",)] == query(tmp_path, "SELECT version_num FROM alembic_version")


async def test_the_database_survives_a_power_cut(tmp_path: Path) -> None:
    """It is written ahead, and every commit waits for the disk."""
    async with sqlite_journal(tmp_path) as (_, sink):
        assert [("wal",)] == query(tmp_path, "PRAGMA journal_mode")
        assert sink.pid is not None
    from caudal_core.journal.sqlite import PRAGMAS

    assert "PRAGMA synchronous=FULL" in PRAGMAS


async def test_a_row_written_twice_is_one(tmp_path: Path) -> None:
    """A batch that is sent again after a failure leaves one row each."""
    async with sqlite_journal(tmp_path) as (made, _):
        for _ in range(2):
            made.write(Statement.ACCEPT, execution_row("e1"))
            made.write(Statement.PLAN, ("plan", b"{}"))
            await soon(made.flush())
        assert [(1, 1)] == query(
            tmp_path, "SELECT (SELECT count(*) FROM execution), count(*) FROM plan"
        )


async def test_a_batch_is_all_or_nothing(tmp_path: Path) -> None:
    """If one row of a batch cannot be written none of it is there, and the fault is told."""
    async with sqlite_journal(tmp_path) as (made, sink):
        both: list[tuple[str, str | None]] = [("e1", "pending"), ("e", None)]
        rows = [(Statement.ACCEPT, execution_row(key, state)) for key, state in both]
        with pytest.raises(Unavailable, match="NOT NULL"):
            await sink.commit(rows, 0)
        assert [(0,)] == query(tmp_path, "SELECT count(*) FROM execution")
        made.write(Statement.ACCEPT, execution_row("e2"))
        await soon(made.flush())
        assert [("e2",)] == query(tmp_path, "SELECT id FROM execution")


async def test_an_execution_that_is_there_stays(tmp_path: Path) -> None:
    """One that is accepted once more, as after a lost answer, is left as it has become."""
    async with sqlite_journal(tmp_path) as (made, _):
        made.write(Statement.ACCEPT, execution_row("e1"))
        made.write(Statement.START, ("running", 13.5, "e1"))
        made.write(Statement.ACCEPT, execution_row("e1"))
        await soon(made.flush())
        assert [("running", 13.5)] == query(tmp_path, "SELECT state, started FROM execution")


async def test_the_writer_is_killed(tmp_path: Path) -> None:
    """A writer that dies is started again, and what was on its way is written all the same."""
    async with sqlite_journal(tmp_path) as (made, sink):
        made.write(Statement.ACCEPT, execution_row("e1"))
        await soon(made.flush())
        before = sink.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        made.write(Statement.ACCEPT, execution_row("e2"))
        await soon(made.flush())
        assert sink.pid not in (None, before)
        assert [("e1",), ("e2",)] == query(tmp_path, "SELECT id FROM execution ORDER BY id")
        assert None is made.fault


@pytest.mark.parametrize("rows", [1, FEED + 1, 4 * FEED])
async def test_the_writer_is_killed_again_and_again(tmp_path: Path, rows: int) -> None:
    """However often it dies and however much was under way, every flushed row is there once."""
    killed = set[int]()
    async with sqlite_journal(tmp_path) as (made, sink):
        for turn in range(5):
            for number in range(rows):
                made.write(Statement.ACCEPT, execution_row(f"{turn}/{number}"))
                if number == rows // 2 and sink.pid is not None:
                    os.kill(sink.pid, signal.SIGKILL)
                    killed.add(sink.pid)
            await soon(made.flush())
            assert [((turn + 1) * rows,)] == query(tmp_path, "SELECT count(*) FROM execution")
    assert 5 == len(killed)


async def test_the_lock_names_its_holder(tmp_path: Path) -> None:
    """A folder that is in use is refused, with the process that has it; afterwards it is free."""
    async with sqlite_journal(tmp_path):
        second = Journal(SqliteSink(tmp_path))
        with pytest.raises(Unavailable) as caught:
            await second.open()
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        assert f"the data folder {tmp_path} is in use by {holder}" in caught.value.text()
    async with sqlite_journal(tmp_path) as (made, _):
        await soon(made.flush())


async def test_the_folder_stays_locked_without_a_writer(tmp_path: Path) -> None:
    """While the writer is dead, or being started again, nobody else takes the folder."""
    async with sqlite_journal(tmp_path) as (made, sink):
        for _ in range(3):
            assert sink.pid is not None
            os.kill(sink.pid, signal.SIGKILL)
            os.waitid(os.P_PID, sink.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - it is dead
            with pytest.raises(InUse):
                await Journal(SqliteSink(tmp_path)).open()
            made.write(Statement.PLAN, ("plan", b"{}"))
            await soon(made.flush())


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """What keeps the database from being opened is said."""
    (tmp_path / "caudal.db").mkdir()
    with pytest.raises(Unavailable, match="the journal cannot be opened"):
        await Journal(SqliteSink(tmp_path)).open()


async def test_what_is_no_database(tmp_path: Path) -> None:
    """A file that is something else is left as it is, and said to be no database."""
    text = "not a database, but long enough to be one" * 100
    (tmp_path / "caudal.db").write_text(text, encoding="utf-8")
    with pytest.raises(Unavailable, match="not a database"):
        await Journal(SqliteSink(tmp_path)).open()
    assert text == (tmp_path / "caudal.db").read_text(encoding="utf-8")


async def test_the_writer_ends_with_the_journal(tmp_path: Path) -> None:
    """After closing no process is left behind."""
    async with sqlite_journal(tmp_path) as (_, sink):
        pid = sink.pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_members_of_an_enum_are_the_texts_that_they_are(tmp_path: Path) -> None:
    """A text of somebody else's class, such as a member of an enum, stops nobody's journal."""

    class Port(StrEnum):
        LEFT = "left"

    async with sqlite_journal(tmp_path) as (made, _):
        made.write(Statement.PLAN, (Port.LEFT, b"{}"))
        await soon(made.flush())
        assert [("left",)] == query(tmp_path, "SELECT hash FROM plan")
