"""The cost of a node, its record in the journal included."""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.disk import disk
from benchmarks.figures import ratio
from benchmarks.shapes import chain, column, fan, nothing

ROUNDS = 15
FLOOR = "bare task"


def figures() -> Iterator[dict[str, Any]]:
    """Chain and fan, in memory and on disk, beside a task created and awaited on the same loop."""
    import uvloop

    for place in ("disk", "memory"):
        yield from uvloop.run(_measure(place))


async def _measure(place: str) -> list[dict[str, Any]]:
    from caudal_core.engine import Engine, FolderStorage
    from caudal_core.registry import Registry

    found = []
    with tempfile.TemporaryDirectory() as folder:
        storage = FolderStorage(folder) if place == "disk" else None
        more = disk(Path(folder)) if place == "disk" else {}
        async with Engine(Registry.of(nothing, column), storage=storage) as engine:
            as_the_server_does()
            for name, workflow, count, most in (
                ("chain of 2,000", chain(2_000), 2_000, 4.0),
                ("fan of 1,000", fan(1_000), 1_001, 5.0),
                # What the handlers themselves do is in this one, so it has no limit.
                ("chain of 2,000, each adds a field", chain(2_000, "column"), 2_000, None),
            ):
                graph = await engine.graph(workflow)
                values, floors = await _rounds(engine, graph, count)
                label, unit = f"{name}, {place}", "µs a node"
                found.append(ratio(label, values, floors, unit, floor=FLOOR, most=most, **more))
    return found


async def _rounds(engine: Any, graph: Any, count: int) -> tuple[list[float], list[float]]:
    values, floors = [], []
    for turn in range(ROUNDS + 2):
        floor = await _task_floor()
        begin = perf_counter()
        execution = await engine.submit(graph, {"a": 1})
        await execution.finished()
        cost = (perf_counter() - begin) / count * 1e6
        if execution.record.state != "completed":
            raise RuntimeError(execution.record.error)
        if turn >= 2:  # the first ones warm up
            values.append(cost)
            floors.append(floor)
    return values, floors


async def _task_floor(count: int = 5_000) -> float:
    """One bare `create_task` and `await`, in µs."""
    loop = asyncio.get_running_loop()

    async def nothing_at_all() -> None:
        return None

    begin = perf_counter()
    for _ in range(count):
        await loop.create_task(nothing_at_all())
    return (perf_counter() - begin) / count * 1e6


def as_the_server_does() -> None:
    """The settings of the interpreter that the server uses."""
    from caudal_server.serving import GC_THRESHOLDS, SWITCH_SECONDS

    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
