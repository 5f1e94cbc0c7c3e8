"""How handlers are called: the pool of threads, time limits, what is raised."""

from __future__ import annotations

import asyncio
import threading
from threading import Event
from typing import Any

import pytest
from tests.core.jobs import LONG, Gate, job, output, runner, until, where, where_async

from caudal_core import Config, Context, DataError, Handler, handler
from caudal_core.errors import NodeTimeout
from caudal_core.runner.pool import STUCK, Stuck, ThreadPool

# -- where it runs --------------------------------------------------------------------------------


async def test_def_runs_in_a_thread_of_ours() -> None:
    """A `def` handler runs in a daemon thread of the pool, an `async def` one on the loop."""
    async with runner() as made:
        name = output(await made.run(job(where)))
        assert name.startswith("caudal-node-")
        (thread,) = (found for found in threading.enumerate() if found.name == name)
        assert thread.daemon
        assert threading.current_thread().name == output(await made.run(job(where_async)))


async def test_threads_are_used_again() -> None:
    """As many threads are made as are needed at once, not one a call."""
    async with runner(threads=4) as made:
        names = {output(await made.run(job(where))) for _ in range(20)}
        assert 1 == len(names)


async def test_threads_are_bounded() -> None:
    """Never more run at once than the pool has threads; the others wait their turn."""
    gate = Gate()
    async with runner(threads=3) as made:
        tasks = [asyncio.create_task(made.run(job(gate.handler, index))) for index in range(9)]
        await gate.entered(3)
        await asyncio.sleep(0.02)
        assert 3 == len(gate.names)
        gate.open.set()
        assert list(range(9)) == [output(await task) for task in tasks]
        assert 3 == len(set(gate.names))


async def test_async_nodes_are_bounded() -> None:
    """Never more `async def` handlers run at once than the runner allows."""
    now: list[int] = []
    most: list[int] = []

    @handler("count")
    async def count(config: Config, data: Any, ctx: Context) -> Any:
        now.append(1)
        most.append(len(now))
        await asyncio.sleep(0.002)
        now.pop()

    async with runner(nodes_at_once=3) as made:
        await asyncio.gather(*(made.run(job(count)) for _ in range(12)))
    assert 3 == max(most)


async def test_closing_ends_idle_threads() -> None:
    """After the runner is closed its idle threads end."""
    async with runner() as made:
        name = output(await made.run(job(where)))
    await until(lambda: name not in {thread.name for thread in threading.enumerate()})


# -- cancel and time-out --------------------------------------------------------------------------


async def test_an_abandoned_thread_is_replaced() -> None:
    """A thread that does not come back is given up, counted, and does not starve the others."""
    gate = Gate()
    async with runner(threads=1) as made:
        stuck = job(gate.handler)
        task = asyncio.create_task(made.run(stuck))
        await gate.entered()
        task.cancel()
        await asyncio.wait([task])
        assert (True, True, 1) == (task.cancelled(), stuck.ctx.cancelled, made.abandoned_threads)
        assert output(await made.run(job(where))) not in gate.names
        gate.open.set()
        await until(lambda: made.abandoned_threads == 0)
        assert output(await made.run(job(where))) not in gate.names


