"""Executions over HTTP: accepted on disk and finished, quiet and beside a handler that computes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

from benchmarks.client import Client, Load, request
from benchmarks.figures import at_least, at_most, percentile
from benchmarks.serving import serving
from benchmarks.shapes import FIVE

SECONDS = 4.0
EXECUTE = {"workflowId": "five", "inputs": {"hour": "2026-01-31T10:00"}}

SPINNING = '''
from time import monotonic

from caudal_core import Config, Context, Field, hookimpl, handler


class SpinConfig(Config):
    seconds: float = Field(1.0)


@handler("spin", effect="pure")
def spin(config: SpinConfig, data: object, ctx: Context) -> object:
    """Compute without a pause, as a handler in plain Python does."""
    until, count = monotonic() + config.seconds, 0
    while monotonic() < until:
        for _ in range(10_000):
            count += 1
        ctx.check()
    return {"count": count}


@hookimpl
def caudal_handlers():
    return (spin,)
'''


def figures() -> Iterator[dict[str, Any]]:
    """Bare `GET /` and durable executions in turn, with 1, 16 and 32 clients."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(plugins=_plugin(Path(folder))) as server,
    ):
        ask(server.port, "POST", "/api/workflows", FIVE)
        quiet = {}
        for clients in (1, 16, 32):
            bare = timed(server.port, clients, "GET", "/")
            before = _finished(server.port)
            done = timed(server.port, clients, "POST", "/api/workflows/execute", EXECUTE)
            left = _backlog(server.port)
            quiet[clients] = (_finished(server.port) - before) / (done.seconds * 1.1)
            yield from _quiet(clients, bare, done, quiet[clients], left)
        yield from _beside(server.port, quiet[16])


def _quiet(
    clients: int, bare: Load, done: Load, finished: float, backlog: int
) -> Iterator[dict[str, Any]]:
    label = f"5-node executions, {clients} clients"
    slower = bare.per_second / finished
    more = {"perSecond": round(finished), "bareGetsPerSecond": round(bare.per_second)}
    if clients == 16:
        yield at_most(f"{label}: bare GETs for one", slower, "GETs", 4.0, **more)
        p99 = percentile(done.samples, 0.99) * 1e3
        yield at_most(f"{label}: p99 of the answer", p99, "ms", 15.0)
    else:
        yield {"figure": f"{label}: bare GETs for one", "value": round(slower, 2), **more}
    yield at_most(f"{label}: not finished at the end", backlog, "executions", 0)
    yield at_most(f"{label}: refused", done.failed + bare.failed, "answers", 0)


def _beside(port: int, quiet: float) -> Iterator[dict[str, Any]]:
    """The same while one handler computes in a thread."""
    spin = {"nodes": [{"id": "s", "type": "spin", "config": {"seconds": 4 * SECONDS}}]}
    running = ask(port, "POST", "/api/workflows/execute", {"workflow": spin})
    sleep(0.5)
    before = _finished(port)
    done = timed(port, 16, "POST", "/api/workflows/execute", EXECUTE)
    busy = (_finished(port) - before) / (done.seconds * 1.1)
    path = f"/api/executions/{running['executionId']}"
    polls = timed(port, 1, "GET", path)
    state = ask(port, "GET", path)["status"]
    if state != "running":
        raise RuntimeError(
            f"the computing handler had ended ({state}) before the figures were taken"
        )
    ask(port, "POST", f"{path}/cancel", {})
    share = 100 * busy / quiet
    yield at_least(
        "executions beside a computing handler, 16 clients",
        share,
        "% of quiet",
        10.0,
        perSecond=round(busy),
    )
    yield at_most(
        "status poll beside a computing handler: p99",
        percentile(polls.samples, 0.99) * 1e3,
        "ms",
        25.0,
    )


def timed(port: int, clients: int, method: str, path: str, body: Any = None) -> Load:
    """The load, from a process of its own."""
    arguments = [str(port), str(clients), str(SECONDS), method, path]
    if body is not None:
        arguments.append(json.dumps(body))
    with tempfile.NamedTemporaryFile() as result:
        command = [sys.executable, "-m", "benchmarks.client", result.name, *arguments]
        subprocess.run(command, check=True)
        return Load(**json.loads(Path(result.name).read_text()))


def ask(port: int, method: str, path: str, body: Any = None) -> Any:
    """One question, and its answer read as JSON."""

    async def once() -> bytes:
        client = await Client.connect(port)
        _, content = await client.ask(request(method, path, body))
        client.close()
        return content

    return json.loads(asyncio.run(once()))


def _finished(port: int) -> int:
    """How many executions have completed, once none is under way any more."""
    _settle(port)
    return int(ask(port, "GET", "/api/workflows/five/executions?limit=1")["total"])


def _settle(port: int) -> None:
    for _ in range(600):
        if not _backlog(port):
            return
        sleep(0.05)


def _backlog(port: int) -> int:
    found = ask(port, "GET", "/api/executions?status=pending,running&workflowId=five&limit=50")
    return len(found["executions"])


def _plugin(folder: Path) -> Path:
    """A package with the computing handler, as one that a user installed."""
    (folder / "spinning.py").write_text(SPINNING)
    info = folder / "caudal_spinning-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: caudal-spinning\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text("[caudal]\nspinning = spinning\n")
    return folder
