"""How a server keeps what it has: its lease, its event loop, its clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep, time

import pytest
from sqlalchemy import create_engine
from tests.core.databases import URL, query
from tests.core.engines import LONG, Gate
from tests.core.flows import document, give
from tests.core.sharing import counting, server, until

from caudal_core.engine.sharing import heart
from caudal_core.errors import Unavailable
from caudal_core.journal.servers import Servers

DRIVER = "postgresql+psycopg:"
LEASE = 1.0


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
