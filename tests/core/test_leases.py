"""Who listens where several servers share a database, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, update
from tests.builtin.record_stores import schema

from caudal_core.journal.leases import DatabaseLeases
from caudal_core.journal.tables import trigger_lease

KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Engine]:
    """An empty table of leases."""
    if kind == "sqlite":
        with opened(f"sqlite:///{folder / 'leases.db'}") as made:
            yield made
        return
    with schema() as url, opened(url.replace("postgresql:", "postgresql+psycopg:")) as made:
        yield made


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """An engine of the test's own."""
    made = create_engine(url)
    try:
        trigger_lease.create(made)
        yield made
    finally:
        made.dispose()


@KINDS
def test_one_server_holds_a_trigger(kind: str, tmp_path: Path) -> None:
    """Who comes first has it and keeps it by renewing; another gets it when it is let go."""
    with database(kind, tmp_path) as found:
        one, other = DatabaseLeases(found, "one"), DatabaseLeases(found, "other")
        assert {"a", "b"} == one.hold({"a", "b"})
        assert {"c"} == other.hold({"a", "b", "c"})
        assert {"a", "b"} == one.hold({"a", "b", "c"})
        one.release({"a", "c"})
        assert {"a", "c"} == other.hold({"a", "b", "c"})
        assert set() == one.hold(set())


@KINDS
def test_a_lease_runs_out(kind: str, tmp_path: Path) -> None:
    """A server that does not renew loses it, by the clock of the database."""
    with database(kind, tmp_path) as found:
        one, other = DatabaseLeases(found, "one"), DatabaseLeases(found, "other")
        one.hold({"a"})
        with found.begin() as connection:
            connection.execute(update(trigger_lease).values(until=trigger_lease.c.until - 16))
        assert {"a"} == other.hold({"a"})
        assert set() == one.hold({"a"})


@KINDS
def test_a_lease_for_longer(kind: str, tmp_path: Path) -> None:
    """It is granted for as long as is asked for."""
    with database(kind, tmp_path) as found:
        one, other = DatabaseLeases(found, "one"), DatabaseLeases(found, "other")
        assert {"a"} == one.hold({"a"}, 60.0)
        with found.begin() as connection:
            connection.execute(update(trigger_lease).values(until=trigger_lease.c.until - 50))
        assert set() == other.hold({"a"})


def test_many_servers_ask_at_once(tmp_path: Path) -> None:
    """Each trigger has one holder, whoever asks for how many in which order."""
    names = [f"t{number}" for number in range(30)]
    with database("postgresql", tmp_path) as found, ThreadPoolExecutor(8) as pool:
        servers = [DatabaseLeases(found, str(number)) for number in range(8)]
        wanted = [names[number:] + names[:number] for number in range(8)]
        held = list(pool.map(DatabaseLeases.hold, servers, wanted))
        assert sorted(names) == sorted(name for names in held for name in names)
