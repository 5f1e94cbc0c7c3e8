"""One worker process, as its parent sees it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from caudal_core.workers.answers import Answer
from caudal_core.workers.frames import Ended, receive, send

LOOK: Final = 0.05
"""Seconds between two looks at whether anybody still waits for an answer."""

LAST_WORDS: Final = 2_000
_KEPT: Final = ("PATH", "TZ", "TZDIR", "TMPDIR", "LANG", "LD_LIBRARY_PATH")
_BEGIN: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from caudal_core.workers.child import main; main()"
)


class Died(Exception):
    """The process ended without an answer."""

    def __init__(self, code: int, last_words: str) -> None:
        super().__init__(code, last_words)
        self.code = code
        self.last_words = last_words

    @property
    def of_memory(self) -> bool:
        """Whether it seems to have asked for more than it may have."""
        return (
            self.code == -9
            or "memory allocation" in self.last_words
            or ("MemoryError" in self.last_words or "bad_alloc" in self.last_words)
        )


class WorkerProcess:
    """A child process. It has none of the parent's secrets: of its environment little is passed."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        command = [sys.executable, "-c", _BEGIN, str(theirs.fileno()), json.dumps(sys.path)]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=self._errors,
                start_new_session=True,
                env=dict(_environment()),
            )
        ours.settimeout(LOOK)
        self._peer = ours

    @property
    def alive(self) -> bool:
        """Whether it can be asked: one that has had nothing to do for long has ended."""
        return self._process.poll() is None

    def ask(
        self, request: dict[str, Any], waiting: Callable[[], None], most: int
    ) -> tuple[dict[str, Any], bytes]:
        """Its answer; `waiting` is called now and then, and may raise. `Died` if there is none."""
        try:
            self._peer.settimeout(None)
            send(self._peer, request)
            self._peer.settimeout(LOOK)
            value, body = receive(self._peer, waiting, most)
        except (Ended, OSError, ValueError):
            self.kill()
            raise Died(self._process.returncode, self._last_words()) from None
        if not isinstance(value, dict):
            self.kill()
            raise Died(self._process.returncode, "it answered nonsense")
        return value, body

    def kill(self) -> None:
        """End it now, if it has not ended by itself."""
        self._peer.close()
        if self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=LOOK)  # one that has just closed its socket is ending
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it and let go of all that belongs to it."""
        self.kill()
        self._errors.close()

    def _last_words(self) -> str:
        size = os.fstat(self._errors.fileno()).st_size
        self._errors.seek(max(0, size - LAST_WORDS))
        return self._errors.read().decode("utf-8", "replace").strip()


def _environment() -> Iterator[tuple[str, str]]:
    """What a program needs to run, and settings of Python's own."""
    for name, value in os.environ.items():
        if name in _KEPT or name.startswith(("LC_", "PYTHON")):
            yield name, value
    yield "ARROW_DEFAULT_MEMORY_POOL", "system"  # others reserve more than they use


__all__ = ["Answer", "Died", "WorkerProcess"]
