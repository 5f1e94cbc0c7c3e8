"""The journal: what is written together, and who is told when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from caudal_core.errors import Unavailable
from caudal_core.journal import Journal, MemorySink
from caudal_core.journal.journal import FEED, RIDE_ALONG, Row
from caudal_core.journal.statements import Statement

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
        """Keep the batch, or fail; without rows fed for it, what was fed is dropped."""
        transaction = self.fed + list(rows[fed:]) if fed else list(rows)
        self.fed = []
        self.tries.append(transaction)
        self.entered.set()
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.batches.append(transaction)

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


async def test_a_row_may_ask_for_less() -> None:
    """What is to be committed sooner takes along what may wait, and does not wait for its time."""
    sink = Sink()
    async with journal(sink) as made:
        made.write(Statement.NODE, ("patient",), within=3600.0)
        made.write(Statement.NODE, ("end",), within=0.0)
        made.write(Statement.NODE, ("after",), within=1800.0)
        await soon(sink.entered.wait())
        await soon(made.flush())
        assert [["patient", "end", "after"]] == [[row[0] for _, row in b] for b in sink.batches]


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


@pytest.mark.parametrize("failures", [1, 2, 3])
async def test_what_comes_during_a_failure_is_not_lost(failures: int) -> None:
    """Rows that are written while a commit is tried again are committed after it, all of them."""
    sink = Sink(*[Unavailable(message="disk full")] * failures)
    told: list[Any] = []
    async with journal(sink, told.extend) as made:
        made.write(Statement.NODE, (0,), 0)
        waiting = asyncio.create_task(made.flush())
        number = 0
        while not waiting.done():
            for _ in range(FEED // 2):
                number += 1
                made.write(Statement.NODE, (number,), number)
            await asyncio.sleep(0.001)
        await soon(made.flush())
        assert list(range(number + 1)) == sink.rows == told


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


async def test_a_sink_that_does_not_answer() -> None:
    """Whoever waits no longer than he wants is told, and so is everybody until it answers."""
    sink = Sink()
    sink.gate.clear()
    async with journal(sink) as made:
        made.write(Statement.NODE, (1,))
        with pytest.raises(Unavailable, match="does not answer"):
            await soon(made.flush(most=0.01))
        assert "the journal does not answer" == fault(made)
        sink.gate.set()
        await soon(made.flush())
        assert (None, [1]) == (fault(made), sink.rows)


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
