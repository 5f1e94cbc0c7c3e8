"""Engines for tests, and what waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.core.databases import storage_at
from tests.core.flows import HANDLERS

from caudal_core import Config, Context, Handler, handler
from caudal_core.engine import Engine, EngineOptions, Execution
from caudal_core.journal import NodeRun
from caudal_core.registry import Registry

STORED = pytest.mark.parametrize("stored", [False, True], ids=["memory", "folder"])
LONG = 30.0


@asynccontextmanager
async def running(folder: Path | None, *more: Handler, **options: Any) -> AsyncIterator[Engine]:
    """An engine, over a folder if there is one."""
    storage = storage_at(folder) if folder else None
    made = Engine(Registry.of(*HANDLERS, *more), storage=storage, options=EngineOptions(**options))
    async with made:
        yield made


class Gate:
    """Handlers that stay where they are until they are let go."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.calls: list[str] = []

        @handler("held")
        async def held(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            self.entered.set()
            await self.open.wait()
            return data

        self.handler = held


async def ended(execution: Execution) -> Execution:
    """The execution, once it has ended."""
    assert await execution.finished(LONG)
    return execution


async def until(execution: Execution, condition: Callable[[], bool]) -> None:
    """Wait for a change of an execution."""
    async with asyncio.timeout(LONG):
        while not condition():
            await execution.change(execution.version, LONG)


def states(runs: Sequence[NodeRun]) -> dict[str, str]:
    """The status of every node."""
    return {run.node_id: run.shown for run in runs}
