"""What servers that share a database do once for all, and leave to each other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from tests.core.databases import URL, query
from tests.core.engines import LONG, Gate
from tests.core.flows import document, give
from tests.core.sharing import bury, server, until

from caudal_core import Config, Context, handler
from caudal_core.engine import PostgresStorage
from caudal_core.engine.recovery import recovery
from caudal_core.engine.tidying import retention
from caudal_core.engine.tidying.retention import Retention
from caudal_core.errors import Unavailable
from caudal_core.journal import servers as servers_module
from caudal_core.journal import unused
from caudal_core.journal.identity import WrongPlace
from caudal_core.journal.postgres import PostgresPlace


async def test_a_server_without_room_takes_nothing_over(shared: Path) -> None:
    """The work of a dead server is left to one that takes work at all."""
    one, other = Gate(), Gate()
    other.open.set()
    async with server(shared, one.handler) as first, server(shared, other.handler) as second:
        execution = await first.submit(document({"h": "held"}))
        await one.entered.wait()
        second.room.fault = "the disk is full"
        second.room.close()
        bury(shared, first)
        assert second.claims is not None
        await second.claims.round()
        assert second.running(execution.id) is None
        second.room.fault = None
        await second.claims.round()
        assert second.live(execution.id) is not None
        assert await execution.finished(LONG)


def test_a_place_that_cannot_be_written(shared: Path) -> None:
    """A server does not start where large values cannot be kept, and says where that is."""
    storage = PostgresStorage((shared / URL).read_text(), shared, place="/mnt/blobs")
    (shared / "blobs").write_text("no folder")
    PostgresPlace((shared / URL).read_text()).prepare()
    with pytest.raises(WrongPlace, match="cannot be kept in /mnt/blobs"):
        storage.opened()
    storage.close()


async def test_a_look_that_fails_is_not_the_last(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever watches an execution of another server hears of its end all the same."""
    gate, failed = Gate(), list[str]()
    async with server(shared, gate.handler) as first, server(shared) as second:
        execution = await first.submit(document({"h": "held"}))
        await gate.entered.wait()
        watched = await second.watch(execution.id)
        assert watched is not None
        read_back = second.read_back

        async def fails(execution_id: str) -> Any:
            if failed:
                return await read_back(execution_id)
            failed.append(execution_id)
            raise RuntimeError("a damaged row")

        monkeypatch.setattr(second, "read_back", fails)
        gate.open.set()
        assert await watched.finished(LONG)
        assert [execution.id] == failed


async def test_one_that_is_deleted_while_it_is_watched(shared: Path) -> None:
    """Whoever watches it at another server does not wait for ever."""
    gate = Gate()
    async with server(shared, gate.handler) as first, server(shared) as second:
        execution = await first.submit(document({"h": "held"}))
        await gate.entered.wait()
        watched = await second.watch(execution.id)
        assert watched is not None
        query(shared, "DELETE FROM node_run")
        query(shared, "DELETE FROM execution")
        with pytest.raises(Unavailable):
            await watched.finished(LONG)


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


async def test_what_is_taken_over_begins_in_its_order(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long reading one takes, those that were accepted after it begin after it."""
    gate, begun = Gate(), list[str]()
    ids: list[str] = []
    read = recovery.read_back

    def slow(storage: Any, identities: Any, documents: Any) -> Any:
        if ids[0] in identities:
            sleep(0.3)
        return read(storage, identities, documents)

    @handler("held", effect="idempotent")
    async def noted(config: Config, data: Any, ctx: Context) -> Any:
        begun.append(ctx.execution_id)
        return data

    async with server(shared, gate.handler) as first, server(shared, noted) as second:
        ids += [(await first.submit(document({"h": "held"}))).id for _ in range(4)]
        async with asyncio.timeout(LONG):
            await until(lambda: len(gate.calls) == len(ids))
        monkeypatch.setattr(recovery, "read_back", slow)
        bury(shared, first)
        assert second.claims is not None
        await second.claims.round()
        await until(lambda: len(begun) == len(ids))
    assert ids == begun


async def test_what_cannot_be_gone_on_with_is_given_back_once(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that gets it again later keeps it then."""
    async with server(shared) as engine:
        claims = engine.claims
        assert claims is not None
        given: list[set[str]] = []
        monkeypatch.setattr(claims._servers, "let_go", given.append)  # noqa: SLF001
        claims.give_back("x")
        await claims.round()
        await claims.round()
    assert [{"x"}] == given


async def test_how_far_another_servers_execution_is(shared: Path) -> None:
    """Each node counts once, by the last that became of it, however often it was tried."""
    gate, tries = Gate(), list[int]()

    @handler("flaky", effect="idempotent", light=True)
    def flaky(config: Config, data: Any, ctx: Context) -> Any:
        tries.append(ctx.attempt)
        if ctx.attempt < 2:
            raise ValueError
        return data

    nodes: dict[str, Any] = {
        "a": give(1),
        "b": {"type": "flaky", "retries": 1, "retryDelaySeconds": 0},
        "c": {"type": "fail", "onError": "continue"},
        "h": "held",
    }
    async with server(shared, gate.handler, flaky) as first, server(shared) as second:
        execution = await first.submit(document(nodes, "a b", "b h"))
        await gate.entered.wait()
        async with asyncio.timeout(LONG):
            await until(lambda: execution.record.failed_nodes == 1)
        await first.journal.flush()
        record = (await second.view(execution.id)).record
        assert (2, 1) == (record.completed_nodes, record.failed_nodes)
        gate.open.set()
        assert await execution.finished(LONG)
    assert [1, 2] == tries
