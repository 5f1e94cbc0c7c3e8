"""Several servers on one PostgreSQL, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from tests.acceptance.marks import Outside
from tests.acceptance.serving import Server, serving
from tests.builtin.record_stores import schema

from caudal_core.journal.tables import node_run

LEASE = 2.0
"""Seconds, in place of the usual 15."""


class Cluster(Outside):
    """Servers that share a database and the place of large values."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.folder = folder
        self.url = url
        self.database.dispose()
        self.database = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))

    def environment(self) -> dict[str, str]:
        """What each server is told."""
        return {
            "CAUDAL_DATABASE_URL": self.url,
            "CAUDAL_LEASE_SECONDS": str(LEASE),
            "CAUDAL_BLOBS": f"file://{self.folder / 'blobs'}",
            "CAUDAL_CALLBACK_SECRET": "of all servers on it",
        }

    @contextmanager
    def server(self, name: str, **more: str) -> Iterator[Server]:
        """One of them, with a data folder of its own."""
        own = self.folder / name
        own.mkdir(exist_ok=True)
        with serving(own, **{**self.environment(), **more}) as made:
            yield made

    @contextmanager
    def two(self) -> Iterator[tuple[Server, Server]]:
        """Two of them."""
        with ExitStack() as stack:
            yield (
                stack.enter_context(self.server("one")),
                stack.enter_context(self.server("two")),
            )

    def runs(self) -> list[tuple[Any, ...]]:
        """Every row of every run, to see whether anything has been written."""
        with self.database.connect() as connection:
            rows = connection.execute(select(node_run).order_by(*node_run.primary_key))
            return [tuple(row) for row in rows]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """An empty database, and no server yet."""
    with schema() as url:
        found = Cluster(tmp_path, url)
        yield found
        found.database.dispose()