async def test_a_thread_that_does_not_come_back_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning names the handler, once; of one that comes back soon nothing is said."""
    monkeypatch.setattr("caudal_core.runner.pool.LATE", 0.05)
    stuck, soon = Gate(), Gate()
    async with runner(threads=2) as made:
        tasks = [asyncio.create_task(made.run(job(gate.handler))) for gate in (stuck, soon)]
        await stuck.entered()
        await soon.entered()
        soon.open.set()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await until(lambda: bool(caplog.messages))
        (said,) = caplog.messages
        assert f"'{stuck.handler.type}'" in said
        assert "look at ctx.check()" in said
        stuck.open.set()
        await until(lambda: made.abandoned_threads == 0)


async def test_many_abandoned_threads() -> None:
    """However many are given up at once, as many others can run as before."""
    gates = Gate(), Gate()
    async with runner(threads=3) as made:
        tasks = [asyncio.create_task(made.run(job(gates[0].handler))) for _ in range(5)]
        await gates[0].entered(3)
        for task in reversed(tasks):  # those that wait for a thread first
            task.cancel()
        await asyncio.wait(tasks)
        later = [asyncio.create_task(made.run(job(gates[1].handler, n))) for n in range(3)]
        await gates[1].entered(3)
        assert 3 == made.abandoned_threads
        for gate in gates:
            gate.open.set()
        assert [0, 1, 2] == [output(await task) for task in later]
        await until(lambda: made.abandoned_threads == 0)


async def test_what_waits_for_a_thread_can_be_cancelled() -> None:
    """A call that no thread has taken yet is never made once it is cancelled."""
    gate, called = Gate(), Event()

    @handler("late")
    def late(config: Config, data: Any, ctx: Context) -> None:
        called.set()

    async with runner(threads=1) as made:
        first = asyncio.create_task(made.run(job(gate.handler, 1)))
        await gate.entered()
        second = asyncio.create_task(made.run(job(late)))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        gate.open.set()
        assert 1 == output(await first)
        await made.run(job(where))
        assert (False, 0) == (called.is_set(), made.abandoned_threads)


@handler("sleepForever")
async def sleep_forever(config: Config, data: Any, ctx: Context) -> None:
    """Never end."""
    await asyncio.sleep(LONG * 10)


@handler("waitForever")
def wait_forever(config: Config, data: Any, ctx: Context) -> None:
    """End only when nobody waits any more."""
    while not ctx.cancelled:
        Event().wait(0.001)


@pytest.mark.parametrize("made", [sleep_forever, wait_forever], ids=lambda made: made.type)
async def test_a_time_limit(made: Handler) -> None:
    """A handler that runs longer than its limit is given up, with the limit in the error."""
    async with runner() as running:
        with pytest.raises(NodeTimeout) as caught:
            await running.run(job(made, timeout=0.05))
        assert "timed out after 0.05 s" == caught.value.text()
        await until(lambda: running.abandoned_threads == 0)


async def test_a_time_limit_counts_from_the_start() -> None:
    """Waiting for a thread is not running: a node that had to wait is not the slower for it."""
    gate = Gate()
    async with runner(threads=1) as made:
        first = asyncio.create_task(made.run(job(gate.handler)))
        await gate.entered()
        second = asyncio.create_task(made.run(job(where, timeout=0.5)))
        await asyncio.sleep(0.7)
        gate.open.set()
        await first
        assert output(await second) in gate.names


@handler("ownTimeout")
def own_timeout(config: Config, data: Any, ctx: Context) -> None:
    """Fail as a socket does."""
    message = "the meter does not answer"
    raise TimeoutError(message)


@pytest.mark.parametrize("limit", [None, LONG])
async def test_a_timeout_of_the_handlers_own(limit: float | None) -> None:
    """A TimeoutError that a handler raises is its own, not the node's limit."""
    async with runner() as made:
        with pytest.raises(TimeoutError, match="the meter does not answer"):
            await made.run(job(own_timeout, timeout=limit))


@handler("checks")
async def checks(config: Config, data: Any, ctx: Context) -> None:
    """Look whether somebody still waits."""
    await asyncio.sleep(0)
    ctx.check()


async def test_a_cancelled_context_raises() -> None:
    """A handler that looks learns that nobody waits for it."""
    gate = Gate()
    heard: list[str] = []

    @handler("polite")
    def polite(config: Config, data: Any, ctx: Context) -> None:
        gate.inside.release()
        try:
            while True:
                ctx.check()
                Event().wait(0.001)
        except Exception as error:
            heard.append(type(error).__name__)
            raise

    async with runner() as made:
        task = asyncio.create_task(made.run(job(polite)))
        await gate.entered()
        task.cancel()
        await asyncio.wait([task])
        await until(lambda: heard == ["ExecutionCancelled"])


