"""Single attempts at handlers, run by the runner itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event
from typing import Any

from caudal_core import Config, Context, Handler, handler
from caudal_core.context import Environment
from caudal_core.payload import Payload
from caudal_core.runner import EmbeddedRunner, Job, NodeResult

LONG = 30.0
"""Seconds that nothing here should ever take."""


def job(
    made: Handler, data: Any = None, *, timeout: float | None = None, on_row_error: str = "fail"
) -> Job:
    """One attempt at a handler."""
    ctx = Context("n", Environment())
    deliveries = {made.inputs[0]: Payload.of(data)}
    return Job(made, made.parse({}), deliveries, ctx, on_row_error, timeout)


@asynccontextmanager
async def runner(*, threads: int = 2, nodes_at_once: int = 8) -> AsyncIterator[EmbeddedRunner]:
    """A runner that is closed at the end."""
    made = EmbeddedRunner(threads=threads, nodes_at_once=nodes_at_once)
    made.start()
    yield made
    await made.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    async with asyncio.timeout(LONG):
        while not condition():  # noqa: ASYNC110 - a thread cannot set an asyncio.Event
            await asyncio.sleep(0.001)


def output(result: NodeResult) -> Any:
    """What left by the one port taken."""
    (payload,) = result.ports.values()
    return payload.data


class Gate:
    """A handler that stays where it is until it is let go."""

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self.open = Event()
        self.names: list[str] = []

        @handler("gate")
        def gate(config: Config, data: Any, ctx: Context) -> Any:
            self.names.append(threading.current_thread().name)
            self.inside.release()
            self.open.wait(LONG)
            return data

        self.handler = gate

    async def entered(self, count: int = 1) -> None:
        """Wait until so many threads are inside."""
        for _ in range(count):
            assert await asyncio.to_thread(self.inside.acquire, timeout=LONG)


@handler("where")
def where(config: Config, data: Any, ctx: Context) -> str:
    """Name the thread."""
    return threading.current_thread().name


@handler("whereAsync")
async def where_async(config: Config, data: Any, ctx: Context) -> str:
    """Name the thread."""
    return threading.current_thread().name
