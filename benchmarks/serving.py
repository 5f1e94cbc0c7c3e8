"""A server in a process of its own, as its users start it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter

ROOT = Path(__file__).parents[1]
"""Where the modules of benchmarks are found by what they install."""

ADDRESS = re.compile(r"http://[\w.\[\]:]+:(\d+)")


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its process, its port, its data, the seconds until it said where it is."""

    pid: int
    port: int
    data: Path
    seconds: float


@contextmanager
def serving(*extra: str, plugins: Path | None = None) -> Iterator[Served]:
    """`caudal serve` on a free port with a data folder of its own; `plugins` joins the path."""
    with tempfile.TemporaryDirectory() as data:
        begin = perf_counter()
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
        if plugins is not None:
            environment["PYTHONPATH"] = f"{plugins}{os.pathsep}{ROOT}"
        process = subprocess.Popen(
            [_command(), "serve", "--port", "0", "--data", data, *extra],
            stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE,
            text=True,
            cwd=data,
            env=environment,
        )
        try:
            yield Served(process.pid, _port(process), Path(data), perf_counter() - begin)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _command() -> str:
    return str(Path(sys.executable).parent / "caudal")


def _port(process: subprocess.Popen[str]) -> int:
    """The port that the server says it listens on; its output is read to the end meanwhile."""
    lines: SimpleQueue[str | None] = SimpleQueue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    seen = []
    while (line := lines.get(timeout=60)) is not None:
        seen.append(line)
        if found := ADDRESS.search(line):
            return int(found[1])
    raise RuntimeError("the server ended:\n" + "".join(seen))
