"""From an event to its execution: once, and both in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caudal_core.engine import Engine, Execution
from caudal_core.engine.acceptance import ACCEPT_SECONDS
from caudal_core.graph import Graph
from caudal_core.journal.journal import Row
from caudal_core.journal.statements import Statement
from caudal_core.trigger import Clock, Event
from caudal_core.triggers.names import execution_id

INPUT = "_trigger"
"""The input that says what started an execution: `{type, nodeId, key, plannedAt}`."""

LABEL = "trigger"
"""The label that names the trigger, so that lists can be filtered by it."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an event starts: the workflow, and the node whose trigger has told of it.

    `digest` is the hash of a stored version; `workflow` may be the graph already.
    """

    trigger: str
    type: str
    node_id: str
    workflow_id: str
    workflow: Mapping[str, Any] | Graph
    digest: str | None = None
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class Fired:
    """What became of an event: the execution's id, or why there is none.

    `execution` is there while it is in memory. `repeated`: the key was seen before.
    """

    execution_id: str | None
    execution: Execution | None = None
    repeated: bool = False
    skipped: str | None = None


class Firing:
    """Starts executions for events. A key that was seen before starts nothing."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._under_way: dict[tuple[str, str], asyncio.Task[Fired]] = {}

    async def fire(self, target: Target, event: Event) -> Fired:
        """Record the event together with its execution; both are on disk when this returns.

        Raises what `Engine.submit` raises. After `Unavailable` the event may yet be recorded: fire
        it again, and it is found. Whoever fires a key that is under way waits for the first one.
        """
        key = target.trigger, _key(event)
        task = self._under_way.get(key)
        repeated = task is not None
        if task is None:
            task = asyncio.create_task(self._fire(target, event))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._ended(key, done))
        fired = await asyncio.shield(task)
        return Fired(fired.execution_id, fired.execution, repeated=True) if repeated else fired

    def _ended(self, key: tuple[str, str], task: asyncio.Task[Fired]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # whoever fired it may not wait any more

    async def _fire(self, target: Target, event: Event) -> Fired:
        if (found := await self._seen(target, event)) is not None:
            return found
        identity = execution_id(target.trigger, _key(event))
        execution = await self._engine.submit(
            target.workflow,
            {**event.inputs, INPUT: about(target, event)},
            workflow_id=target.workflow_id,
            digest=target.digest,
            organization=target.organization,
            labels={LABEL: target.trigger},
            execution_id=identity,
            beside=self._rows(target, event, identity, None),
        )
        return Fired(identity, execution)

    async def _seen(self, target: Target, event: Event) -> Fired | None:
        """What an event of this key led to before, once that is on disk."""
        key = _key(event)
        identity = execution_id(target.trigger, key)
        if (live := self._engine.live(identity)) is not None:
            await self._engine.journal.flush(most=ACCEPT_SECONDS)
            return Fired(identity, live, repeated=True)
        store = self._engine.storage.triggers
        found = await self._engine.read(lambda: store and store.event(target.trigger, key))
        if found is None:
            return None
        return Fired(found.execution, repeated=True, skipped=found.skipped)

    async def skip(self, target: Target, event: Event, why: str) -> Fired:
        """Record that the event starts nothing, and why."""
        found = await self._seen(target, event)
        if found is not None:
            return found
        journal = self._engine.journal
        for statement, row in self._rows(target, event, None, why):
            journal.write(statement, row, urgent=True)
        await journal.flush(most=ACCEPT_SECONDS)
        return Fired(None, skipped=why)

    def _rows(
        self, target: Target, event: Event, execution: str | None, why: str | None
    ) -> list[tuple[int, Row]]:
        planned = None if event.planned is None else event.planned.timestamp()
        created = self._clock.now().timestamp()
        row = (target.trigger, event.key, execution, planned, created, why)
        rows: list[tuple[int, Row]] = [(Statement.TRIGGER_EVENT, row)]
        if planned is not None:
            rows.append((Statement.TRIGGER_LAST, (planned, target.trigger)))
        return rows

    async def close(self) -> None:
        """Give what is under way a moment to end."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=2)


def _key(event: Event) -> str:
    if event.key is None:
        message = "the event has no key, by which it would be known when it is told of again"
        raise ValueError(message)
    return event.key


def about(target: Target, event: Event) -> dict[str, Any]:
    """What an execution is told of the event that started it."""
    found = {"type": target.type, "nodeId": target.node_id, "key": event.key}
    return found if event.planned is None else {**found, "plannedAt": moment(event.planned)}


def moment(at: datetime) -> str:
    """ISO 8601, with the offset that it has."""
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds")
