"""Large tables: what flows between nodes, beside the libraries that do the same by hand."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.figures import at_least, at_most, ratio
from benchmarks.http import ask, installed
from benchmarks.serving import Served, serving
from benchmarks.tables import ADD, CONDITION, ROWS, SPLIT

ROUNDS = 3
PAGES = 15
POLLS = 200
FAR = 900_000

READINGS = '''
from caudal_core import Config, Context, Records, hookimpl, handler


@handler("readings", effect="pure")
def readings(config: Config, data: object, ctx: Context) -> Records:
    """A million records in columns."""
    from benchmarks.tables import table

    return Records(table())


@hookimpl
def caudal_handlers():
    return (readings,)
'''


Turns = list[dict[str, float]]
"""What the work took in each turn: seconds, and MB at most."""


def figures() -> Iterator[dict[str, Any]]:
    """The work of `benchmarks.tables` in turn, then the same data behind a server."""
    yield from _four_nodes()
    ours, theirs = _in_turn("join", "columns", "pyarrow")
    yield _beside("join with 100,000", ours, theirs, "Table.join by hand", 1.5)
    rows, columns = _in_turn("template", "rows", "columns")
    name = "100,000 records, a text with 3 fields: rows for columns"
    yield at_least(name, _median(rows) / _median(columns), "x", 5.0, **_peaks(columns, rows))
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(plugins=installed(Path(folder), "readings", READINGS)) as server,
    ):
        yield from _behind_a_server(server)


def _four_nodes() -> Iterator[dict[str, Any]]:
    label = "1,000,000 × 6 through filter, add, split, join"
    ours, pyarrow, pandas = _in_turn("four", "columns", "pyarrow", "pandas")
    yield _beside(f"{label}: pyarrow", ours, pyarrow, "pyarrow by hand", 1.5)
    yield _beside(f"{label}: pandas", ours, pandas, "pandas by hand", 0.6)
    peak = max(turn["peak"] for turn in ours)
    yield at_most(f"{label}: memory beyond the data", peak, "MB", 300)
    ours, floors = _in_turn("four", "folder", "written")
    floor = "pyarrow by hand, each result written and synced"
    yield _beside(f"{label}, in an engine with a folder", ours, floors, floor, 1.5)


def _beside(name: str, ours: Turns, theirs: Turns, floor: str, most: float) -> dict[str, Any]:
    more = _peaks(ours, theirs)
    return ratio(name, _seconds(ours), _seconds(theirs), "s", floor=floor, most=most, **more)


def _in_turn(work: str, *who: str) -> list[Turns]:
    """What the work took for each, in turn and several times, always in a process of its own."""
    found: list[Turns] = [[] for _ in who]
    for _ in range(ROUNDS):
        for turns, name in zip(found, who, strict=True):
            command = [sys.executable, "-m", "benchmarks.tables", name, work]
            output = subprocess.run(command, check=True, capture_output=True)
            turns.append(json.loads(output.stdout))
    return found


def _seconds(turns: Turns) -> list[float]:
    return [turn["seconds"] for turn in turns]


def _median(turns: Turns) -> float:
    return median(_seconds(turns))


def _peaks(ours: Turns, theirs: Turns) -> dict[str, Any]:
    return {
        "peakMegabytes": max(turn["peak"] for turn in ours),
        "floorPeakMegabytes": max(turn["peak"] for turn in theirs),
    }


def _behind_a_server(server: Served) -> Iterator[dict[str, Any]]:
    """Polls while a million records flow, and a page of them from far behind."""
    small = _run(server, {"nodes": [_node("q", "trigger")]})
    quiet = median(_polls(server, POLLS, "/api/executions/{id}", small))
    workflow = {
        "nodes": [
            _node("r", "readings"),
            _node("c", "condition", CONDITION),
            _node("a", "addField", ADD),
            _node("s", "splitColumns", SPLIT),
        ],
        "connections": [
            {"fromNodeId": "r", "toNodeId": "c"},
            {"fromNodeId": "c", "toNodeId": "a", "outputType": "true"},
            {"fromNodeId": "a", "toNodeId": "s"},
        ],
    }
    started = ask(server.port, "POST", "/api/workflows/execute", {"workflow": workflow})
    execution_id, busy = started["executionId"], []
    while True:
        begin = perf_counter()
        status = ask(server.port, "GET", f"/api/executions/{execution_id}")
        busy.append((perf_counter() - begin) * 1e3)
        if status["status"] not in ("pending", "running"):
            break
    if status["status"] != "completed":
        raise RuntimeError(status["error"])
    yield ratio(
        "status poll while 1,000,000 records flow",
        [median(busy)],
        [quiet],
        "ms",
        floor="the same, quiet",
        most=2.0,
        polls=len(busy),
    )
    path = f"/api/executions/{{id}}/nodes/r/data?offset={FAR}&limit=100"
    page = median(_polls(server, PAGES, path, execution_id))
    yield at_most(f"a page of node data at offset {FAR:,} of {ROWS:,}", page, "ms", 50.0)


def _node(node_id: str, kind: str, config: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"id": node_id, "type": kind, "config": config or {}}


def _run(server: Served, workflow: dict[str, Any]) -> str:
    answer = ask(server.port, "POST", "/api/workflows/execute?wait=60", {"workflow": workflow})
    return str(answer["executionId"])


def _polls(server: Served, count: int, path: str, execution_id: str) -> list[float]:
    """The milliseconds that each of so many questions took."""
    found = []
    for _ in range(count):
        begin = perf_counter()
        ask(server.port, "GET", path.format(id=execution_id))
        found.append((perf_counter() - begin) * 1e3)
    return found
