"""The command line as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

CAUDAL = Path(sys.executable).with_name("caudal")
EXAMPLES = Path(__file__).parents[3] / "examples"
LONGEST = 60
"""Seconds after which a process has hung."""


class Running:
    """A process, and what it has written on standard error so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""

    @property
    def _errors(self) -> IO[str]:
        assert self.process.stderr is not None
        return self.process.stderr

    def until(self, pattern: str) -> str:
        """Read on until a line has this; what its first group is."""
        for line in self._errors:
            self.said += line
            found = re.search(pattern, line)
            if found:
                return found[1] if found.re.groups else found[0]
        raise AssertionError(f"{pattern!r} was not said: {self.said}")

    def interrupt(self) -> int:
        """Press Ctrl-C; the exit code."""
        return self.end(signal.SIGINT)

    def end(self, sign: signal.Signals) -> int:
        """Send a signal that ends it; the exit code."""
        self.process.send_signal(sign)
        self.said += self._errors.read()
        return self.process.wait(LONGEST)

    def output(self) -> str:
        """What it wrote on standard output, to the end."""
        assert self.process.stdout is not None
        return self.process.stdout.read()


@contextmanager
def running(*args: str | Path, folder: Path, **env: str | Path) -> Iterator[Running]:
    """`caudal ARGS` in a folder, with no settings but these; ended with the block."""
    outside = {name: text for name, text in os.environ.items() if not name.startswith("CAUDAL_")}
    with subprocess.Popen(
        [CAUDAL, *args],
        cwd=folder,
        env=outside | {name: str(value) for name, value in env.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Running(process)
        finally:
            process.terminate()


@contextmanager
def taken_port() -> Iterator[int]:
    """A port that somebody else listens at."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]
