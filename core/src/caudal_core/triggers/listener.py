"""One trigger of one workflow, listened to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from caudal_core.engine import Engine
from caudal_core.errors import InvalidWorkflow, Overloaded, Unavailable, error_text
from caudal_core.trigger import MAX_WHY, Event, TriggerContext
from caudal_core.triggers.firing import Fired, Firing
from caudal_core.triggers.running import Running
from caudal_core.triggers.wanted import Wanted

FIRST_DELAY = 1.0
LONGEST_DELAY = 300.0
"""Seconds after which a listener that has failed is started again; each time twice as many."""

CANCEL_SECONDS = 5.0
"""How long a replaced execution gets to end before the next one begins."""

LEASE_SECONDS = 0.5
"""Seconds between two looks at a lease that has run out."""

_log = logging.getLogger(__name__)
Took = Callable[["Listener", Event, Fired], None]


class Listener:
    """Listens until it is cancelled; a trigger that fails is started again after a while.

    `error` says what is wrong at this moment, `retry_at` when it is tried again. `wanted` may be
    replaced by a newer version of the workflow with the same trigger. While `holds` says that the
    lease has run out, nothing is taken.
    """

    def __init__(
        self,
        wanted: Wanted,
        ctx: TriggerContext,
        engine: Engine,
        firing: Firing,
        took: Took,
        *,
        holds: Callable[[], bool],
    ) -> None:
        self.wanted = wanted
        self.ctx = ctx
        self.error: str | None = wanted.problem
        self.retry_at: datetime | None = None
        self.last = ctx.last
        self._taken = 0
        self._stopped = False
        self._firing = firing
        self._took = took
        self._holds = holds
        self._engine = engine
        self._running = Running(engine, wanted.id)
        self._task: asyncio.Task[None] | None = None

    @property
    def reached(self) -> datetime:
        """How far it is: what was planned until then has been told of."""
        return self.last or self.ctx.since

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._listen(), name=f"trigger {self.wanted.id}")

    async def stop(self, seconds: float = 2.0) -> None:
        """End the listening; one that does not let itself be ended is left alone."""
        self._stopped = True
        if self._task is None:
            return
        self._task.cancel()
        _, left = await asyncio.wait([self._task], timeout=seconds)
        if left:
            text = "the trigger '%s' of workflow %s does not stop"
            _log.warning(text, self.wanted.trigger.name, self.wanted.workflow.id)

    # -- listening -------------------------------------------------------------------------------

    async def _listen(self) -> None:
        delay = FIRST_DELAY
        while True:
            taken = self._taken
            cause = await self._until_it_fails()
            delay = FIRST_DELAY if self._taken > taken else delay
            await self._wait(cause, delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _until_it_fails(self) -> str:
        """Take what the trigger tells of; why there is no more of it."""
        ctx = replace(self.ctx, last=self.last)
        try:
            events = self.wanted.trigger.listen(self.wanted.config, ctx)
            try:
                async for event in events:
                    await self._take(event)
            finally:
                if isinstance(events, AsyncGenerator):
                    await events.aclose()  # it lets go of what it has open now, not some day
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) or _is_cancelled():
                raise
            text = "the trigger '%s' of workflow %s has failed"
            _log.warning(text, self.wanted.trigger.name, ctx.workflow_id, exc_info=error)
            return error_text(error)
        return "it has stopped listening by itself"

    async def _wait(self, cause: str, seconds: float) -> None:
        self.error = cause[:MAX_WHY]
        self.retry_at = self.ctx.now() + timedelta(seconds=seconds)
        await self.ctx.sleep(seconds)
        self.retry_at = None

    async def _take(self, event: Any) -> None:
        """Record an event, and start its execution; returns once both are on disk."""
        if self._stopped:
            raise asyncio.CancelledError  # it was told to end, and has gone on all the same
        if not isinstance(event, Event):
            message = f"it yielded {event!r}, which is no Event"
            raise TypeError(message)
        # Another server may listen: then this one is ended, else the lease is renewed.
        while not self._holds():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(LEASE_SECONDS)
        fired = await self._until_recorded(event)
        self.error = None if fired.skipped is None or event.skipped else self.error
        self._taken += 1
        self.last = event.planned.astimezone(UTC) if event.planned else self.last
        self._took(self, event, fired)

    async def _until_recorded(self, event: Event) -> Fired:
        delay = FIRST_DELAY
        while True:
            try:
                return await self._fire(event)
            except (Unavailable, Overloaded) as error:
                await self._wait(error_text(error), delay)
                delay = min(2 * delay, LONGEST_DELAY)

    async def _fire(self, event: Event) -> Fired:
        target = self.wanted.target
        why = event.skipped or await self._make_room(event)
        if why is not None:
            return await self._firing.skip(target, event, why)
        try:
            fired = await self._firing.fire(target, event)
        except InvalidWorkflow as error:
            if event.planned is None:
                raise  # what cannot be run is not acknowledged: it is told of again
            self.error = error_text(error)[:MAX_WHY]
            why = f"it cannot run: {error_text(error)}"[:MAX_WHY]
            return await self._firing.skip(target, event, why)
        if fired.execution_id is not None and not fired.repeated:
            self._running.add(fired.execution_id)
        return fired

    async def _make_room(self, event: Event) -> str | None:
        """What is to become of executions that have not ended; why the event is skipped, if so."""
        if event.overlap == "parallel":
            return None
        if event.overlap == "replace":
            await self._running.replace(CANCEL_SECONDS)
        elif event.overlap == "queue":
            await self._running.ended(self.ctx)
        elif ids := await self._running.ids():
            return f"the execution {ids[0]} of the time before has not ended"
        return None


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
