"""Executions over HTTP: accepted on disk and finished, quiet and beside a handler that computes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import sleep
from typing import Any, NamedTuple
from urllib.parse import urlencode

from benchmarks.client import Client, Load, request
from benchmarks.disk import disk
from benchmarks.figures import at_least, at_most, percentile
from benchmarks.serving import serving
from benchmarks.shapes import FIVE

SECONDS = 3.0
ROUNDS = 3
"""Pairs of bare answers and executions: one pair says little on a machine that others use."""
WORKFLOW = "five"
EXECUTE = {"workflowId": WORKFLOW, "inputs": {"hour": "2026-01-31T10:00"}}

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
        serving(plugins=installed(Path(folder), "spinning", SPINNING)) as server,
    ):
        ask(server.port, "POST", "/api/workflows", FIVE)
        quiet = {}
        for clients in (1, 16, 32):
            floor = disk(server.data)
            rounds = [_round(server.port, clients) for _ in range(ROUNDS)]
            quiet[clients] = median(found.finished for found in rounds)
            yield from _quiet(clients, rounds, floor)
        yield from _beside(server.port, quiet[16], disk(server.data))


class Round(NamedTuple):
    """Bare `GET /`, and right after it executions; how many of these were done a second."""

    bare: Load
    done: Load
    finished: float

    @property
    def slower(self) -> float:
        """Bare answers in the time of one execution."""
        return self.bare.per_second / self.finished


def _round(port: int, clients: int) -> Round:
    bare = timed(port, clients, "GET", "/")
    return Round(bare, *executed(port, clients))


def executed(port: int, clients: int) -> tuple[Load, float]:
    """Executions under load, and how many of them were done a second, the last one included.

    Raises where one of them did not complete.
    """
    before = completed(port)
    done = timed(port, clients, "POST", "/api/workflows/execute", EXECUTE, settle=WORKFLOW)
    count = completed(port) - before
    if count != done.accepted:
        raise RuntimeError(f"{done.accepted} executions were accepted, {count} completed")
    return done, count / done.settled


def _quiet(clients: int, rounds: list[Round], floor: dict[str, Any]) -> Iterator[dict[str, Any]]:
    label = f"5-node executions, {clients} clients"
    ratios = sorted(found.slower for found in rounds)
    more = {
        "ratioRange": [round(ratios[0], 2), round(ratios[-1], 2)],
        "perSecond": round(median(found.finished for found in rounds)),
        "bareGetsPerSecond": round(median(found.bare.per_second for found in rounds)),
        **floor,
    }
    name, slower = f"{label}: bare GETs for one", median(ratios)
    if clients == 16:
        yield at_most(name, slower, "GETs", 4.0, **more)
        samples = [sample for found in rounds for sample in found.done.samples]
        p99 = percentile(samples, 0.99) * 1e3
        yield at_most(f"{label}: p99 of the answer", p99, "ms", 15.0, **floor)
    else:
        yield {"figure": name, "value": round(slower, 2), **more}
    # What each client was answered last has only just been accepted: that is no backlog yet.
    backlog = max(found.done.backlog for found in rounds)
    name = f"{label}: not finished at the end, beyond the last of each client"
    yield at_most(name, max(0, backlog - clients), "executions", 0, notFinished=backlog)
    refused = sum(found.done.failed + found.bare.failed for found in rounds)
    yield at_most(f"{label}: refused", refused, "answers", 0)


def _beside(port: int, quiet: float, floor: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same while one handler computes in a thread."""
    spin = {"nodes": [{"id": "s", "type": "spin", "config": {"seconds": 40 * SECONDS}}]}
    running = ask(port, "POST", "/api/workflows/execute", {"workflow": spin})
    sleep(0.5)
    done, busy = executed(port, 16)
    path = f"/api/executions/{running['executionId']}"
    polls = timed(port, 1, "GET", path)
    state = ask(port, "GET", path)["status"]
    if state != "running":
        raise RuntimeError(
            f"the computing handler had ended ({state}) before the figures were taken"
        )
    ask(port, "POST", f"{path}/cancel", {})
    share = 100 * busy / quiet
    label = "executions beside a computing handler, 16 clients"
    more = {"perSecond": round(busy), "notFinished": done.backlog, **floor}
    yield at_least(label, share, "% of quiet", 10.0, **more)
    yield at_most(
        "status poll beside a computing handler: p99",
        percentile(polls.samples, 0.99) * 1e3,
        "ms",
        25.0,
    )


def timed(
    port: int, clients: int, method: str, path: str, body: Any = None, *, settle: str = ""
) -> Load:
    """The load, from a process of its own; with the id of a workflow, until that has settled."""
    arguments = [str(port), str(clients), str(SECONDS), settle, method, path]
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


def completed(port: int) -> int:
    """How many executions of the workflow are completed, counted page by page."""
    query = urlencode({"status": "completed", "workflowId": WORKFLOW, "limit": 500})
    count, cursor = 0, ""
    while True:
        page = ask(port, "GET", f"/api/executions?{query}{cursor}")
        count += len(page["executions"])
        if page["nextCursor"] is None:
            return count
        cursor = f"&cursor={page['nextCursor']}"


def installed(folder: Path, name: str, module: str) -> Path:
    """A package of one module with handlers, as one that a user installed."""
    (folder / f"{name}.py").write_text(module)
    info = folder / f"caudal_{name}-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: caudal-{name}\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text(f"[caudal]\n{name} = {name}\n")
    return folder
