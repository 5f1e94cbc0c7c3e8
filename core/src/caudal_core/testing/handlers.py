"""Run one handler as the engine would, in one line of a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from caudal_core.context import Context, Environment
from caudal_core.handler import Handler
from caudal_core.payload import Payload
from caudal_core.runner.call import NodeResult
from caudal_core.runner.protocol import Job
from caudal_core.stores import RecordStores
from caudal_core.testing.record_store import MemoryRecordStore
from caudal_core.values import JSON, decode
from caudal_core.waits import Reply, Wait

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run of a handler did.

    `outputs` holds by port what was handed on, as JSON; a port not taken is missing. `output` is
    that of the first port taken. `report` is what stands beside it in the result. `wait` is set
    where the handler cannot go on yet.
    """

    outputs: dict[str, JSON]
    message: str | None
    report: dict[str, JSON]
    log: list[dict[str, str]]
    wait: Wait | None = None

    @property
    def output(self) -> JSON:
        """What left by the first port that was taken, null if none was."""
        return next(iter(self.outputs.values()), None)


def run_handler(
    handler: Handler,
    data: JSON = None,
    config: Mapping[str, Any] | None = None,
    *,
    node_id: str = "node",
    on_row_error: str = "fail",
    type_version: int | None = None,
    answer: Reply | None = None,
    **environment: Any,
) -> Ran:
    """Run `handler` on `data`; raises what it raises.

    `config` is as a workflow stores it; `type_version` is the version of the handler that it was
    stored at, from which it is migrated (without one it is of today's, and is not). `answer` is how
    a wait ended that it had asked for: `answer=Reply(approved=True)`. For a handler
    with several input ports `data` is a mapping by port. In an `async def` test the test's own
    event loop waits meanwhile. `environment` sets what its `Context` shows: `inputs`, `timezone`,
    `clock`, `files`, `dry_run`, … (see `caudal_core.context.Environment`). Its `records` are an
    empty store in memory, or those given: `records=RecordStores.of(MemoryRecordStore())`.
    """
    environment.setdefault("records", RecordStores.of(MemoryRecordStore()))
    several = handler.wants == "ports"
    delivered = (data or {}) if several else {handler.inputs[0] if handler.inputs else "in": data}
    job = Job(
        handler=handler,
        config=handler.parse(config, handler.version if type_version is None else type_version),
        deliveries={port: Payload.of(value) for port, value in delivered.items()},
        ctx=Context(node_id, Environment(**environment)),
        on_row_error=on_row_error,
    )
    job.ctx.answer = answer
    result = waited_for(job.run_async) if handler.is_async else job.run()
    return _ran(result, job.ctx)


def waited_for(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What it comes to; on a thread of its own where an event loop runs in this one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    context = copy_context()
    with ThreadPoolExecutor(1, "run_handler") as thread:
        return thread.submit(context.run, lambda: asyncio.run(work())).result()


def _ran(result: NodeResult, ctx: Context) -> Ran:
    outputs = {port: payload.data for port, payload in result.ports.items()}
    report = decode(result.report)
    for name, value in report.items():
        if isinstance(value, dict) and set(value) == {"$port"}:
            report[name] = outputs[value["$port"]]
    return Ran(outputs, result.message, report, ctx.notes.log, result.wait)
