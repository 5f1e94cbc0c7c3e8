"""A status poll of a large execution beside a bare answer of the same server."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import sleep
from typing import Any

from benchmarks.figures import ratio
from benchmarks.http import ask, timed
from benchmarks.serving import serving
from benchmarks.shapes import chain

TURNS = 3


def figures() -> Iterator[dict[str, Any]]:
    """Polls of an execution of 2,000 nodes that has just finished."""
    with serving() as server:
        workflow = chain(2_000, "comment")
        started = ask(server.port, "POST", "/api/workflows/execute", {"workflow": workflow})
        path = f"/api/executions/{started['executionId']}"
        while ask(server.port, "GET", path)["status"] in ("pending", "running"):
            sleep(0.05)
        polls, bare = [], []
        for _ in range(TURNS):
            bare.append(median(timed(server.port, 1, "GET", "/").samples) * 1e3)
            polls.append(median(timed(server.port, 1, "GET", path).samples) * 1e3)
        name = "status poll, 2,000 nodes"
        yield ratio(name, polls, bare, "ms", floor="bare GET /", most=3.0)
