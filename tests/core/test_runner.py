"""How handlers are called: the pool of threads, time limits, records one at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event
from typing import Any

import pytest
from tests.core.flows import double_async, double_handler, pass_async, pass_thread

from caudal_core import Config, Context, DataError, Handler, Outputs, Records, Row, handler
from caudal_core.context import Environment
from caudal_core.errors import InvalidResult, NodeTimeout
from caudal_core.payload import Payload
from caudal_core.runner import EmbeddedRunner, Job, NodeResult
from caudal_core.runner.pool import ThreadPool

LONG = 30.0
"""Seconds that nothing here should ever take."""


def job(
    made: Handler, data: Any = None, *, timeout: float | None = None, on_row_error: str = "fail"
) -> Job:
    """One attempt at a handler."""
    ctx = Context("n", Environment())
    deliveries = {made.inputs[0]: Payload.of(data)}
    return Job(made, made.parse({}), deliveries, ctx, on_row_error, timeout)


@asynccontextmanager
async def runner(*, threads: int = 2, nodes_at_once: int = 8) -> AsyncIterator[EmbeddedRunner]:
    """A runner that is closed at the end."""
    made = EmbeddedRunner(threads=threads, nodes_at_once=nodes_at_once)
    made.start()
    yield made
    await made.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    async with asyncio.timeout(LONG):
        while not condition():  # noqa: ASYNC110 - a thread cannot set an asyncio.Event
            await asyncio.sleep(0.001)


def output(result: NodeResult) -> Any:
    """What left by the one port taken."""
    (payload,) = result.ports.values()
    return payload.data


class Gate:
    """A handler that stays where it is until it is let go."""

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self.open = Event()
        self.names: list[str] = []

        @handler("gate")
        def gate(config: Config, data: Any, ctx: Context) -> Any:
            self.names.append(threading.current_thread().name)
            self.inside.release()
            self.open.wait(LONG)
            return data

        self.handler = gate

    async def entered(self, count: int = 1) -> None:
        """Wait until so many threads are inside."""
        for _ in range(count):
            assert await asyncio.to_thread(self.inside.acquire, timeout=LONG)


# -- where it runs --------------------------------------------------------------------------------


@handler("where")
def where(config: Config, data: Any, ctx: Context) -> str:
    """Name the thread."""
    return threading.current_thread().name


@handler("whereAsync")
async def where_async(config: Config, data: Any, ctx: Context) -> str:
    """Name the thread."""
    return threading.current_thread().name


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


# -- what it is given and gives -------------------------------------------------------------------


@pytest.mark.parametrize("made", [pass_thread, pass_async], ids=lambda made: made.type)
@pytest.mark.parametrize("data", [[], {}, None, "text", [1, [2]], {"a": {"b": [None]}}, 2**70])
async def test_values_go_through(made: Handler, data: Any) -> None:
    """A plain value arrives as it is and leaves as it is."""
    async with runner() as running:
        assert data == output(await running.run(job(made, data)))


@handler("changer")
def changer(config: Config, data: Any, ctx: Context) -> Any:
    """Change what came in, and hand it on."""
    data[0]["deep"]["list"].append("changed")
    data.append({"more": 1})
    return data


@handler("rowChanger")
def row_changer(config: Config, data: Any, ctx: Context) -> Any:
    """Change a record that came in, and add one."""
    data[0]["text"] = "changed"
    data.append({"more": 1})
    return data


async def test_a_handler_may_change_what_it_gets() -> None:
    """What a handler does to its data is in what it returns, and nobody else sees it."""
    before = [{"deep": {"list": [1]}}]
    delivered = job(changer, before)
    (payload,) = delivered.deliveries.values()
    async with runner() as made:
        result = await made.run(delivered)
    assert [{"deep": {"list": [1, "changed"]}}, {"more": 1}] == output(result)
    assert [{"deep": {"list": [1]}}] == payload.data


async def test_a_handler_may_change_a_large_value() -> None:
    """Of a large table every record is a copy, so that fields and records may be changed."""
    delivered = job(row_changer, [{"text": "x" * 1000} for _ in range(100)])
    (payload,) = delivered.deliveries.values()
    async with runner() as made:
        found = output(await made.run(delivered))
    assert ("changed", {"more": 1}, 101) == (found[0]["text"], found[-1], len(found))
    assert ("x" * 1000, 100) == (payload.data[0]["text"], len(payload.data))


@handler("keepsRecords")
def keeps_records(config: Config, data: Records, ctx: Context) -> Records:
    """Hand records on as they are."""
    return data


async def test_records_handed_on_are_the_same_payload() -> None:
    """Records that go through unchanged are not encoded again, and keep what is known of them."""
    delivered = job(keeps_records)
    known = {"price": {"unit": "€/MWh"}}
    payload = Payload.of(Records([{"price": 1.5}], metadata=known))
    delivered.deliveries = {"in": payload}
    async with runner() as made:
        assert payload is (await made.run(delivered)).ports["out"]


@handler("wrongPort", outputs=("a", "b"))
def wrong_port(config: Config, data: Any, ctx: Context) -> Outputs:
    """Name a port that is not there."""
    return Outputs(c=1)


@handler("noJson")
def no_json(config: Config, data: Any, ctx: Context) -> Any:
    """Return what JSON does not have."""
    return {"a": [object()]}


@handler("noText")
def no_text(config: Config, data: Any, ctx: Context) -> Any:
    """Return a text that is none."""
    return {"a": "half \ud800"}


@pytest.mark.parametrize(
    ("made", "word"), [(wrong_port, "'c'"), (no_json, "a[0]"), (no_text, "Unicode")]
)
async def test_a_result_that_cannot_be_handed_on(made: Handler, word: str) -> None:
    """What cannot be handed on is the handler's failure, and says what it is."""
    async with runner() as running:
        with pytest.raises(InvalidResult, match=word.replace("[", r"\[")):
            await running.run(job(made))


