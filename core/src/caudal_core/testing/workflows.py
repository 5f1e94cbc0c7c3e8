"""Run workflows in a test, in memory, with just the handlers that it names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caudal_core.handler import Handler
from caudal_core.registry import Registry
from caudal_core.stores import RecordStores
from caudal_core.testing.record_store import MemoryRecordStore
from caudal_core.values import JSON, decode

if TYPE_CHECKING:  # the engine loads much, and many tests run a handler alone
    from caudal_core.engine import Engine
    from caudal_core.journal import NodeRun

LONGEST = 30.0
"""Seconds that a workflow gets in a test."""


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """What became of an execution.

    `output` is its final output. `runs` holds every attempt at every node, in the order of time.
    """

    status: str
    output: JSON
    runs: Sequence[NodeRun]
    error: str | None

    def run(self, node_id: str) -> NodeRun:
        """The last attempt at a node; `KeyError` if there was none."""
        for found in reversed(self.runs):
            if found.node_id == node_id:
                return found
        raise KeyError(node_id)

    def outputs(self, node_id: str) -> dict[str, JSON]:
        """By port what a node handed on, as JSON; a port not taken is missing."""
        return {port: load.data for port, load in (self.run(node_id).outputs or {}).items()}

    @property
    def statuses(self) -> dict[str, str]:
        """The status of every node, by its id."""
        return {run.node_id: run.state for run in self.runs}


@asynccontextmanager
async def memory_engine(*handlers: Handler, **options: Any) -> AsyncIterator[Engine]:
    """A running engine with these handlers that keeps nothing on disk.

    `options` are those of `caudal_core.engine.EngineOptions`; `records` are in memory if not given.
    """
    from caudal_core.engine import Engine, EngineOptions

    options.setdefault("records", RecordStores.of(MemoryRecordStore()))
    engine = Engine(Registry.of(*handlers), options=EngineOptions(**options))
    async with engine:
        yield engine


async def run_on(
    engine: Engine,
    document: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    *,
    seconds: float = LONGEST,
) -> WorkflowRun:
    """Run a workflow to its end on an engine; `TimeoutError` after so many seconds.

    Raises `InvalidWorkflow` where the workflow has problems.
    """
    execution = await engine.submit(document, inputs)
    if not await execution.finished(seconds):
        await engine.cancel(execution.id)
        message = f"the workflow has not ended after {seconds:g} s"
        raise TimeoutError(message)
    record = execution.record
    output = None if record.final is None else decode(record.final)
    return WorkflowRun(record.state, output, tuple(execution.runs), record.error)


def run_workflow(
    document: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    *handlers: Handler,
    seconds: float = LONGEST,
    **options: Any,
) -> WorkflowRun:
    """Run a workflow to its end with these handlers; see `run_on` and `memory_engine`."""

    async def run() -> WorkflowRun:
        async with memory_engine(*handlers, **options) as engine:
            return await run_on(engine, document, inputs, seconds=seconds)

    return asyncio.run(run())
