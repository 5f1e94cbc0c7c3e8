"""An empty database in a real PostgreSQL, and rows to write into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.builtin.record_stores import schema

from caudal_core.journal.postgres import PostgresPlace, PostgresSink
from caudal_core.journal.servers import Servers
from caudal_core.journal.statements import ACCEPT, NODE

FEW = {"created": 12.5, "epoch": 1, "labels": b'{"a":"b"}'}


def accepted(key: str, owner: str, **more: Any) -> tuple[Any, ...]:
    """The row of an execution."""
    counts = dict.fromkeys(("total_nodes", "completed_nodes", "failed_nodes", "seq"), 0)
    texts = dict.fromkeys(("workflow_id", "workflow_name", "workflow_hash", "plan_hash"), "w")
    known = {**FEW, **counts, **texts, "id": key, "owner": owner, "state": "pending", **more}
    return tuple(known.get(name) for name in ACCEPT)


def run(key: str, number: int = 0, **more: Any) -> tuple[Any, ...]:
    """The row of a run of one of its nodes."""
    known = {"execution": key, "number": number, "node": "n", "generation": 0, "attempt": 1}
    known |= {"epoch": 1, "seq": 1, "state": "completed", **more}
    return tuple(known.get(name) for name in NODE)


class Base:
    """An empty database, and who speaks to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = url.rpartition("=")[2]
        self.place = PostgresPlace(url)
        self.connections = [self.place.connections() for _ in range(2)]
        self.engines = [each.database for each in self.connections]

    def server(self, number: int = 0, seconds: float = 15.0) -> Servers:
        """A server that has just been started."""
        found = Servers(self.engines[number], seconds)
        found.register()
        return found

    def query(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(text, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def base() -> Iterator[Base]:
    """An empty database with all tables."""
    with schema() as url:
        found = Base(f"{url}&application_name={uuid4().hex}")
        found.place.prepare()
        try:
            yield found
        finally:
            for each in found.connections:
                each.close()


@asynccontextmanager
async def sink_of(base: Base, owner: str) -> AsyncIterator[PostgresSink]:
    """The sink of a server."""
    made = PostgresSink(base.place, lambda: owner, 5.0)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
