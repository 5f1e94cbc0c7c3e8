"""Handlers that see one record at a time."""

from __future__ import annotations

import asyncio
from threading import Event
from typing import Any

import pytest
from tests.core.flows import double_async, double_handler
from tests.core.jobs import job, output, runner, until

from caudal_core import Config, Context, DataError, Handler, Outputs, Records, Row, handler
from caudal_core.payload import Payload

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


def odd(made: Any, *, is_async: bool) -> Handler:
    """A handler of single records that returns something else for the second one."""

    def function(config: Config, row: Row, ctx: Context) -> Any:
        return made(row) if row["n"] == 2 else row

    async def coroutine(config: Config, row: Row, ctx: Context) -> Any:
        return function(config, row, ctx)

    return handler("odd", per_row=True)(coroutine if is_async else function)


def cancelled(row: Row) -> Row:
    """As when a task that the handler waits for was cancelled."""
    raise asyncio.CancelledError


ODD: dict[str, Any] = {
    "nothing": lambda _: None,
    "outputs": lambda row: Outputs(out=row),
    "a list": lambda row: [row],
    "a cancelled task": cancelled,
}


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("case", ODD)
async def test_what_is_no_record_is_the_row_s_failure(case: str, is_async: bool) -> None:  # noqa: FBT001
    """Whatever a handler makes of a record that is none fails the row."""
    made = odd(ODD[case], is_async=is_async)
    rows = [{"n": n} for n in (1, 2, 3)]
    async with runner() as running:
        with pytest.raises(DataError, match="row 1: "):
            await running.run(job(made, rows))
        kept = output(await running.run(job(made, rows, on_row_error="drop")))
    assert [{"n": 1}, {"n": 3}] == kept
