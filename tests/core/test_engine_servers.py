"""Engines that share a database: what one has the other leaves alone, until it is nobody's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from time import sleep, time
from typing import Any

import pytest
from sqlalchemy import create_engine
from tests.builtin.record_stores import schema
from tests.core.databases import URL, query, storage_at
from tests.core.engines import LONG, Gate
from tests.core.flows import HANDLERS, document, give

from caudal_core import Config, Context, Handler, handler
from caudal_core.engine import Engine, heart, retention
from caudal_core.engine.retention import Retention
from caudal_core.errors import Unavailable
from caudal_core.journal import servers as servers_module
from caudal_core.journal import unused
from caudal_core.journal.notice import Notice
from caudal_core.journal.servers import Servers
from caudal_core.registry import Registry
from caudal_core.testing.invariants import broken

DRIVER = "postgresql+psycopg:"
LEASE = 1.0


@pytest.fixture
def shared(tmp_path: Path) -> Any:
    """A folder whose journal is in an empty PostgreSQL."""
    with schema() as url:
        (tmp_path / URL).write_text(url)
        yield tmp_path
        database = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        wrong = broken(database, ended=False)
        database.dispose()
        assert [] == wrong


@asynccontextmanager
async def server(folder: Path, *more: Handler, lease: float = 15.0) -> AsyncIterator[Engine]:
    """One of the servers."""
    storage = storage_at(folder, lease)
    async with Engine(Registry.of(*HANDLERS, *more), storage=storage) as engine:
        yield engine


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells of."""
    async with asyncio.timeout(LONG):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def bury(folder: Path, engine: Engine) -> None:
    """Let the others believe that a server is dead."""
    query(folder, "DELETE FROM server WHERE id = ?", engine.storage.owner)


def counting(calls: list[str], name: str, effect: Any = "idempotent") -> Handler:
    """A handler that notes each call."""

    @handler(name, effect=effect)
    async def made(config: Config, data: Any, ctx: Context) -> Any:
        calls.append(ctx.node_id)
        return data

    return made


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


def dead_now(folder: Path) -> list[str]:
    """The servers that another one believes to be dead."""
    database = create_engine((folder / URL).read_text().replace("postgresql:", DRIVER))
    try:
        return Servers(database, LEASE).bury()
    finally:
        database.dispose()


async def blocked(folder: Path, seconds: float) -> list[str]:
    """Block the event loop; who is believed to be dead at the end of it."""
    with ThreadPoolExecutor(1) as pool:
        sleep(seconds)  # noqa: ASYNC251 - as a handler would
        return pool.submit(dead_now, folder).result()


async def test_a_loop_that_is_blocked_for_a_while_loses_nothing(shared: Path) -> None:
    """A handler that blocks the event loop past the lease does not cost what else runs."""
    gate = Gate()
    async with server(shared, gate.handler, lease=LEASE) as engine:
        execution = await engine.submit(document({"h": "held"}))
        await gate.entered.wait()
        assert [] == await blocked(shared, 2 * LEASE)
        assert engine.fault is None
        gate.open.set()
        assert await execution.finished(LONG)
    assert (1, 0) == (execution.record.epoch, engine.meters.lease_losses)


async def test_a_loop_that_hangs_does_not_keep_its_work(shared: Path) -> None:
    """The lease is not renewed for ever in the name of an engine that does nothing."""
    async with server(shared, lease=LEASE) as engine:
        assert 1 == len(await blocked(shared, (heart.PATIENCE + 2) * LEASE))
        await until(lambda: engine.fault is not None)
        await until(lambda: engine.fault is None)  # it begins anew