@handler("speaks", outputs=("a", "b"))
def speaks(config: Config, data: Any, ctx: Context) -> Outputs:
    """Say something beside the output."""
    rows = Records([{"x": 1}])
    ctx.say("two ports", row_count=1, true_rows=rows, when=2.5)
    return Outputs(a=rows, b=None)


async def test_what_is_said_stands_beside_the_output() -> None:
    """A report is in wire names; a value that a port hands on is named, not repeated."""
    async with runner() as made:
        result = await made.run(job(speaks))
    assert "two ports" == result.message
    assert b'{"rowCount":1,"trueRows":{"$port":"a"},"when":2.5}' == result.report


# -- one record at a time -------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("made", [double_handler, double_async], ids=["def", "async def"])


@BOTH
async def test_records_keep_their_order(made: Handler) -> None:
    """What comes out stands in the order of what came in, whichever record was quicker."""
    rows = [{"n": n, "t": str(n)} for n in range(100)]
    async with runner() as running:
        found = output(await running.run(job(made, rows)))
    assert [{"n": 2 * n, "t": str(n)} for n in range(100)] == found


@BOTH
async def test_one_object_stays_one(made: Handler) -> None:
    """A single object goes in as one record and comes out as an object."""
    async with runner() as running:
        assert {"n": 6} == output(await running.run(job(made, {"n": 3})))


@BOTH
async def test_no_records(made: Handler) -> None:
    """Of no records come no records."""
    async with runner() as running:
        assert [] == output(await running.run(job(made, [])))


@BOTH
async def test_no_records_at_all(made: Handler) -> None:
    """What is no table is refused before the first record."""
    async with runner() as running:
        with pytest.raises(DataError, match="the node needs records"):
            await running.run(job(made, "text"))


ROWS = [{"n": 1}, {"n": "two"}, {"n": 3}, {"n": None}]


