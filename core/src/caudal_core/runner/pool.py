"""A pool of daemon threads of our own.

The default executor of asyncio is small, is shared with name look-ups and is joined when the
process ends, so that one stuck handler would hang the exit. Here a thread that does not come back
can be abandoned: another takes its place, what it returns later is dropped, and it is counted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from caudal_core.errors import HandlerError, error_text

STUCK = 4
"""How many threads for each of the pool may be abandoned and not have come back."""

LATE = 1.0
"""Seconds after which somebody is told of an abandoned thread that has not come back."""


class _Task:
    """One call that waits for a thread or runs in one."""

    __slots__ = ("abandoned", "done", "finished", "function", "loop", "started")

    def __init__(self, function: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.function = function
        self.loop = loop
        self.done: asyncio.Future[Any] = loop.create_future()
        self.started = False
        self.finished = False
        self.abandoned = False


class Stuck(HandlerError):
    """So many threads do not come back that no more are made."""

    code = "THREADS_STUCK"
    en = "{count} threads were abandoned by earlier nodes and have not come back"
    es = "{count} hilos abandonados por nodos anteriores no han vuelto"
    hint_en = "restart the server, and mend the handlers that wait without an end"
    hint_es = "reinicie el servidor y corrija los manejadores que esperan sin fin"

    def __init__(self, count: int) -> None:
        super().__init__(message="", count=count)


class ThreadPool:
    """Runs functions in up to `size` threads, made as they are needed."""

    def __init__(self, size: int, name: str = "caudal-node") -> None:
        self.size = size
        self.abandoned = 0
        self._name = name
        self._closed = False
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._busy = 0
        self._made = 0

    async def run(self, function: Callable[[], Any], lost: Callable[[], None] | None = None) -> Any:
        """The function's result. Cancelled while it runs, its thread is abandoned.

        `lost` is called on the event loop if the thread has not come back soon after.
        """
        if self._closed:
            message = "the pool is closed"
            raise RuntimeError(message)
        task = _Task(function, asyncio.get_running_loop())
        with self._lock:
            if self.abandoned >= STUCK * self.size:
                raise Stuck(self.abandoned)
            if self._busy + 1 > self._threads and self._threads < self.size:
                self._add_thread()
            self._busy += 1
        self._queue.put(task)
        try:
            return await task.done
        except asyncio.CancelledError:
            if self._abandon(task) and lost is not None:
                task.loop.call_later(LATE, self._tell, task, lost)
            raise

    def _tell(self, task: _Task, lost: Callable[[], None]) -> None:
        if not task.finished:
            lost()

    def close(self) -> None:
        """Let idle threads end; busy ones end with the process."""
        self._closed = True
        for _ in range(self._threads):
            self._queue.put(None)

    def _add_thread(self) -> None:
        name = f"{self._name}-{self._made + 1}"
        threading.Thread(target=self._work, name=name, daemon=True).start()
        self._threads += 1
        self._made += 1

    def _abandon(self, task: _Task) -> bool:
        """Whether a thread runs on that nobody waits for."""
        with self._lock:
            if task.abandoned or task.finished:
                return False
            task.abandoned = True
            self._busy -= 1
            if task.started:
                self.abandoned += 1
                self._threads -= 1
                if self._busy > self._threads:
                    self._add_thread()
            return task.started

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            with self._lock:
                if task.abandoned:
                    continue
                task.started = True
            result, error = _call(task.function)
            if not self._came_back(task):
                return
            _settle(task, result, error)

    def _came_back(self, task: _Task) -> bool:
        """Whether somebody waits for it; if not, another thread has taken this one's place."""
        with self._lock:
            task.finished = True
            if task.abandoned:
                self.abandoned -= 1
                return False
            self._busy -= 1
            return True


def raised(error: BaseException) -> RuntimeError:
    """What means something to Python itself is an ordinary failure where a handler raises it."""
    return RuntimeError(f"the handler raised {error_text(error)}")


def _call(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 - it is raised again where the result is awaited
        return None, error


def _settle(task: _Task, result: Any, error: BaseException | None) -> None:
    def deliver() -> None:
        if task.done.done():
            return
        if error is None:
            task.done.set_result(result)
        elif isinstance(error, Exception) and not isinstance(error, StopIteration):
            task.done.set_exception(error)
        else:
            task.done.set_exception(raised(error))

    try:
        task.loop.call_soon_threadsafe(deliver)
    except RuntimeError:
        return  # the loop has closed: nobody waits any more
