"""What the engine asks of whoever runs its nodes.

The core alone decides which node is ready, which branch is taken and what is skipped; a runner
receives jobs that are ready and gives back their results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from caudal_core.context import Context
from caudal_core.handler import Handler
from caudal_core.payload import LARGE
from caudal_core.runner.call import Deliveries, NodeResult, call, call_async, result_of, with_state
from caudal_core.runner.rows import Rows

LIGHT_ROWS = 500
"""Records up to which a light handler is called on the spot."""


@dataclass(slots=True)
class Job:
    """One attempt at one node."""

    handler: Handler
    config: Any
    deliveries: Deliveries
    ctx: Context
    on_row_error: str = "fail"
    timeout: float | None = None

    def run(self) -> NodeResult:
        """Run a `def` handler to its end, in this thread."""
        if not self.handler.per_row:
            return call(self.handler, self.config, self.deliveries, self.ctx)
        data = next(iter(self.deliveries.values())).records()
        returned = Rows(data, self.ctx, self.on_row_error).run(self.handler, self.config)
        result = result_of(self.handler, returned, data, self.deliveries, self.ctx.said)
        return with_state(result, self.ctx)

    async def run_async(self) -> NodeResult:
        """Run an `async def` handler to its end."""
        if not self.handler.per_row:
            return await call_async(self.handler, self.config, self.deliveries, self.ctx)
        data = next(iter(self.deliveries.values())).records()
        rows = Rows(data, self.ctx, self.on_row_error)
        returned = await rows.run_async(self.handler, self.config)
        result = result_of(self.handler, returned, data, self.deliveries, self.ctx.said)
        return with_state(result, self.ctx)


def small(deliveries: Deliveries) -> bool:
    """Whether all that came in is small enough for a light handler on the event loop."""
    for payload in deliveries.values():
        if payload.size > LARGE or (payload.rows is not None and payload.rows > LIGHT_ROWS):
            return False
    return True


class Runner(Protocol):
    """Runs jobs. One runner serves all executions of an engine."""

    name: str

    def start(self) -> None:
        """Get ready; called on the event loop before the first job."""

    inlines: bool
    """Whether the engine may call light handlers itself, on the event loop."""

    async def run(self, job: Job) -> NodeResult:
        """Run the job; raise what its handler raised, or `NodeTimeout` when its time is over.

        When the awaiting task is cancelled, the job's context is cancelled and what the handler
        returns later is dropped.
        """

    async def close(self) -> None:
        """Let go of everything; jobs still running are abandoned."""
