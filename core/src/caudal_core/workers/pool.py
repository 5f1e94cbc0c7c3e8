"""Worker processes that are kept for the next piece of work."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any

from caudal_core.errors import CaudalError, HandlerError, WorkerCrashed, WorkerLimit
from caudal_core.workers.answers import Answer
from caudal_core.workers.process import LOOK, Died, WorkerProcess

GIBIBYTE = 1 << 30

TRIES = 3
"""How often a worker may be found that was just ending; whatever else ends so is a crash."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one piece of work may take: seconds, and bytes of memory (on Linux)."""

    seconds: float = 120.0
    memory: int = 2 * GIBIBYTE


class Workers:
    """Up to `size` processes, made as they are needed and reused."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size or max(2, min(8, os.cpu_count() or 1))
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._free = threading.Condition()

    def run(
        self,
        function: Callable[[Any], Any],
        argument: Any,
        *,
        what: str,
        limits: Limits,
        check: Callable[[], None],
    ) -> Answer:
        """What a function of a module makes of a JSON value, in another process.

        `what` names the work in errors, as in `reading 'prices.xlsx'`. `check` is called some 20
        times a second; where it raises, the process is killed. A `CaudalError` of the function is
        raised here; `WorkerLimit` where the work takes too long or too much, `WorkerCrashed` where
        the process does not survive it.
        """
        request = {
            "function": f"{function.__module__}:{function.__qualname__}",
            "argument": argument,
            "memory": limits.memory,
        }
        for _ in range(TRIES):
            answer = self._tried(request, what, limits, check)
            if answer is not None:
                return _opened(answer, what, limits)
        raise WorkerCrashed(what, 0, "")

    def _tried(
        self, request: dict[str, Any], what: str, limits: Limits, check: Callable[[], None]
    ) -> tuple[dict[str, Any], bytes] | None:
        """The answer of a worker; null if it was just ending, as it had nothing to do for long."""
        worker = self._taken(check)
        try:
            answer = self._asked(worker, request, what, limits, check)
        except BaseException:
            self._dropped(worker)
            raise
        if answer is None or answer[0].get("last"):
            self._dropped(worker)
        else:
            self._given_back(worker)
        return answer

    def _asked(
        self,
        worker: WorkerProcess,
        request: dict[str, Any],
        what: str,
        limits: Limits,
        check: Callable[[], None],
    ) -> tuple[dict[str, Any], bytes] | None:
        until = monotonic() + limits.seconds

        def waiting() -> None:
            check()
            if monotonic() > until:
                raise WorkerLimit.seconds(what, limits.seconds)

        try:
            return worker.ask(request, waiting, limits.memory)
        except Died as death:
            if death.code == 0:
                return None
            if death.of_memory:
                raise WorkerLimit.memory(what, limits.memory) from None
            raise WorkerCrashed(what, death.code, death.last_words) from None

    def _taken(self, check: Callable[[], None]) -> WorkerProcess:
        while True:
            check()
            with self._free:
                while self._idle:
                    worker = self._idle.pop()
                    if worker.alive:
                        self._busy.add(worker)
                        return worker
                    worker.close()
                if len(self._busy) < self.size:
                    if not self._busy:
                        atexit.register(self.close)
                    worker = WorkerProcess()
                    self._busy.add(worker)
                    return worker
                self._free.wait(LOOK)

    def _given_back(self, worker: WorkerProcess) -> None:
        with self._free:
            self._busy.discard(worker)
            self._idle.append(worker)
            self._free.notify()

    def _dropped(self, worker: WorkerProcess) -> None:
        worker.close()
        with self._free:
            self._busy.discard(worker)
            self._free.notify()

    def close(self) -> None:
        """End all of them, also those that work."""
        with self._free:
            workers = [*self._idle, *self._busy]
            self._idle.clear()
        for worker in workers:
            worker.close()


def _opened(answer: tuple[dict[str, Any], bytes], what: str, limits: Limits) -> Answer:
    value, body = answer
    error = value.get("error")
    if error is None:
        return Answer(value.get("value"), body)
    if error["kind"] == "memory":
        raise WorkerLimit.memory(what, limits.memory)
    if error["kind"] == "typed":
        raise _typed(error)
    raise WorkerCrashed(what, None, error["text"])


def _typed(error: dict[str, Any]) -> CaudalError:
    """The error that the function raised, if this process knows its class; nothing is imported."""
    module, _, name = str(error["class"]).partition(":")
    kind = getattr(sys.modules.get(module), name, None)
    if not (isinstance(kind, type) and issubclass(kind, CaudalError)):
        return HandlerError(str(error["text"]))
    made = kind.__new__(kind)
    CaudalError.__init__(made, **error["params"])
    return made


@cache
def shared_workers() -> Workers:
    """The workers of this process."""
    return Workers()
