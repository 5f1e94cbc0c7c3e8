"""A server in a process of its own, as its users start it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter

ROOT = Path(__file__).parents[1]
"""Where the modules of benchmarks are found by what they install."""

MEMORY = (sys.executable, "-m", "benchmarks.memory")
"""Starts a server that keeps nothing."""

ADDRESS = re.compile(r"http://[\w.\[\]:]+:(\d+)")


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its process, its port, its data, the seconds until it said where it is."""

    pid: int
    port: int
    data: Path
    seconds: float


@contextmanager
def serving(
    *extra: str,
    plugins: Path | None = None,
    data: Path | None = None,
    command: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """`caudal serve` on a free port with a data folder of its own, or this one.

    `plugins` joins the path, `command` stands for `caudal`.
    """
    with tempfile.TemporaryDirectory() as own:
        folder = data or Path(own)
        begin = perf_counter()
        variables = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
        if plugins is not None:
            variables["PYTHONPATH"] = f"{plugins}{os.pathsep}{ROOT}"
        process = subprocess.Popen(
            [*(command or (_command(),)), "serve", "--port", "0", "--data", str(folder), *extra],
            stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=variables,
        )
        try:
            yield Served(process.pid, _port(process), folder, perf_counter() - begin)
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
