"""The runner that is built in: this process, its event loop and a pool of threads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from functools import partial
from time import monotonic

from caudal_core.errors import NodeTimeout
from caudal_core.runner.call import NodeResult
from caudal_core.runner.pool import ThreadPool, raised
from caudal_core.runner.protocol import Job

GRACE = 0.5
"""Seconds that a cancelled `async def` handler gets to clean up; then it is left behind."""


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


def _lost(job: Job) -> None:
    text = (
        "the handler '%s' goes on although nobody waits for it any more (node %s of execution %s): "
        "its thread was abandoned, what it returns is dropped; let it look at ctx.check() in loops"
    )
    log = logging.getLogger(__name__)
    log.warning(text, job.handler.type, job.ctx.node_id, job.ctx.execution_id)


def _is_cancelled() -> bool:
    """Whether somebody cancelled this task, and it was not the handler that raised by itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _guarded(job: Job) -> NodeResult:
    """An `async def` handler, with all that it raises as an ordinary failure."""
    try:
        return await job.run_async()
    except (Exception, asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:
        raise raised(error) from error


async def _in_task(job: Job) -> NodeResult:
    """Run an `async def` handler so that it can be left behind: some hold on when cancelled."""
    task = asyncio.create_task(_guarded(job))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            job.ctx.cancel()
            task.add_done_callback(_forget)
            task.cancel()
            await asyncio.wait({task}, timeout=GRACE)
        raise


def _forget(task: asyncio.Task[NodeResult]) -> None:
    """Nobody asks any more what a task that was left behind has come to."""
    if not task.cancelled():
        task.exception()


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
    def threads(self) -> int:
        """How many threads there may be, without those that were abandoned."""
        return self._pool.size

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
                work = partial(_in_thread, job, begun)
                result: NodeResult = await self._pool.run(work, partial(_lost, job))
                return result
            async with self._slots:
                begun()
                return await _in_task(job)
        except asyncio.CancelledError as error:
            if not _is_cancelled():
                raise raised(error) from error
            job.ctx.cancel()
            raise

    async def close(self) -> None:
        """Let idle threads end."""
        self._pool.close()