@pytest.mark.parametrize(("off", "said"), [(3600, "3,600 s ahead"), (-3600, "3,600 s behind")])
async def test_the_databases_clock_decides(shared: Path, off: float, said: str) -> None:
    """A server whose clock is wrong takes, begins and listens to nothing, until it is right.

    It would end waits of an hour at once, or an hour late.
    """
    gate, calls = Gate(), list[str]()
    async with server(shared, gate.handler, counting(calls, "after"), lease=LEASE) as engine:
        servers = engine.storage.servers
        assert servers is not None
        execution = await engine.submit(document({"h": "held", "a": "after"}, "h a"))
        await gate.entered.wait()
        assert {"t"} == engine.storage.leases.hold({"t"})
        servers.clock = lambda: time() + off
        await until(lambda: engine.fault is not None)
        with pytest.raises(Unavailable, match=said):
            await engine.submit(document({"a": give(1)}))
        assert set() == engine.storage.leases.hold({"t"})
        assert [] == query(shared, "SELECT trigger FROM trigger_lease WHERE trigger = 't'")
        gate.open.set()
        await until(lambda: len(execution.committed) == 1)
        assert [] == calls
        servers.clock = time
        assert await execution.finished(LONG)
    assert (["a"], 1) == (calls, execution.record.epoch)


async def test_a_server_begins_with_a_wrong_clock(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It claims nothing from the start, and says why."""
    gate = Gate()
    async with server(shared, gate.handler) as first:
        execution = await first.submit(document({"h": "held"}))
        await gate.entered.wait()

    def ahead(servers: Servers, _: object) -> None:
        servers.off = 3600.0

    monkeypatch.setattr(Servers, "_compare", ahead)
    async with server(shared, gate.handler) as second:
        assert "clock" in (second.fault or "")
        assert second.live(execution.id) is None
    assert [(None,)] == query(shared, "SELECT completed FROM execution")


async def test_one_server_tidies_for_all(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is old is let go of by one server at a time; another does it when that one leaves."""
    monkeypatch.setattr(retention, "FIRST_AFTER", 0.05)
    monkeypatch.setattr(retention, "EVERY", 0.4)
    tidied: list[Retention] = []

    async def tidy(self: Retention) -> int:
        tidied.append(self)
        return 0

    monkeypatch.setattr(Retention, "tidy", tidy)
    async with server(shared) as first:
        await until(lambda: len(tidied) == 1)
        async with server(shared) as second:
            await until(lambda: len(tidied) == 3)
            assert {first.retention} == set(tidied)
            await first.retention.close()
            await until(lambda: len(tidied) == 4)
            assert second.retention is tidied[-1]


async def test_versions_go_with_what_named_them(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that nothing names goes a while after; one that may be named again stays."""

    def left() -> list[int]:
        counts = "SELECT (SELECT count(*) FROM workflow_version), (SELECT count(*) FROM plan)"
        return [*query(shared, counts)[0]]

    async with server(shared) as first, server(shared) as second:
        one, kept = [await first.submit(document({"a": give(n)})) for n in (1, 2)]
        again = await second.submit(document({"a": give(2)}))
        for execution in (one, kept, again):
            assert await execution.finished(LONG)
        await second.erase(one.id)
        await first.erase(kept.id)  # the other server's has the same version
        await first.retention.tidy()
        assert [2, 1] == left()  # a server may take it to be there yet
        monkeypatch.setattr(unused, "QUIET", -1.0)
        await first.retention.tidy()
        assert [1, 1] == left()
        assert [] == query(shared, "SELECT key FROM about WHERE key LIKE 'unused%%'")
        await first.erase(again.id)
        await first.retention.tidy()
        assert [0, 0] == left()
        for engine in (first, second):  # by then nobody takes it to be there
            monkeypatch.setattr(engine.versions, "_lasting", 0.0)
            execution = await engine.submit(document({"a": give(2)}))
            assert await execution.finished(LONG)
            assert [1, 1] == left()


async def test_a_key_that_another_server_holds_for_long(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wants it hears so in time: a server may have been stopped while it has it."""
    monkeypatch.setattr(servers_module, "PATIENCE", 1)
    async with server(shared) as first, server(shared) as second, first.alone("library"):
        with pytest.raises(Unavailable):
            async with asyncio.timeout(LONG), second.alone("library"):
                pytest.fail("two have it")


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
