"""The lives of an engine: handlers that are cut off in the first and go through in the second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.core.databases import storage_at
from tests.core.flows import HANDLERS

from caudal_core import Config, Context, Handler, Records, handler
from caudal_core.engine import Engine, Execution
from caudal_core.engine.view import ExecutionView
from caudal_core.registry import Registry
from caudal_core.values import decode

LONG = 30.0


class Life:
    """Handlers that know which life of the server they run in, and remember their calls."""

    def __init__(self) -> None:
        self.second = False
        self.calls: list[str] = []
        self.keys: list[str] = []
        self.held = asyncio.Event()

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """`hold` stays where it is in the first life and goes through in the second."""

        async def hold(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            self.keys.append(ctx.idempotency_key)
            if not self.second:
                self.held.set()
                await asyncio.sleep(1000)
            return data

        @handler("count", light=True)
        def count(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            return data

        @handler("countFailure", light=True)
        def count_failure(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            message = "no answer"
            raise ValueError(message)

        @handler("values", light=True)
        def values(config: Config, data: Any, ctx: Context) -> Records:
            self.calls.append(ctx.node_id)
            ctx.say("many", row_count=1)
            row = {"big": 2**70, "exact": Decimal("0.12345678901234567890"), "t": "ñ", "f": 0.1}
            return Records([row], metadata={"f": {"unit": "€/MWh"}})

        @handler("table")
        def table(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            return [{"n": n, "text": "x" * 100} for n in range(2_000)]

        effects = {"hold": "idempotent", "holdKeyed": "keyed", "holdOnce": "at_most_once"}
        held = tuple(handler(key, effect=value)(hold) for key, value in effects.items())  # type: ignore[arg-type]
        return (*HANDLERS, *held, count, count_failure, values, table)


@asynccontextmanager
async def life(folder: Path, *handlers: Handler) -> AsyncIterator[Engine]:
    """One life of the server."""
    async with Engine(Registry.of(*handlers), storage=storage_at(folder)) as engine:
        yield engine


async def ended(engine: Engine, execution_id: str) -> ExecutionView:
    """The execution, once it has ended, whether the engine took it up or not."""
    async with asyncio.timeout(LONG):
        while not (view := await engine.view(execution_id)).record.finished:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return view


async def interrupted(
    folder: Path,
    workflow: dict[str, Any],
    inputs: dict[str, Any] | None = None,
    *,
    ready: Callable[[Execution], bool] = lambda _: True,
    handlers: tuple[Handler, ...] | None = None,
) -> tuple[Life, ExecutionView]:
    """Run a workflow until a node is held, close the engine, and let another one finish it."""
    state = Life()
    async with life(folder, *state.handlers) as engine:
        execution = await engine.submit(workflow, inputs)
        await asyncio.wait_for(state.held.wait(), LONG)
        async with asyncio.timeout(LONG):
            while not ready(execution):
                await execution.change(execution.version, LONG)
    state.second = True
    async with life(folder, *(state.handlers if handlers is None else handlers)) as engine:
        return state, await ended(engine, execution.id)


def statuses(view: ExecutionView) -> dict[str, str]:
    """The status of every node."""
    return {run.node_id: run.shown for run in view.runs}


def committed(*node_ids: str) -> Callable[[Execution], bool]:
    """Whether these nodes have been recorded."""
    return lambda execution: set(node_ids) <= {run.node_id for run in execution.committed}


def final(view: ExecutionView) -> Any:
    """The final output."""
    return None if view.record.final is None else decode(view.record.final)
