"""Connections to databases: how they begin, and what they wait for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine

from caudal_builtin.store.documents import sqlite_functions
from caudal_core import NotAvailable

BUSY = 30
"""Seconds that a writer waits for another one."""

WRITES = "caudal_writes"


def sqlite_engine(path: Path) -> Engine:
    """An SQLite file that many may read while one writes; a commit waits for the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return with_transactions(sa.create_engine(URL.create("sqlite", database=str(path))), own=True)


def postgresql_engine(url: str) -> Engine:
    """The PostgreSQL at a URL; `postgres://` and `postgresql://` mean the driver psycopg."""
    found = with_driver(sa.make_url(url))
    try:
        return sa.create_engine(found, pool_pre_ping=True, pool_recycle=1800)
    except ModuleNotFoundError as error:
        raise missing_driver(found, error) from None


def with_driver(url: URL) -> URL:
    """The URL with the driver that this package has for PostgreSQL, where none is named."""
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    return url


def missing_driver(url: URL, error: ModuleNotFoundError) -> NotAvailable:
    """A database whose driver is not installed."""
    postgresql = url.get_backend_name() == "postgresql"
    package = "'caudal-builtin[postgresql]'" if postgresql else str(error.name)
    return NotAvailable(
        f"the driver of the database {url.drivername}:// is not installed",
        es=f"no está instalado el controlador de la base de datos {url.drivername}://",
        hint=f"pip install {package}",
    )


def with_transactions(engine: Engine, *, own: bool) -> Engine:
    """Let SQLite begin transactions when we say so; `own`: the file is ours to set up."""

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY * 1000}")
        if own:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            sqlite_functions(connection)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def writing(engine: Engine, *, dry_run: bool = False) -> Iterator[Connection]:
    """A transaction that writes; rolled back where it is a dry run or something is raised."""
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        transaction = connection.begin()
        try:
            yield connection
        except BaseException:
            transaction.rollback()
            raise
        if dry_run:
            transaction.rollback()
        else:
            transaction.commit()
