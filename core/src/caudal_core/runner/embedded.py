"""The runner that is built in: this process, its event loop and a pool of threads."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from functools import partial
from time import monotonic

from caudal_core.errors import NodeTimeout
from caudal_core.runner.call import NodeResult
from caudal_core.runner.pool import ThreadPool
from caudal_core.runner.protocol import Job


def _nothing() -> None:
    """A node without a time limit has begun."""


def _begin(
    job: Job, seconds: float, loop: asyncio.AbstractEventLoop, limit: asyncio.Timeout
) -> None:
    """Start a node's clock, from any thread."""
    job.ctx.deadline = monotonic() + seconds
    loop.call_soon_threadsafe(_limit, limit, loop.time() + seconds)


def _limit(limit: asyncio.Timeout, when: float) -> None:
    with contextlib.suppress(RuntimeError):  # it has ended already
        limit.reschedule(when)


def _in_thread(job: Job, begun: Callable[[], None]) -> NodeResult:
    begun()
    return job.run()


def _is_cancelled() -> bool:
    """Whether somebody cancelled this task, and it was not the handler that raised by itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _own(error: BaseException) -> RuntimeError:
    """What means something to Python itself is an ordinary failure where a handler raises it."""
    return RuntimeError(f"the handler raised {type(error).__name__}")


def default_threads() -> int:
    """Enough threads that a few waiting handlers do not keep the others from running."""
    return min(32, (os.cpu_count() or 1) * 4 + 8)


class EmbeddedRunner:
    """Light handlers inline while their input is small, `def` in threads, `async def` as tasks.

    `nodes_at_once` bounds the async nodes that run at one time, `threads` the others.
    """

    name = "embedded"
    inlines = True

    def __init__(self, *, threads: int | None = None, nodes_at_once: int = 256) -> None:
        self._pool = ThreadPool(threads or default_threads())
        self._slots = asyncio.Semaphore(nodes_at_once)

    @property
    def abandoned_threads(self) -> int:
        """Threads that nobody waits for and that have not come back."""
        return self._pool.abandoned

    def start(self) -> None:
        """Nothing to do: threads are made as they are needed."""

    async def run(self, job: Job) -> NodeResult:
        """See `Runner.run`."""
        if job.timeout is None:
            return await self._run(job, _nothing)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as limit:
                # The time that a node may take begins when it begins, not while it waits its turn.
                return await self._run(job, partial(_begin, job, job.timeout, loop, limit))
        except TimeoutError:
            if not job.ctx.cancelled:
                raise
            raise NodeTimeout(seconds=job.timeout) from None

    async def _run(self, job: Job, begun: Callable[[], None]) -> NodeResult:
        try:
            if not job.handler.is_async:
                result: NodeResult = await self._pool.run(partial(_in_thread, job, begun))
                return result
            async with self._slots:
                begun()
                return await job.run_async()
        except asyncio.CancelledError as error:
            if not _is_cancelled():
                raise _own(error) from error
            job.ctx.cancel()
            raise
        except SystemExit as error:
            raise _own(error) from error

    async def close(self) -> None:
        """Let idle threads end."""
        self._pool.close()
