"""The same work on the same million rows, done by whoever the command line names.

`python -m benchmarks.tables WHO WORK` prints `{seconds, peak}`: the best of three and the most
memory in MB that the work took beyond its data, which is there in the form of who does it. A
process of its own, so that nobody else's memory is in it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from caudal_builtin.add_field import add_field
from caudal_builtin.condition import condition
from caudal_builtin.join import join
from caudal_builtin.split_columns import split_columns
from caudal_core import Config, Context, Records, handler
from caudal_core.context import Environment
from caudal_core.engine import Engine, FolderStorage
from caudal_core.registry import Registry

ROWS = 1_000_000
METERS = 100_000
TEXT_ROWS = 100_000
TIMES = 3
TEMPLATE = "{{meter}} paid {{price}} EUR for {{kwh}} kWh"

CONDITION = {
    "conditionField": "kwh",
    "conditionOperator": "greaterThan",
    "conditionValue": 5,
    "additionalConditions": [{"field": "zone", "operator": "notEquals", "value": "z3"}],
    "processingMode": "perRow",
}
ADD = {"fieldName": "cost", "expression": "[kwh] * [price]"}
LEFT, RIGHT = ["id", "meter", "cost"], ["zone", "kwh", "price", "good"]
SPLIT = {"columnsOutputA": LEFT, "columnsOutputB": RIGHT}
JOIN = {"joinStrategy": "mergeByKey", "joinKey": "meter"}


def table(rows: int = ROWS) -> Any:
    """Readings: six columns of four types."""
    import pyarrow as pa

    numbers = range(rows)
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "meter": pa.array([f"m{n * 7919 % METERS}" for n in numbers], pa.large_string()),
            "zone": pa.array([f"z{n % 9}" for n in numbers], pa.large_string()),
            "kwh": pa.array([n * 31 % 1009 / 100 for n in numbers], pa.float64()),
            "price": pa.array([n * 17 % 307 / 1000 for n in numbers], pa.float64()),
            "good": pa.array([n % 50 != 0 for n in numbers], pa.bool_()),
        }
    )


def meters() -> Any:
    """What is known of each meter."""
    import pyarrow as pa

    numbers = range(METERS)
    return pa.table(
        {
            "meter": pa.array([f"m{n}" for n in numbers], pa.large_string()),
            "owner": pa.array([f"owner {n}" for n in numbers], pa.large_string()),
            "tariff": pa.array([n % 7 for n in numbers], pa.int64()),
        }
    )


def by_pyarrow(data: Any, other: Any) -> Any:
    """As a person writes it with pyarrow."""
    import pyarrow.compute as pc

    mask = pc.and_(pc.greater(data["kwh"], 5), pc.not_equal(data["zone"], "z3"))
    kept, _ = data.filter(mask), data.filter(pc.invert(mask))
    kept = kept.append_column("cost", pc.multiply(kept["kwh"], kept["price"]))
    left, _ = kept.select(LEFT), kept.select(RIGHT)
    return left.join(other, "meter", join_type="left outer")


def by_pandas(data: Any, other: Any) -> Any:
    """As a person writes it with pandas."""
    mask = (data["kwh"] > 5) & (data["zone"] != "z3")
    kept, _ = data[mask], data[~mask]
    kept = kept.assign(cost=kept["kwh"] * kept["price"])
    left, _ = kept[LEFT], kept[RIGHT]
    return left.merge(other, on="meter", how="left")


def by_handlers(data: Records, other: Records) -> Records:
    """By the handlers, in columns or in rows as the data is."""
    ctx = partial(Context, "node", Environment(node_memory=2**31))
    kept = condition(condition.parse(CONDITION), data, ctx())["true"]
    added = add_field(add_field.parse(ADD), kept, ctx())
    left = split_columns(split_columns.parse(SPLIT), added, ctx())["A"]
    joined: Records = join(join.parse(JOIN), {"A": left, "B": other}, ctx())
    return joined


def flow(data: Any, other: Any, storage: FolderStorage | None) -> None:
    """By an engine, each result of each node kept by reference where there is a folder."""

    @handler("readings", effect="pure")
    def readings(config: Config, given: Any, ctx: Context) -> Records:  # noqa: ARG001 - the form
        return Records(data)

    @handler("meters", effect="pure")
    def known(config: Config, given: Any, ctx: Context) -> Records:  # noqa: ARG001 - as above
        return Records(other)

    registry = Registry.of(readings, known, condition, add_field, split_columns, join)
    asyncio.run(_executed(registry, storage))


async def _executed(registry: Registry, storage: FolderStorage | None) -> None:
    nodes = {"r": ("readings", {}), "m": ("meters", {}), "c": ("condition", CONDITION)}
    nodes |= {"a": ("addField", ADD), "s": ("splitColumns", SPLIT), "j": ("join", JOIN)}
    links = [("r", "c", {}), ("c", "a", {"outputType": "true"}), ("a", "s", {})]
    links += [("s", "j", {"outputType": "A", "inputPort": "A"}), ("m", "j", {"inputPort": "B"})]
    document = {
        "nodes": [{"id": key, "type": kind, "config": c} for key, (kind, c) in nodes.items()],
        "connections": [{"fromNodeId": a, "toNodeId": b, **more} for a, b, more in links],
    }
    async with Engine(registry, storage=storage) as engine:
        execution = await engine.submit(document)
        await execution.finished()
        if execution.record.state != "completed":
            raise RuntimeError(execution.record.error)


def written(data: Any, other: Any) -> None:
    """By pyarrow, each result written as a file that survives a power cut."""
    import hashlib
    import os

    import pyarrow as pa
    import pyarrow.compute as pc

    def keep(folder: str, name: str, result: Any) -> None:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, result.schema) as writer:
            writer.write_table(result)
        content = memoryview(sink.getvalue())
        path = Path(folder, name + hashlib.sha256(content).hexdigest())
        with path.open("wb") as file:
            file.write(content)
            os.fsync(file.fileno())

    with tempfile.TemporaryDirectory() as folder:
        keep(folder, "readings", data)
        keep(folder, "meters", other)
        mask = pc.and_(pc.greater(data["kwh"], 5), pc.not_equal(data["zone"], "z3"))
        kept, rest = data.filter(mask), data.filter(pc.invert(mask))
        keep(folder, "true", kept)
        keep(folder, "false", rest)
        kept = kept.append_column("cost", pc.multiply(kept["kwh"], kept["price"]))
        keep(folder, "added", kept)
        left, right = kept.select(LEFT), kept.select(RIGHT)
        keep(folder, "A", left)
        keep(folder, "B", right)
        keep(folder, "joined", left.join(other, "meter", join_type="left outer"))


def in_folder(data: Any, other: Any) -> None:
    """The workflow with a folder."""
    with tempfile.TemporaryDirectory() as folder:
        flow(data, other, FolderStorage(folder))


def _four(who: str) -> Callable[[], Any]:
    data, other = table(), meters()
    if who == "pandas":
        return partial(by_pandas, data.to_pandas(), other.to_pandas())
    if who == "columns":
        return partial(by_handlers, Records(data), Records(other))
    if who == "rows":
        rows, others = data.to_pylist(), other.to_pylist()
        return lambda: by_handlers(Records(rows), Records(others))
    work = {"pyarrow": by_pyarrow, "written": written, "folder": in_folder}.get(who)
    return partial(work, data, other) if work else partial(flow, data, other, None)


def _join(who: str) -> Callable[[], Any]:
    """The join alone."""
    data, other = table().select(["id", "meter", "kwh"]), meters()
    if who == "pyarrow":
        return lambda: data.join(other, "meter", join_type="left outer")
    ctx, config = Context("node", Environment()), join.parse(JOIN)
    sides = {"A": Records(data), "B": Records(other)}
    return lambda: join(config, sides, ctx)


def _template(who: str) -> Callable[[], Any]:
    """A text with three fields."""
    data = table(TEXT_ROWS)
    config = add_field.parse({"fieldName": "text", "fieldValue": TEMPLATE})
    ctx = Context("node", Environment())
    if who == "rows":
        rows = data.to_pylist()
        return lambda: add_field(config, Records(rows), ctx)
    records = Records(data)
    return lambda: add_field(config, records, ctx)


WORKS = {"four": _four, "join": _join, "template": _template}


def _peak() -> int:
    """The most memory of this process since it was asked before, in kB."""
    status = Path("/proc/self/status").read_text()
    found = int(status.partition("VmHWM:")[2].split()[0])
    Path("/proc/self/clear_refs").write_text("5")
    return found


def _resident() -> int:
    return int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])


def main() -> None:
    """Do the work and say what it took."""
    who, work = sys.argv[1:]
    do = WORKS[work](who)
    seconds = []
    before = _resident()
    _peak()
    for _ in range(TIMES):
        begin = perf_counter()
        do()
        seconds.append(perf_counter() - begin)
    peak = (_peak() - before) / 1024
    print(json.dumps({"seconds": min(seconds), "peak": round(max(0.0, peak))}))


if __name__ == "__main__":
    main()