@BOTH
async def test_a_bad_row_fails_the_node(made: Handler) -> None:
    """By default the first bad record fails the node, with its index and what to do."""
    async with runner() as running:
        with pytest.raises(DataError) as caught:
            await running.run(job(made, ROWS))
    assert "row 1: n is no number" == caught.value.text()
    assert "fila 1: n is no number" == caught.value.text("es")
    assert "onRowError" in caught.value.hint()


@BOTH
@pytest.mark.parametrize(
    ("policy", "expected"),
    [("drop", [{"n": 2}, {"n": 6}]), ("keep", [{"n": 2}, {"n": "two"}, {"n": 6}, {"n": None}])],
)
async def test_bad_rows_are_counted(made: Handler, policy: str, expected: list[Any]) -> None:
    """Bad records are dropped or kept as they came if the node says so, and counted either way."""
    async with runner() as running:
        result = await running.run(job(made, ROWS, on_row_error=policy))
    assert expected == output(result)
    failed = b'{"row":1,"error":"n is no number"},{"row":3,"error":"n is no number"}'
    assert b'{"failedRows":[' + failed + b'],"failedCount":2}' == result.report


@BOTH
async def test_many_bad_rows_are_listed_in_part(made: Handler) -> None:
    """The count is whole, the list holds the first twenty."""
    rows = [{"n": None}] * 50
    async with runner() as running:
        result = await running.run(job(made, rows, on_row_error="drop"))
    assert [] == output(result)
    assert (20, True) == (result.report.count(b'"row":'), b'"failedCount":50' in result.report)


async def test_rows_at_once_are_bounded() -> None:
    """Of an `async def` handler several records are under way at once, but not all."""
    now: list[int] = []
    most: list[int] = []

    @handler("count", per_row=True)
    async def count(config: Config, data: Row, ctx: Context) -> Any:
        now.append(1)
        most.append(len(now))
        await asyncio.sleep(0.001)
        now.pop()
        return data

    async with runner() as made:
        await made.run(job(count, [{"n": n} for n in range(200)]))
    assert 1 < max(most) <= 16


@pytest.mark.parametrize("policy", ["fail", "drop", "keep"])
async def test_cancelling_between_rows(policy: str) -> None:
    """A cancelled node stops at its next record, whatever it does with bad ones."""
    seen: list[int] = []
    entered = Event()

    @handler("slow", per_row=True)
    def slow(config: Config, data: Row, ctx: Context) -> Any:
        seen.append(data["n"])
        entered.set()
        while not ctx.cancelled:
            Event().wait(0.001)
        ctx.check()

    async with runner() as made:
        running = job(slow, [{"n": n} for n in range(50)], on_row_error=policy)
        task = asyncio.create_task(made.run(running))
        await until(entered.is_set)
        task.cancel()
        await asyncio.wait([task])
        await until(lambda: made.abandoned_threads == 0)
    assert [0] == seen


@handler("rowPasser", per_row=True)
def row_passer(config: Config, data: dict[str, Any], ctx: Context) -> Any:
    """Change the record that came in."""
    data["seen"] = True
    return data


async def test_a_row_may_be_changed() -> None:
    """The record that a function gets is its own; columns keep what is known of them."""
    rows = Records([{"a": 1}], metadata={"a": {"unit": "kW"}})
    delivered = job(row_passer)
    payload = Payload.of(rows)
    delivered.deliveries = {"in": payload}
    async with runner() as made:
        result = await made.run(delivered)
    assert ([{"a": 1, "seen": True}], [{"a": 1}]) == (output(result), payload.data)
    assert {"a": {"unit": "kW"}} == result.ports["out"].metadata


async def test_progress_by_records() -> None:
    """While records are worked off the node's progress says how many are done."""
    delivered = job(double_handler, [{"n": n} for n in range(30)])
    async with runner() as made:
        await made.run(delivered)
    progress = delivered.ctx.notes.progress
    assert progress is not None
    assert (30, 30) == (progress["done"], progress["total"])


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
