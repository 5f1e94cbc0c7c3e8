"""Engines that share a database: what one has the other leaves alone, until it is nobody's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.core.asking import Asker
from tests.core.databases import query
from tests.core.engines import LONG, Gate
from tests.core.flows import document, give
from tests.core.sharing import bury, counting, server, until

from caudal_core import Config, Context, Handler, Question, Wait, handler
from caudal_core.engine.sharing.requests import Requests
from caudal_core.engine.waits.approvals import Decision
from caudal_core.errors import Unavailable
from caudal_core.journal.notice import Notice
from caudal_core.journal.servers import Servers
from caudal_core.journal.waits import ApprovalFilter


async def test_what_one_has_the_other_leaves_alone(shared: Path) -> None:
    """An execution runs where it was accepted, however many servers look for work."""
    one, other = Gate(), Gate()
    async with server(shared, one.handler) as first, server(shared, other.handler) as second:
        execution = await first.submit(document({"h": "held"}))
        await one.entered.wait()
        assert second.claims is not None
        await second.claims.round()
        assert [] == list(second.unfinished)
        one.open.set()
        assert await execution.finished(LONG)
        assert [] == other.calls


async def test_a_server_that_was_believed_dead(shared: Path) -> None:
    """Its work is the other's: it stops it, records and tells nothing of it, and begins anew."""
    one, other, calls = Gate(), Gate(), list[str]()
    after = counting(calls, "after", "keyed")
    workflow = document({"h": "held", "k": "after"}, "h k")
    told: list[str] = []
    async with server(shared, one.handler, after) as first:
        first.listen(lambda execution, _: told.append(execution.record.state))
        execution = await first.submit(workflow, {"x": 1})
        await one.entered.wait()
        owner = first.storage.owner
        other.open.set()
        async with server(shared, other.handler, counting(calls, "after", "keyed")) as second:
            bury(shared, first)
            assert second.claims is not None
            await second.claims.round()
            theirs = second.live(execution.id)
            assert theirs is not None
            assert await theirs.finished(LONG)
            told.clear()
            one.open.set()  # what it did is done, and goes nowhere
            await until(lambda: first.meters.lease_losses == 1)
            assert [] == list(first.unfinished)
            assert first.storage.owner != owner or first.fault is not None
            # Whoever waits for the end at the first server hears of it.
            assert await execution.finished(LONG)
            assert ("completed", 2) == (execution.record.state, execution.record.epoch)
            await until(lambda: first.fault is None)
            again = await first.submit(document({"a": give(1)}))
            assert await again.finished(LONG)
    assert (["h"], ["h"], ["k"]) == (one.calls, other.calls, calls)
    assert [(2,)] == query(shared, "SELECT DISTINCT epoch FROM node_run WHERE node <> 'a'")


async def test_an_effect_is_not_begun_by_a_server_that_has_lost_it(shared: Path) -> None:
    """What waits for the disk before an effect hears that the work is another server's."""
    calls: list[str] = []
    gate = Gate()
    deed = counting(calls, "deed", "at_most_once")
    async with server(shared, gate.handler, deed) as first:
        execution = await first.submit(document({"h": "held", "d": "deed"}, "h d"))
        await gate.entered.wait()
        bury(shared, first)
        gate.open.set()  # the deed is next, and its start is written first
        await until(lambda: first.meters.lease_losses == 1)
        assert [] == calls
        # It begins anew, finds that nobody has the execution, and goes on with it.
        await until(lambda: first.live(execution.id) is not None)
        found = first.live(execution.id)
        assert found is not None
        assert await found.finished(LONG)
    assert ["d"] == calls
    assert ["h", "h"] == gate.calls


