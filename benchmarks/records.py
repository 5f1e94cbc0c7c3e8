"""The record store: inserting and upserting many records, beside the driver doing it by hand.

By hand means: the same documents, serialised as they are written, into a table of the same columns
and indexes, by `executemany` on SQLite and by COPY on PostgreSQL, and nothing else: no ids made, no
properties inferred, no effect remembered, no record read before it is written over. Every run is in
a process of its own, whose peak memory is told above what the records themselves take.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple
from uuid import uuid4

from benchmarks.disk import disk
from benchmarks.figures import ratio

ROWS = 300_000
ROUNDS = 3
NEAR = 1.5
"""How many times the cost by hand a store may take that does not reach its goal."""

GOALS = {"SQLite": 100_000, "PostgreSQL": 50_000}
"""Records to insert in a second."""

POSTGRES = "postgresql://postgres@127.0.0.1:5432/test"
"""Where a server is looked for, if `CAUDAL_TEST_POSTGRES_URL` names no other."""

_TABLE = """CREATE TABLE {name} (entity INTEGER NOT NULL, seq BIGINT NOT NULL, id TEXT NOT NULL,
    key TEXT, created TEXT NOT NULL, updated TEXT NOT NULL, properties {document} NOT NULL,
    PRIMARY KEY (entity, seq), UNIQUE (entity, id)){tail}"""


class Run(NamedTuple):
    """Seconds, and MB of memory above that of the records."""

    seconds: float
    peak: float


_NOW = "2026-01-31T10:00:00.000Z"


def figures() -> Iterator[dict[str, Any]]:
    """Insert and upsert, on SQLite and on a PostgreSQL if one answers."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _both("SQLite", folder, **disk(Path(folder)))
    url = os.environ.get("CAUDAL_TEST_POSTGRES_URL", POSTGRES)
    if answers(url):
        yield from _both("PostgreSQL", url)
    else:
        print(f"no PostgreSQL answers at {url}: not measured", file=sys.stderr)


def _both(kind: str, place: str, **more: Any) -> Iterator[dict[str, Any]]:
    for mode in ("insert", "upsert"):
        runs = [
            (_apart(_by_hand, kind, place, mode), _apart(_stored, kind, place, mode))
            for _ in range(ROUNDS)
        ]
        yield {**_figure(kind, mode, runs), **more}


def _figure(kind: str, mode: str, runs: Sequence[tuple[Run, Run]]) -> dict[str, Any]:
    by_hand = "COPY by hand" if kind == "PostgreSQL" else "executemany by hand"
    floors, ours = ([run.seconds for run in side] for side in zip(*runs, strict=True))
    name = f"{mode} {ROWS:,} records, {kind}"
    found = ratio(name, ours, floors, "s", floor=by_hand, most=None)
    rate = round(ROWS / median(ours))
    found["recordsPerSecond"] = rate
    found["peakMB"] = round(max(run.peak for _, run in runs), 1)
    found["peakMBByHand"] = round(max(run.peak for run, _ in runs), 1)
    if mode == "insert":
        goal = GOALS[kind]
        found["limit"] = f">= {goal:,} records/s, or ratio <= {NEAR}"
        found["holds"] = rate >= goal or found["ratio"] <= NEAR
    return found


def _apart(job: Callable[..., Any], *arguments: Any) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(job, arguments)


def _rows(changed: int) -> list[dict[str, Any]]:
    return [
        {
            "meter": f"ES0021{number:012d}",
            "day": "2026-01-31",
            "kWh": number / 7 + changed,
            "quality": "Good",
            "hour": number % 24,
        }
        for number in range(ROWS)
    ]


def _measured(work: Callable[[list[dict[str, Any]]], None], changed: int) -> Run:
    """How long it takes, and the most memory meanwhile above what the records take."""
    rows = _rows(changed)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of before
    before = _memory("VmRSS")
    begin = perf_counter()
    work(rows)
    return Run(perf_counter() - begin, _memory("VmHWM") - before)


def _memory(name: str) -> float:
    """In MB, as the system counts it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _stored(kind: str, place: str, mode: str) -> Run:
    from caudal_builtin.store.places import open_store
    from caudal_core.stores import Entity, StorePlace, Write

    folder = Path(place) / uuid4().hex
    where = StorePlace(folder=folder) if kind == "SQLite" else StorePlace(database_url=place)
    store = open_store(where)
    if store is None:
        raise RuntimeError(place)
    name = f"bench-{uuid4().hex}"
    keys = () if mode == "insert" else ("meter",)

    def write(rows: list[dict[str, Any]]) -> None:
        entity = store.find(name) or Entity("", name)
        store.write(entity, Write(rows, datetime.now(UTC), mode=mode, keys=keys))  # type: ignore[arg-type]

    if mode == "upsert":
        write(_rows(0))
    found = _measured(write, 1)
    entity = store.find(name)
    if entity is None or entity.records != ROWS:
        raise RuntimeError(entity)
    store.delete(entity)
    store.close()
    return found


def _by_hand(kind: str, place: str, mode: str) -> Run:
    return _sqlite_by_hand(place, mode) if kind == "SQLite" else _copy_by_hand(place, mode)


def _values(rows: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    import orjson

    for number, row in enumerate(rows):
        yield 1, number, f"id-{number}", None, _NOW, _NOW, orjson.dumps(row).decode()


def _sqlite_by_hand(place: str, mode: str) -> Run:
    import sqlite3

    connection = sqlite3.connect(Path(place) / f"{uuid4().hex}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(_TABLE.format(name="t", document="TEXT", tail=" WITHOUT ROWID"))
    statement = (
        "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (entity, id) DO UPDATE SET "
        "updated = excluded.updated, properties = excluded.properties"
    )

    def write(rows: list[dict[str, Any]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(statement, _values(rows))
        connection.execute("COMMIT")

    if mode == "upsert":
        write(_rows(0))
    found = _measured(write, 1)
    connection.close()
    return found


def _copy_by_hand(place: str, mode: str) -> Run:
    import psycopg

    name = f"bench_{uuid4().hex}"
    target = name if mode == "insert" else f"{name}_new"
    merge = (
        f"INSERT INTO {name} SELECT * FROM {target} ON CONFLICT (entity, id) DO UPDATE SET "  # noqa: S608
        "updated = excluded.updated, properties = excluded.properties"
    )

    def write(rows: list[dict[str, Any]]) -> None:
        with connection.cursor() as cursor:
            with cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in _values(rows):
                    copy.write_row(row)
            if mode == "upsert":
                cursor.execute(merge)
                cursor.execute(f"TRUNCATE {target}")
        connection.commit()

    with psycopg.connect(place) as connection:
        connection.execute(_TABLE.format(name=name, document="JSON", tail=""))
        if mode == "upsert":
            connection.execute(f"CREATE TEMPORARY TABLE {target} (LIKE {name})")
            write(_rows(0))
        connection.commit()
        found = _measured(write, 1)
        connection.execute(f"DROP TABLE {name}")
    return found


def answers(url: str) -> bool:
    """Whether a PostgreSQL can be reached there."""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