# -- what is raised -------------------------------------------------------------------------------


def raising(error: BaseException, *, is_async: bool) -> Handler:
    """A handler that raises."""

    def function(config: Config, data: Any, ctx: Context) -> None:
        raise error

    async def coroutine(config: Config, data: Any, ctx: Context) -> None:
        raise error

    return handler("raising")(coroutine if is_async else function)


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize(
    "error", [ValueError("no"), DataError("no"), ExceptionGroup("no", [KeyError(1)])]
)
async def test_an_error_is_raised_as_it_is(error: Exception, is_async: bool) -> None:  # noqa: FBT001
    """What a handler raises comes out of the runner, the very same."""
    async with runner() as made:
        with pytest.raises(type(error)) as caught:
            await made.run(job(raising(error, is_async=is_async)))
    assert error is caught.value


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize(
    "error", [StopIteration(1), SystemExit(3), asyncio.CancelledError()], ids=repr
)
async def test_an_error_that_would_break_the_loop(error: BaseException, is_async: bool) -> None:  # noqa: FBT001
    """What means something to the event loop or to Python itself is an ordinary failure here."""
    async with runner(threads=1) as made:
        with pytest.raises(RuntimeError, match=type(error).__name__):
            await made.run(job(raising(error, is_async=is_async)))
        assert output(await made.run(job(where))).startswith("caudal-node-")


# -- the pool itself ------------------------------------------------------------------------------


async def test_a_closed_pool_says_so() -> None:
    """Whoever asks a closed pool for something gets an error instead of waiting for ever."""
    pool = ThreadPool(1)
    assert 1 == await pool.run(lambda: 1)
    pool.close()
    with pytest.raises(RuntimeError):
        await asyncio.wait_for(pool.run(lambda: 2), 2)


async def test_a_result_after_the_loop_is_gone() -> None:
    """A thread that comes back when nobody is there any more ends in silence."""
    open_, came_back = Event(), Event()

    def late() -> None:
        open_.wait(LONG)
        came_back.set()

    def run_a_loop_and_leave() -> None:
        async def start() -> None:
            task = asyncio.ensure_future(pool.run(late))
            await asyncio.sleep(0.01)
            task.cancel()

        asyncio.run(start())

    pool = ThreadPool(1)
    await asyncio.to_thread(run_a_loop_and_leave)
    open_.set()
    assert await asyncio.to_thread(came_back.wait, LONG)
    await until(lambda: pool.abandoned == 0)


@pytest.mark.parametrize("seconds", [0, LONG], ids=["a moment", "for ever"])
async def test_a_limit_holds_for_what_holds_on(seconds: float) -> None:
    """An `async def` handler that goes on when it is cancelled has timed out all the same."""
    heard = asyncio.Event()

    @handler("deaf")
    async def deaf(config: Config, data: Any, ctx: Context) -> str:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            heard.set()
        await asyncio.sleep(seconds)
        return "too late"

    async with runner() as made:
        with pytest.raises(NodeTimeout, match=r"0\.05 s"):
            await made.run(job(deaf, timeout=0.05))
        assert heard.is_set()


async def test_threads_that_do_not_come_back_are_bounded() -> None:
    """Where too many threads are stuck no more are made: the node fails and says why."""
    gate = Gate()
    async with runner(threads=1) as made:
        for _ in range(STUCK):
            task = asyncio.create_task(made.run(job(gate.handler)))
            await gate.entered()
            task.cancel()
            await asyncio.wait([task])
        with pytest.raises(Stuck, match=f"{STUCK} threads were abandoned"):
            await made.run(job(where))
        gate.open.set()
        await until(lambda: made.abandoned_threads == 0)
        assert output(await made.run(job(where))).startswith("caudal-node-")
