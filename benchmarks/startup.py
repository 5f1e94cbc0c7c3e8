"""What it takes to start, to wait and to import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

from benchmarks.figures import at_most
from benchmarks.http import ask
from benchmarks.serving import serving

TURNS = 5

IMPORT = """
import resource, time
import caudal_core
def mib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20
before, begin = mib(), time.perf_counter()
from caudal_core.registry import load_registry
found = load_registry()
print(time.perf_counter() - begin, mib() - before, len(found.handlers))
"""


def figures() -> Iterator[dict[str, Any]]:
    """Start to the first answer, idle memory, importing every plugin."""
    starts, idle = [], []
    with serving():
        pass  # the first start compiles what was never imported before
    for _ in range(TURNS):
        begin = perf_counter()
        with serving() as server:
            ask(server.port, "GET", "/")
            starts.append(perf_counter() - begin)
            sleep(1)
            idle.append(resident(server.pid))
    yield at_most("start to first answer", median(starts), "s", 1.5)
    yield at_most("idle memory, the server", median(idle), "MB", 110.0)
    runs = [_import() for _ in range(TURNS)]
    yield at_most(
        "importing all plugins, beyond caudal_core", median(r[0] for r in runs), "s", 0.15
    )
    yield at_most("their memory, beyond caudal_core", median(r[1] for r in runs), "MiB", 15.0)


def resident(pid: int) -> float:
    """MB that the process and its children hold."""
    own = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(int(line.split()[1]) for line in own.splitlines() if line.startswith("VmRSS"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return kilobytes / 1000 + sum(resident(int(child)) for child in children)


def _import() -> tuple[float, float]:
    command = [sys.executable, "-c", IMPORT]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, mib, _ = answer.stdout.split()
    return float(seconds), float(mib)