async def test_without_a_lease_nothing_is_started(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that cannot renew refuses work and starts no node; then it goes on."""
    gate, calls = Gate(), list[str]()
    renew = Servers.renew

    def fails(_: Servers) -> bool:
        raise Unavailable(message="the database does not answer: tried")

    async with server(shared, gate.handler, counting(calls, "after"), lease=1.0) as engine:
        execution = await engine.submit(document({"h": "held", "a": "after"}, "h a"))
        await gate.entered.wait()
        monkeypatch.setattr(Servers, "renew", fails)
        await until(lambda: engine.fault is not None)
        assert "the lease could not be renewed" in (engine.fault or "")
        with pytest.raises(Unavailable, match="lease"):
            await engine.submit(document({"a": give(1)}))
        gate.open.set()
        await until(lambda: len(execution.committed) == 1)
        assert [] == calls
        monkeypatch.setattr(Servers, "renew", renew)
        assert await execution.finished(LONG)
    assert ["a"] == calls


async def test_what_waits_is_nobodys(shared: Path) -> None:
    """Who waits for a moment is taken up by one server, whichever that is."""
    calls: list[str] = []

    def flaky(name: str) -> Handler:
        @handler("flaky")
        async def made(config: Config, data: Any, ctx: Context) -> Any:
            calls.append(name)
            if ctx.attempt == 1:
                raise ValueError
            return name

        return made

    retried = {"type": "flaky", "retries": 1, "retryDelaySeconds": 2}
    async with server(shared, flaky("one")) as first, server(shared, flaky("two")) as second:
        waiting = [await first.submit(document({"x": retried})) for _ in range(10)]
        for execution in waiting:
            async with asyncio.timeout(LONG):
                while execution.record.state != "waiting":
                    await execution.change(execution.version, LONG)
        assert [] == list(first.unfinished)
        for execution in waiting:
            if (watched := await second.watch(execution.id)) is not None:
                assert await watched.finished(LONG)
            assert "completed" == (await second.view(execution.id)).record.state
    assert 20 == len(calls)
    assert [(2,)] == query(shared, "SELECT DISTINCT epoch FROM execution")


async def test_one_that_waits_is_cancelled_at_any_server(shared: Path) -> None:
    """It ends, though nobody has it in memory; where its handlers are does not matter."""
    retried = {"type": "flaky", "retries": 1, "retryDelaySeconds": 1000}

    @handler("flaky")
    async def flaky(config: Config, data: Any, ctx: Context) -> Any:
        raise ValueError

    async with server(shared, flaky) as first, server(shared) as second:
        for engine in (first, second):
            execution = await first.submit(document({"x": retried}))
            async with asyncio.timeout(LONG):
                while execution.record.state != "waiting":
                    await execution.change(execution.version, LONG)
            assert (True, "waiting") == await engine.cancel(execution.id)
            assert await execution.finished(LONG)
            assert "cancelled" == execution.record.state
            assert (False, "cancelled") == await engine.cancel(execution.id)


async def test_what_was_asked_is_withdrawn_with_its_execution(shared: Path) -> None:
    """Nobody is asked any more for one that was cancelled where its handlers are not."""

    @handler("asks")
    async def asks(config: Config, data: Any, ctx: Context) -> Any:
        return Wait(Question("May it go on?"))

    async with server(shared, asks) as first:
        execution = await first.submit(document({"x": "asks"}))
        async with asyncio.timeout(LONG):
            while execution.record.state != "waiting":
                await execution.change(execution.version, LONG)
    async with server(shared) as second:
        assert 1 == len(await second.approvals.list(ApprovalFilter()))
        assert (True, "waiting") == await second.cancel(execution.id)
        assert "cancelled" == (await second.view(execution.id)).record.state
        assert [] == await second.approvals.list(ApprovalFilter())
        (asked,) = await second.approvals.list(ApprovalFilter(states=()))
        assert "cancelled" == asked.state


async def test_all_that_happens_is_heard_at_any_server(shared: Path) -> None:
    """Who listens to all executions at one server hears of those of the others."""
    heard: dict[str, list[str]] = {}

    def listener(execution: Any, runs: Any) -> None:
        heard.setdefault(execution.id, []).extend(run.node_id for run in runs)
        if execution.record.finished:
            ended.add(execution.id)

    ended: set[str] = set()
    gate = Gate()
    async with server(shared, gate.handler) as first, server(shared) as second:
        end = second.listen(listener)
        slow = await first.submit(document({"a": give(1), "h": "held", "z": "pass"}, "a h", "h z"))
        await gate.entered.wait()
        quick = await first.submit(document({"b": give(1)}))
        await until(lambda: {slow.id, quick.id} == heard.keys())
        gate.open.set()
        await until(lambda: {slow.id, quick.id} == ended)
        end()
    assert (["a", "h", "z"], ["b"]) == (heard[slow.id], heard[quick.id])


class Called:
    """What calls URLs, and remembers them."""

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls

    async def call(self, notice: Notice, told: Any) -> None:  # noqa: ARG002 - one form for all
        """Note it."""
        self.urls.append(notice.target)


async def test_a_callback_goes_with_its_execution(shared: Path) -> None:
    """Whoever is to be called at the end is called once, whichever server comes to that end."""
    one, other, urls = Gate(), Gate(), list[str]()
    other.open.set()
    async with server(shared, one.handler) as first, server(shared, other.handler) as second:
        for engine in (first, second):
            engine.outbox.delivery.caller = Called(urls)
        callback = "http://localhost/told"
        prepared = await first.prepare(document({"h": "held"}), callback=callback)
        execution = await first.enter(prepared)
        await one.entered.wait()
        bury(shared, first)
        assert second.claims is not None
        await second.claims.round()
        assert await execution.finished(LONG)
        text = "SELECT state FROM notice"
        await until(lambda: query(shared, text) == [("delivered",)])
    assert [callback] == urls


@pytest.mark.parametrize("answered", [True, False])
async def test_an_answer_at_another_server_when_the_time_is_over(
    shared: Path, monkeypatch: pytest.MonkeyPatch, *, answered: bool
) -> None:
    """What the other took in time counts, though nothing was heard of it here yet."""

    async def nothing(_: Requests) -> None:
        """Hear of nothing."""

    monkeypatch.setattr(Requests, "look", nothing)
    asker, gate = Asker(), Gate()
    nodes = {"x": {"type": "ask", "config": {"seconds": 2.0}}, "h": "held"}
    async with (
        server(shared, *asker.handlers, gate.handler) as first,
        server(shared) as second,
    ):
        execution = await first.submit(document(nodes))
        await gate.entered.wait()  # so that it stays in the first one's memory
        await until(lambda: bool(execution.waiting))
        wanted = ApprovalFilter(execution=execution.id, limit=10)
        await first.journal.flush()
        (asked,) = await second.approvals.list(wanted)
        if answered:
            await second.approvals.decide(asked.id, Decision(approved=True))
        await until(lambda: bool(asker.replies))
        assert [(answered, not answered)] == [(r.approved, r.late) for r in asker.replies]
        gate.open.set()
        assert await execution.finished(LONG)
        state = (await second.approvals.get(asked.id)).state
        assert ("approved" if answered else "expired") == state
