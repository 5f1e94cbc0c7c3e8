"""Waiting for something to happen to an execution, for as long as the caller is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from starlette.requests import Request

from caudal_core.engine import Watched
from caudal_server import state

GATHERING = 0.1
"""Seconds for which changes are gathered before they are told; an end is told at once."""


async def next_change(request: Request, execution: Watched, since: int, seconds: float) -> None:
    """Return once the execution is beyond version `since` and what follows closely has happened.

    Earlier if it ends, if the time is up, if the caller has gone, or if the server stops.
    """
    await first(request, changed(execution, since, seconds), seconds)


async def end(request: Request, execution: Watched, seconds: float) -> None:
    """Return once the execution has ended; earlier as with `next_change`."""
    await first(request, execution.finished(seconds), seconds)


async def changed(execution: Watched, since: int, seconds: float) -> None:
    """Wait for a change, and then for those that follow closely."""
    if await execution.change(since, seconds) and not execution.record.finished:
        await execution.finished(GATHERING)


async def first(request: Request, what: Coroutine[Any, Any, Any], seconds: float) -> None:
    """Wait for `what`, the time, the caller's going or the server's stop, whichever comes first."""
    await any_of(what, gone(request), state.stopping(request).wait(), seconds=seconds)


async def any_of(*waits: Coroutine[Any, Any, Any], seconds: float | None = None) -> None:
    """Wait until one of these has ended or the time is up; the others are given up.

    Raises what the one that has ended raised.
    """
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        ended, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()


async def gone(request: Request) -> None:
    """Return when the caller has closed the connection."""
    await disconnected(request.receive)


async def disconnected(receive: Any) -> None:
    """Read on until the other side is gone."""
    message: dict[str, Any] = {"type": ""}
    while message["type"] not in ("http.disconnect", "websocket.disconnect"):
        found: Awaitable[dict[str, Any]] = receive()
        message = await found
