"""A steady load for a long time: memory, descriptors and tasks must stay as they are.

    python -m benchmarks.soak [MINUTES] [EXECUTIONS A SECOND]

Prints one JSON line a sample and one for the whole; the exit code is 1 if something grows. The
first half fills what is kept in memory on purpose (the last executions that have ended).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

from benchmarks.client import Client, request
from benchmarks.http import SPINNING, installed
from benchmarks.serving import Served, serving
from benchmarks.shapes import FIVE

MINUTES, RATE = 10.0, 40.0
SAMPLES = 60
GROWTH = {"megabytes": 1.06, "descriptors": 1.05, "threads": 1.05, "tasks": 1.25}
"""How many times as much the last quarter may have as the third one, on average."""

LARGE = {
    "nodes": [
        {
            "id": "rows",
            "type": "webhook",
            "config": {"webhookData": {"text": "x" * 100_000}},
        },
        {"id": "end", "type": "output"},
    ],
    "connections": [{"fromNodeId": "rows", "toNodeId": "end"}],
}
FAILING = {"nodes": [{"id": "no", "type": "condition", "config": {"conditionField": "absent"}}]}
SPUN = {"nodes": [{"id": "spin", "type": "spin", "config": {"seconds": 0.002}}]}
MIX = (FIVE, FIVE, FIVE, FIVE, LARGE, FAILING, SPUN, FIVE)


def main() -> None:
    """Run it and judge it."""
    given = [float(text) for text in sys.argv[1:3]]
    minutes, rate = (*given, *(MINUTES, RATE)[len(given) :])
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(plugins=installed(Path(folder), "spinning", SPINNING)) as server,
    ):
        samples, done = asyncio.run(_run(server, minutes * 60, rate))
    found = judged(samples)
    steady = all(figure["holds"] for figure in found.values())
    print(json.dumps({"minutes": minutes, "executions": done, **found, "holds": steady}))
    sys.exit(0 if steady else 1)


def judged(samples: Sequence[dict[str, float]]) -> dict[str, dict[str, Any]]:
    """By figure the third and the last quarter, and whether it has stayed."""
    quarter = max(1, len(samples) // 4)
    found = {}
    for name, most in GROWTH.items():
        third = mean(sample[name] for sample in samples[-2 * quarter : -quarter])
        last = mean(sample[name] for sample in samples[-quarter:])
        numbers = {"third": round(third, 1), "last": round(last, 1)}
        found[name] = {**numbers, "limit": f"x {most}", "holds": last <= most * third}
    return found


async def _run(server: Served, seconds: float, rate: float) -> tuple[list[dict[str, float]], int]:
    begin, samples = perf_counter(), []
    asking = asyncio.create_task(_ask(server.port, begin, seconds, rate))
    watch = await Client.connect(server.port)
    for number in range(SAMPLES):
        await asyncio.sleep(begin + (number + 1) * seconds / SAMPLES - perf_counter())
        sample = await _sample(server.pid, watch)
        samples.append(sample)
        print(json.dumps(sample), flush=True)
    watch.close()
    return samples, await asking


async def _ask(port: int, begin: float, seconds: float, rate: float) -> int:
    """Execute one workflow after the other, and poll each some time later, as a client does."""
    client, number, polls = await Client.connect(port), 0, []
    while (now := perf_counter() - begin) < seconds:
        if (late := number / rate - now) > 0:
            await asyncio.sleep(late)
        body = {"workflow": MIX[number % len(MIX)], "inputs": {"n": number}}
        status, answer = await client.ask(request("POST", "/api/workflows/execute", body))
        if status != 200:
            raise RuntimeError(answer.decode())
        polls.append(json.loads(answer)["executionId"])
        if len(polls) > rate:
            status, _ = await client.ask(request("GET", f"/api/executions/{polls.pop(0)}"))
        number += 1
    client.close()
    return number


async def _sample(pid: int, watch: Client) -> dict[str, float]:
    _, page = await watch.ask(request("GET", "/metrics"))
    counted = dict(line.rsplit(" ", 1) for line in page.decode().splitlines() if line[0] != "#")
    return {
        **_held(pid),
        "tasks": float(counted["caudal_tasks"]),
        "running": float(counted['caudal_executions{state="running"}']),
        "load": round(os.getloadavg()[0], 2),
    }


def _held(pid: int) -> dict[str, float]:
    """What the server and its writer hold."""
    processes = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    status = [_status(process) for process in processes]
    return {
        "megabytes": round(sum(int(one["VmRSS"].split()[0]) for one in status) / 1000, 1),
        "descriptors": sum(len(list(Path(f"/proc/{one}/fd").iterdir())) for one in processes),
        "threads": sum(int(one["Threads"]) for one in status),
    }


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, value in (line.split(":", 1) for line in lines)}


if __name__ == "__main__":
    main()
