"""Executions that are done again: handlers that fail until they are mended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.core.engines import Gate, ended
from tests.core.flows import HANDLERS, document

from caudal_core import Config, Context, Handler, HandlerError, handler
from caudal_core.engine import Engine, Execution, FolderStorage, Replay
from caudal_core.engine.view import ExecutionView
from caudal_core.registry import Registry
from caudal_core.values import decode


class World:
    """Handlers that remember their calls, and of which some fail until the world is mended."""

    def __init__(self) -> None:
        self.mended = False
        self.calls: list[str] = []
        self.keys: list[str] = []
        self.gate = Gate()

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """`count` hands on what came in, `frail` too once the world is mended, `many` is large."""

        @handler("count", light=True)
        def count(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            ctx.log.info("counted")
            return data

        @handler("frail", effect="keyed")
        def frail(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            self.keys.append(ctx.idempotency_key)
            if not self.mended:
                raise HandlerError("the tank is empty")
            return data

        @handler("many")
        def many(config: Config, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            return [{"n": n, "text": "x" * 100} for n in range(2_000)]

        return (*HANDLERS, count, frail, many, self.gate.handler)

    @asynccontextmanager
    async def engine(self, folder: Path | None) -> AsyncIterator[Engine]:
        """An engine with these handlers."""
        storage = FolderStorage(folder) if folder else None
        async with Engine(Registry.of(*self.handlers), storage=storage) as engine:
            yield engine


async def ran(engine: Engine, flow: dict[str, Any], inputs: Any = None, **more: Any) -> Execution:
    """An execution that has ended."""
    return await ended(await engine.submit(flow, inputs, **more))


async def retried(engine: Engine, execution_id: str) -> Execution:
    """Its retry, once that has ended."""
    return await ended(await engine.enter(await engine.again.retry(execution_id)))


async def replayed(engine: Engine, execution_id: str, *given: Any, **more: Any) -> Execution:
    """A replay of it, once that has ended."""
    prepared = await engine.again.replay(execution_id, Replay(*given, **more))
    return await ended(await engine.enter(prepared))


def reused(execution: Execution | ExecutionView) -> dict[str, str]:
    """By node the execution from which its run was taken over."""
    return {run.node_id: run.reused for run in execution.runs if run.reused is not None}


def final(execution: Execution | ExecutionView) -> Any:
    """The final output."""
    found = execution.record.final
    return None if found is None else decode(found)


CHAIN = document({"a": "count", "b": "frail", "c": "count"}, "a b", "b c", id="w", name="W")
