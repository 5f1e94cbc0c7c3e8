"""Connections to PostgreSQL that threads still use when all is closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.builtin.record_stores import schema
from tests.core.engines import LONG
from tests.core.sharing import until

from caudal_core.errors import Unavailable
from caudal_core.journal.connections import Connections
from caudal_core.journal.postgres import PostgresPlace
from caudal_core.runner.pool import ThreadPool


@pytest.fixture
def connections() -> Iterator[Connections]:
    """Those to an empty database."""
    with schema() as url:
        yield PostgresPlace(url).connections()


async def test_a_thread_that_is_late_closes_what_it_has(connections: Connections) -> None:
    """It was abandoned before all was closed; its connection is not left to the collector."""
    entered, go_on = threading.Event(), threading.Event()
    had: list[Any] = []

    def looks() -> None:
        with connections.database.connect() as connection:
            had.append(connection.connection.driver_connection)
            entered.set()
            go_on.wait(LONG)

    pool = ThreadPool(1)
    looking = asyncio.create_task(pool.run(looks))
    await until(entered.is_set)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    connections.close()
    assert not had[0].closed
    go_on.set()
    await until(lambda: bool(had[0].closed))
    pool.close()


def test_what_is_closed_connects_no_more(connections: Connections) -> None:
    """A thread that comes too late is told, and opens nothing that nobody would close."""
    with connections.database.connect() as connection:
        before = connection.connection.driver_connection
    connections.close()
    assert before is not None
    assert before.closed
    with pytest.raises(Unavailable, match="have been closed"), connections.database.connect():
        pass
