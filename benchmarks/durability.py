"""What it costs that nothing accepted is lost, and how soon it goes on after a crash."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

from benchmarks.disk import disk
from benchmarks.figures import at_least, at_most, ratio
from benchmarks.http import SECONDS, SPINNING, ask, executed, installed
from benchmarks.nodes import as_the_server_does
from benchmarks.records import POSTGRES, answers
from benchmarks.serving import MEMORY, Served, serving
from benchmarks.shapes import FIVE, chain, nothing
from benchmarks.startup import resident

if TYPE_CHECKING:
    from caudal_core.engine import Storage

AT_ONCE = 50
LENGTH = 200
ROUNDS = 5
PAIRS = 3
CLIENTS = 16
UNFINISHED = 1_000
WAITING = 6_000
WARM = 4_500
"""So many, and what SQLite keeps of its file in memory has come to its end: 2 MB a reader."""
HOLDING = '''
import asyncio

from caudal_core import Config, Context, hookimpl, handler


@handler("hold", effect="pure")
async def hold(config: Config, data: object, ctx: Context) -> object:
    """Wait for something that never comes."""
    await asyncio.Event().wait()


@hookimpl
def caudal_handlers():
    return (hold,)
'''


def figures() -> Iterator[dict[str, Any]]:
    """Records a second, the price beside a journal in memory, and the restart after a crash."""
    yield from _records()
    yield from _price()
    yield _restart()
    yield _waiting()


# -- records ---------------------------------------------------------------------------------------


def _records() -> Iterator[dict[str, Any]]:
    """Of 50 executions at once, by how the database is told to sync."""
    import uvloop

    for mode in ("FULL", "NORMAL"):
        with tempfile.TemporaryDirectory() as folder:
            found = uvloop.run(_rounds(_folder(folder, mode)))
            name = f"node records, {AT_ONCE} executions at once, SQLite {mode}"
            yield at_least(name, median(found), "a second", 20_000, **disk(Path(folder)))
    with _postgres() as storage:
        if storage is not None:
            found = uvloop.run(_rounds(storage))
            name = f"node records, {AT_ONCE} executions at once, PostgreSQL"
            yield {"figure": name, "value": round(median(found)), "unit": "a second"}
    memory = median(uvloop.run(_rounds(None)))
    yield {"figure": "the same in memory", "value": round(memory), "unit": "a second"}


def _folder(folder: str, mode: str) -> Storage:
    from caudal_core.engine import FolderStorage
    from caudal_core.journal import Sink
    from caudal_core.journal.sqlite import SqliteSink

    class Synced(FolderStorage):
        def sink(self) -> Sink:
            sink = super().sink()
            assert isinstance(sink, SqliteSink)  # noqa: S101 - it is in a folder
            sink.pragmas = (*sink.pragmas, f"PRAGMA synchronous={mode}")
            return sink

    return Synced(folder)


@contextmanager
def _postgres() -> Iterator[Storage | None]:
    """A schema of its own in the PostgreSQL where records are measured, if that answers."""
    from sqlalchemy import create_engine, text

    from caudal_core.engine import PostgresStorage

    url = os.environ.get("CAUDAL_TEST_POSTGRES_URL", POSTGRES)
    if not answers(url):
        print(f"no PostgreSQL answers at {url}: not measured", file=sys.stderr)
        yield None
        return
    name = f"caudal_durability_{os.getpid()}"
    database = create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
    with database.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield PostgresStorage(f"{url}?options=-csearch_path%3D{name}", folder)
    finally:
        with database.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
        database.dispose()


async def _rounds(storage: Storage | None) -> list[float]:
    from caudal_core.engine import Engine
    from caudal_core.registry import Registry

    found = []
    async with Engine(Registry.of(nothing), storage=storage) as engine:
        as_the_server_does()
        graph = await engine.graph(chain(LENGTH))
        for turn in range(ROUNDS + 1):
            begin = perf_counter()
            all_ = await asyncio.gather(*(engine.submit(graph) for _ in range(AT_ONCE)))
            await asyncio.gather(*(execution.finished() for execution in all_))
            if turn:  # the first one warms up
                found.append(AT_ONCE * LENGTH / (perf_counter() - begin))
    return found


# -- price -----------------------------------------------------------------------------------------


def _price() -> Iterator[dict[str, Any]]:
    """Executions of five nodes over HTTP, on disk and in memory in turn."""
    with tempfile.TemporaryDirectory() as folder:
        plugins = installed(Path(folder), "spinning", SPINNING)
        kept = Path(folder, "workflows")
        kept.mkdir()
        (kept / "five.json").write_text(json.dumps(FIVE))
        places = {"CAUDAL_WORKFLOWS": str(kept)}  # where both find it
        with (
            serving(plugins=plugins, environment=places) as durable,
            serving(plugins=plugins, environment=places, command=MEMORY) as memory,
        ):
            both = durable, memory
            yield _compared("quiet", both)
            for server in both:
                spin = {"nodes": [{"id": "s", "type": "spin", "config": {"seconds": 600}}]}
                ask(server.port, "POST", "/api/workflows/execute", {"workflow": spin})
            sleep(0.5)
            yield _compared("beside a computing handler", both)


def _compared(when: str, both: tuple[Served, Served]) -> dict[str, Any]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(PAIRS):
        for server, found in zip(both, times, strict=True):
            found.append(1e6 / executed(server.port, CLIENTS)[1])
    name = f"price of durability, 5 nodes, {CLIENTS} clients, {when}"
    more = {"goal": "ratio <= 1.5", "seconds": SECONDS, **disk(both[0].data)}
    floor = "the same with the journal in memory"
    return ratio(name, *times, "µs an execution", floor=floor, most=2.0, **more)


# -- restart ---------------------------------------------------------------------------------------


def _restart() -> dict[str, Any]:
    """From the start of the process until it answers: by then all is queued or runs again."""
    with (
        tempfile.TemporaryDirectory() as packages,
        tempfile.TemporaryDirectory() as data,
    ):
        plugins = installed(Path(packages), "holding", HOLDING)
        with serving(plugins=plugins, data=Path(data)) as server:
            held = {"nodes": [{"id": "t", "type": "trigger"}, {"id": "h", "type": "hold"}]}
            held["connections"] = [{"fromNodeId": "t", "toNodeId": "h"}]
            for _ in range(UNFINISHED):
                ask(server.port, "POST", "/api/workflows/execute", {"workflow": held})
            os.kill(server.pid, signal.SIGKILL)
        with serving(
            plugins=plugins, data=Path(data), environment={"CAUDAL_DRAIN_SECONDS": "0"}
        ) as server:
            begin = perf_counter()
            ask(server.port, "GET", "/readyz")
            seconds = server.seconds + perf_counter() - begin
            open_ = ask(server.port, "GET", "/api/executions?status=pending,running&limit=500")
    name = f"start to {UNFINISHED:,} unfinished executions queued or running again"
    return at_most(name, seconds, "s", 2.0, seen=len(open_["executions"]))


# -- waiting ---------------------------------------------------------------------------------------


def _waiting() -> dict[str, Any]:
    """Memory for each execution that waits for a person, beyond the first ones."""
    asked = {"nodes": [{"id": "ask", "type": "humanApproval", "config": {"message": "Go on?"}}]}

    def wait(port: int, count: int) -> None:
        for _ in range(count):
            ask(port, "POST", "/api/workflows/execute", {"workflow": asked})
        while ask(port, "GET", "/api/executions?status=running,pending&limit=1")["executions"]:
            sleep(0.05)
        sleep(1)  # what ended a moment ago is let go of

    with serving() as server:
        wait(server.port, WARM)
        before = resident(server.pid)
        wait(server.port, WAITING)
        grown = (resident(server.pid) - before) * 1e6 / WAITING
        page = ask(server.port, "GET", "/api/executions?status=waiting&limit=500")
    name = f"memory of one execution that waits, of {WAITING:,}"
    return at_most(name, grown, "bytes", 500.0, seen=len(page["executions"]))
