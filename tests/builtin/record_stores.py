"""Record stores for tests: in memory, in an SQLite file, in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.peers import postgres

from caudal_builtin.store.places import open_store
from caudal_core.stores import Entity, Query, RecordStore, Report, StorePlace, Write, filter_of
from caudal_core.testing import MemoryRecordStore

NOW = datetime(2026, 3, 29, 1, 30, 0, 250_000, tzinfo=UTC)
CREATED = "2026-03-29T01:30:00.250Z"
KINDS = ("memory", "sqlite", "postgresql")
EVERY = pytest.mark.parametrize("kind", KINDS)
"""A rule that every store keeps to."""
REAL = pytest.mark.parametrize("kind", KINDS[1:])
"""A rule about what is on disk."""


@contextmanager
def schema() -> Iterator[str]:
    """The URL of an empty schema of a real PostgreSQL, which is gone afterwards."""
    with postgres() as address, psycopg.connect(address, autocommit=True) as connection:
        name, known = f"caudal_{uuid4().hex}", connection.info
        connection.execute(f"CREATE SCHEMA {name}")
        place = f"{known.user}@{known.host}:{known.port}/{known.dbname}"
        try:
            yield f"postgresql://{place}?options=-csearch_path%3D{name}"
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[RecordStore]:
    """An empty store of this kind."""
    if kind == "memory":
        yield MemoryRecordStore()
        return
    if kind == "sqlite":
        with _closing(open_store(StorePlace(folder=folder))) as store:
            yield store
        return
    with schema() as url, _closing(open_store(StorePlace(database_url=url))) as store:
        yield store


@contextmanager
def _closing(store: RecordStore | None) -> Iterator[RecordStore]:
    assert store is not None
    try:
        yield store
    finally:
        store.close()


def save(store: RecordStore, name: str, rows: Sequence[dict[str, Any]], **more: Any) -> Report:
    """Write rows to the entity of this name, which is made if it is not there."""
    entity = store.find(name) or Entity("", name)
    return store.write(entity, Write(rows=rows, now=more.pop("now", NOW), **more))


def rows_of(store: RecordStore, name: str, where: Any = None, **query: Any) -> list[dict[str, Any]]:
    """The records of an entity without what the store adds."""
    found = store.find(name)
    assert found is not None
    page = store.read(found, Query(where=filter_of(where), **query))
    return [bare(row) for row in page.records]


def bare(row: dict[str, Any]) -> dict[str, Any]:
    """A record without the id and the moment of creation that the store has made."""
    return {key: value for key, value in row.items() if key not in ("id", "createdAt")}
