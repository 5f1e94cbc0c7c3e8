"""What triggers have told of and how far they are. Everything here blocks: call it in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select, select

from caudal_core.journal.records import OPEN
from caudal_core.journal.tables import execution, trigger_event, trigger_pause, trigger_state


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event that was recorded; times are seconds since 1970.

    `execution` is null where it started none, `skipped` says why. `state` is the execution's, null
    where it is not there any more.
    """

    trigger: str
    key: str
    execution: str | None
    planned: float | None
    created: float
    skipped: str | None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class StoredState:
    """How far a trigger is (see `tables.trigger_state`)."""

    trigger: str
    config: str
    since: float
    last: float | None


class TriggerStore:
    """The events and states that the database knows."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def event(self, trigger: str, key: str) -> StoredEvent | None:
        """What was recorded under a key, or nothing."""
        query = _EVENTS.where(trigger_event.c.trigger == trigger, trigger_event.c.key == key)
        found = self._events(query)
        return found[0] if found else None

    def events(
        self, trigger: str, *, limit: int, before: tuple[float, str] | None = None
    ) -> list[StoredEvent]:
        """A page of its events, newest first; `before` is the last `(created, key)` seen."""
        created, key = trigger_event.c.created, trigger_event.c.key
        query = _EVENTS.where(trigger_event.c.trigger == trigger)
        if before is not None:
            when, last = before
            query = query.where((created < when) | ((created == when) & (key < last)))
        return self._events(query.order_by(created.desc(), key.desc()).limit(limit))

    def latest(self, triggers: list[str]) -> dict[str, StoredEvent]:
        """The newest event of each that has one."""
        found = {trigger: self.events(trigger, limit=1) for trigger in triggers}
        return {trigger: events[0] for trigger, events in found.items() if events}

    def running(self, trigger: str) -> list[str]:
        """The ids of its executions that have not ended, oldest first."""
        query = (
            select(execution.c.id)
            .join(trigger_event, trigger_event.c.execution == execution.c.id)
            .where(trigger_event.c.trigger == trigger, execution.c.state.in_(OPEN))
            .order_by(trigger_event.c.created)
        )
        with self._database.connect() as connection:
            return list(connection.execute(query).scalars())

    def states(self) -> dict[str, StoredState]:
        """How far each trigger is, by its id."""
        with self._database.connect() as connection:
            rows = connection.execute(select(*trigger_state.columns)).all()
        return {row.trigger: StoredState(*row) for row in rows}

    def paused(self) -> dict[str, float]:
        """What is paused, and since when, by scope."""
        with self._database.connect() as connection:
            rows = connection.execute(select(*trigger_pause.columns)).all()
        return {row.scope: row.since for row in rows}

    def _events(self, query: Select[Any]) -> list[StoredEvent]:
        with self._database.connect() as connection:
            return [StoredEvent(*row) for row in connection.execute(query)]


_EVENTS = select(
    trigger_event.c.trigger,
    trigger_event.c.key,
    trigger_event.c.execution,
    trigger_event.c.planned,
    trigger_event.c.created,
    trigger_event.c.skipped,
    execution.c.state,
).outerjoin(execution, execution.c.id == trigger_event.c.execution)
