"""The journal: what is written together, who is told when, and what survives."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from caudal_core.errors import Unavailable
from caudal_core.journal import Journal, MemorySink
from caudal_core.journal.journal import FEED, RIDE_ALONG, Row
from caudal_core.journal.sqlite import SqliteSink
from caudal_core.journal.statements import Statement
from caudal_core.journal.tables import metadata

Written = list[tuple[int, Row]]


class Sink:
    """Keeps every batch; a commit waits for `gate` and then raises what is in `errors`."""

    def __init__(self, *errors: Exception) -> None:
        self.batches: list[Written] = []
        self.tries: list[Written] = []
        self.fed: Written = []
        self.errors = list(errors)
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.closed = False

    async def open(self) -> None:
        """Nothing to do."""

    def feed(self, rows: Sequence[tuple[int, Row]]) -> bool:
        """Take rows ahead of their commit."""
        self.fed += rows
        return True

    async def commit(self, rows: Sequence[tuple[int, Row]], fed: int) -> None:
        """Keep the batch, or fail."""
        taken, self.fed = self.fed, []
        assert taken == list(rows[:fed]) or not fed
        self.tries.append(list(rows))
        self.entered.set()
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.batches.append(list(rows))

    async def close(self) -> None:
        """Remember it."""
        self.closed = True

    @property
    def rows(self) -> list[Any]:
        """The first value of every committed row, in order."""
        return [row[0] for batch in self.batches for _, row in batch]


@asynccontextmanager
async def journal(
    sink: Sink, told: Callable[[Sequence[Any]], None] = lambda _: None
) -> AsyncIterator[Journal]:
    """An open journal over a sink."""
    made = Journal(sink, told)
    await made.open()
    yield made
    sink.gate.set()
    await made.close()


def fault(made: Journal) -> str | None:
    """What is wrong with the journal at this moment."""
    return made.fault


async def soon(awaitable: Awaitable[Any]) -> Any:
    """The result, in a time that only a hanging test needs."""
    return await asyncio.wait_for(awaitable, 20)


# -- batches --------------------------------------------------------------------------------------


async def test_many_rows_are_one_commit() -> None:
    """What is written before the writer gets to it goes out in one transaction, in order."""
    sink = Sink()
    async with journal(sink) as made:
        for number in range(50):
            made.write(Statement.NODE, (number,))
        await soon(made.flush())
        assert [list(range(50))] == [[row[0] for _, row in batch] for batch in sink.batches]


async def test_the_next_batch_gathers_meanwhile() -> None:
    """What is written while a batch is being committed goes out together in the next one."""
    sink = Sink()
    sink.gate.clear()
    async with journal(sink) as made:
        made.write(Statement.NODE, (0,), urgent=True)
        await soon(sink.entered.wait())
        for number in range(1, 20):
            made.write(Statement.NODE, (number,), urgent=True)
        sink.gate.set()
        await soon(made.flush())
        assert [1, 19] == [len(batch) for batch in sink.batches]
        assert list(range(20)) == sink.rows


async def test_rows_that_nobody_waits_for_ride_along() -> None:
    """A row that is not urgent is committed within a hundredth of a second all the same."""
    told = asyncio.Event()
    sink = Sink()
    async with journal(sink, lambda _: told.set()) as made:
        made.write(Statement.NODE, ("alone",), "subject")
        await asyncio.sleep(0)
        assert [] == sink.batches
        await soon(told.wait())
        assert ["alone"] == sink.rows
        assert RIDE_ALONG <= 0.01


async def test_an_urgent_row_takes_the_others_along() -> None:
    """An urgent row does not overtake what was written before it."""
    sink = Sink()
    async with journal(sink) as made:
        made.write(Statement.NODE, (1,))
        made.write(Statement.NODE, (2,), urgent=True)
        await soon(sink.entered.wait())
        await soon(made.flush())
        assert [[1, 2]] == [[row[0] for _, row in batch] for batch in sink.batches]


async def test_rows_are_fed_ahead() -> None:
    """Of many rows the first are handed over before their commit, and none twice."""
    sink = Sink()
    async with journal(sink) as made:
        for number in range(3 * FEED + 5):
            made.write(Statement.NODE, (number,))
        assert 3 * FEED == len(sink.fed)
        await soon(made.flush())
        assert list(range(3 * FEED + 5)) == sink.rows


# -- who waits ------------------------------------------------------------------------------------


async def test_flush_waits_for_the_batch_with_its_rows() -> None:
    """Whoever flushes during a commit waits for the next one, which carries what he wrote."""
    sink = Sink()
    sink.gate.clear()
    async with journal(sink) as made:
        made.write(Statement.NODE, ("first",), urgent=True)
        await soon(sink.entered.wait())
        sink.entered.clear()
        made.write(Statement.NODE, ("second",))
        waiting = asyncio.create_task(made.flush())
        await asyncio.sleep(0)
        sink.gate.set()
        await soon(sink.entered.wait())
        sink.gate.clear()
        assert not waiting.done() or ["first", "second"] == sink.rows
        sink.gate.set()
        await soon(waiting)
        assert ["first", "second"] == sink.rows


async def test_flush_waits_for_what_is_being_committed() -> None:
    """Without rows of its own a flush still waits for those that are on their way."""
    sink = Sink()
    sink.gate.clear()
    async with journal(sink) as made:
        made.write(Statement.NODE, ("slow",), urgent=True)
        await soon(sink.entered.wait())
        waiting = asyncio.create_task(made.flush())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        sink.gate.set()
        await soon(waiting)
        assert ["slow"] == sink.rows


async def test_flush_of_nothing_is_done_at_once() -> None:
    """Where nothing was written there is nothing to wait for."""
    sink = Sink()
    async with journal(sink) as made:
        await soon(made.flush())
        assert [] == sink.tries


async def test_a_cancelled_waiter_harms_nobody() -> None:
    """Somebody who stops waiting does not keep the others from hearing."""
    sink = Sink()
    sink.gate.clear()
    async with journal(sink) as made:
        made.write(Statement.NODE, (1,), urgent=True)
        waiters = [asyncio.create_task(made.flush()) for _ in range(3)]
        await soon(sink.entered.wait())
        waiters[1].cancel()
        await asyncio.sleep(0)
        sink.gate.set()
        await soon(asyncio.wait(waiters))
        assert [False, True, False] == [waiter.cancelled() for waiter in waiters]
        assert None is made.fault


# -- who is told ----------------------------------------------------------------------------------


async def test_subjects_are_told_in_order_after_the_commit() -> None:
    """Each batch tells once, in the order of writing, only of what it has committed."""
    sink = Sink()
    told: list[tuple[Any, list[Any]]] = []
    async with journal(sink, lambda subjects: told.append((list(subjects), sink.rows))) as made:
        for number in range(5):
            made.write(Statement.NODE, (number,), f"s{number}" if number % 2 else None)
        await soon(made.flush())
        made.write(Statement.NODE, (5,), "s5")
        await soon(made.flush())
    assert [(["s1", "s3"], [0, 1, 2, 3, 4]), (["s5"], [0, 1, 2, 3, 4, 5])] == told


async def test_whoever_is_told_may_write() -> None:
    """What is written by whoever hears of a commit goes into the next one."""
    sink = Sink()

    def told(subjects: Sequence[Any]) -> None:
        if "first" in subjects:
            made.write(Statement.NODE, ("second",), "second", urgent=True)

    async with journal(sink, told) as made:
        made.write(Statement.NODE, ("first",), "first")
        await soon(made.flush())
        await soon(made.flush())
    assert ["first", "second"] == sink.rows


async def test_a_failing_sink_is_tried_again() -> None:
    """A commit that fails is tried until it succeeds; nobody is told before, nothing is lost."""
    sink = Sink(Unavailable(message="disk full"), Unavailable(message="still full"))
    told: list[Any] = []
    async with journal(sink, told.extend) as made:
        made.write(Statement.NODE, (1,), "one")
        waiting = asyncio.create_task(made.flush())
        while len(sink.tries) < 2:
            assert ([], False) == (told, waiting.done())
            await asyncio.sleep(0.001)
        assert fault(made) in {"disk full", "still full"}
        made.write(Statement.NODE, (2,), "two")
        await soon(waiting)
        await soon(made.flush())
        assert (["one", "two"], [1, 2]) == (told, sink.rows)
        assert None is fault(made)
        assert sink.tries[0] == sink.tries[1] == sink.tries[2]


async def test_what_was_fed_is_sent_again_after_a_failure() -> None:
    """After a failed commit nothing counts as handed over."""
    sink = Sink(Unavailable(message="disk full"))
    async with journal(sink) as made:
        for number in range(2 * FEED):
            made.write(Statement.NODE, (number,))
        await soon(made.flush())
        assert [list(range(2 * FEED))] * 2 == [[row[0] for _, row in t] for t in sink.tries]


async def test_a_listener_that_breaks_stops_the_journal_loudly() -> None:
    """If what is told of a commit fails, whoever waits hears it instead of waiting for ever."""
    sink = Sink()

    def told(subjects: Sequence[Any]) -> None:
        raise ValueError(subjects)

    made = Journal(sink, told)
    await made.open()
    made.write(Statement.NODE, (1,), "one")
    with pytest.raises(Unavailable, match="the journal has failed"):
        await soon(made.flush())
    with pytest.raises(Unavailable, match="the journal has failed"):
        await soon(made.flush())
    await soon(made.close())
    assert sink.closed


# -- closing --------------------------------------------------------------------------------------


async def test_closing_commits_what_is_left() -> None:
    """Nothing that was written is lost by closing in good order."""
    sink = Sink()
    async with journal(sink) as made:
        made.write(Statement.NODE, (1,))
    assert ([1], True) == (sink.rows, sink.closed)


async def test_closing_twice() -> None:
    """A journal that is closed already may be closed again."""
    sink = Sink()
    async with journal(sink) as made:
        await made.close()
    assert sink.closed


async def test_flush_after_closing() -> None:
    """A closed journal says so instead of waiting."""
    made = Journal(MemorySink())
    await made.open()
    await made.close()
    made.write(Statement.NODE, (1,))
    with pytest.raises(Unavailable, match="closed"):
        await soon(made.flush())


@pytest.mark.slow
async def test_closing_while_nothing_can_be_written() -> None:
    """If the sink is broken, closing gives up after a while, and whoever waits hears it."""
    sink = Sink(*(Unavailable(message="disk full") for _ in range(1000)))
    made = Journal(sink)
    await made.open()
    made.write(Statement.NODE, (1,))
    waiting = asyncio.create_task(made.flush())
    await soon(sink.entered.wait())
    made.write(Statement.NODE, (2,))
    late = asyncio.create_task(made.flush())
    await soon(made.close())
    done, _ = await asyncio.wait([waiting, late], timeout=1)
    assert ({waiting, late}, True) == (done, sink.closed)
    assert {Unavailable} == {type(task.exception()) for task in done}


# -- SQLite ---------------------------------------------------------------------------------------


def execution_row(key: str, state: str | None = "pending") -> Row:
    """An execution that was accepted."""
    names = key, "org", "w", "W", "hash", "plan"
    return *names, b"{}", None, b'{"a":"b"}', state, "here", 1, 12.5, 1, 0, 0, 0, None


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
        assert [("schema", "1")] == query(tmp_path, "SELECT key, value FROM about")


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
    async with sqlite_journal(tmp_path) as (made, sink):
        for turn in range(5):
            for number in range(rows):
                made.write(Statement.ACCEPT, execution_row(f"{turn}/{number}"))
                if number == rows // 2 and sink.pid is not None:
                    os.kill(sink.pid, signal.SIGKILL)
            await soon(made.flush())
            assert [((turn + 1) * rows,)] == query(tmp_path, "SELECT count(*) FROM execution")


async def test_the_lock_names_its_holder(tmp_path: Path) -> None:
    """A folder that is in use is refused, with the process that has it; afterwards it is free."""
    async with sqlite_journal(tmp_path):
        second = Journal(SqliteSink(tmp_path))
        with pytest.raises(Unavailable) as caught:
            await second.open()
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        assert f"the data folder is in use by {holder}" in caught.value.text()
    async with sqlite_journal(tmp_path) as (made, _):
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
