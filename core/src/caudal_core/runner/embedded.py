"""The runner that is built in: this process, its event loop and a pool of threads."""

from __future__ import annotations

import asyncio
import os

from caudal_core.errors import NodeTimeout
from caudal_core.runner.call import NodeResult
from caudal_core.runner.pool import ThreadPool
from caudal_core.runner.protocol import Job


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
        try:
            async with asyncio.timeout(job.timeout):
                return await self._run(job)
        except TimeoutError:
            if job.timeout is None or not job.ctx.cancelled:
                raise
            raise NodeTimeout(seconds=job.timeout) from None

    async def _run(self, job: Job) -> NodeResult:
        try:
            if not job.handler.is_async:
                result: NodeResult = await self._pool.run(job.run)
                return result
            async with self._slots:
                return await job.run_async()
        except asyncio.CancelledError:
            job.ctx.cancel()
            raise

    async def close(self) -> None:
        """Let idle threads end."""
        self._pool.close()
