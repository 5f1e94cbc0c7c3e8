"""A folder's journal in SQLite or in a real PostgreSQL: engines of a test ask for no difference."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.builtin.record_stores import schema

from caudal_core.engine import FolderStorage, PostgresStorage, Storage

URL = "database.url"
LEASE = 4.0
"""Seconds; no test waits for it, but a server that is not closed holds a second one up by it."""


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """The test runs twice: engines over its folder use the one and then the other."""
    if request.param == "sqlite":
        yield
        return
    with schema() as url:
        (tmp_path / URL).write_text(url)
        yield


def storage_at(folder: Path, lease: float = LEASE) -> Storage:
    """The storage of a folder, in the database that is meant for it."""
    if (folder / URL).exists():
        return PostgresStorage((folder / URL).read_text(), folder, lease=lease)
    return FolderStorage(folder)


def query(folder: Path, text: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query, past all that the engine has; what it writes is committed."""
    if not (folder / URL).exists():
        with closing(sqlite3.connect(folder / "caudal.db")) as database, database:
            return database.execute(text, values).fetchall()
    text = re.sub(r"X'([0-9A-F]*)'", r"'\\x\1'::bytea", text).replace("?", "%s")
    with psycopg.connect((folder / URL).read_text(), autocommit=True) as connection:
        cursor = connection.execute(text, values)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []
