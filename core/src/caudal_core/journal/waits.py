"""What the database knows of waits: timers, and what people are asked. Everything here blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Engine, Row, Select, exists, select

from caudal_core.journal.tables import approval, execution, timer
from caudal_core.values import decode, encode

TimerKind = Literal["retry", "time", "approval", "outcome", "deadline", "wake"]
ApprovalKind = Literal["approval", "outcome"]
ApprovalState = Literal["open", "approved", "rejected", "expired", "cancelled"]

NO_NODE = ""
"""The node of a timer that is the execution's own."""


class Timer(NamedTuple):
    """What an execution waits for.

    `retry`: the next attempt. `time`, `approval`: the end of a handler's `Wait`. `outcome`: what a
    person knows of an effect that was cut off. `deadline`: the end of its own time. `wake`: nothing
    more, as there is news for it. `due` is in seconds since 1970, or null where only a person ends
    it; `about` is what must be known then.
    """

    execution: str
    node: str
    kind: TimerKind
    due: float | None
    about: Mapping[str, Any]

    def row(self) -> tuple[Any, ...]:
        """In the order of the table's columns."""
        about = encode(dict(self.about)) if self.about else None
        return self.execution, self.node, self.kind, self.due, about


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person is asked, and how that was decided. Times are seconds since 1970.

    `kind` is `approval` where a handler asks, `outcome` where it is asked whether an effect that
    was cut off has happened.
    """

    id: str
    execution: str
    node: str
    node_label: str
    workflow_id: str
    workflow_name: str
    organization: str | None
    kind: ApprovalKind
    question: str
    user_id: str
    user_name: str
    channel: str
    created: float
    due: float | None = None
    state: ApprovalState = "open"
    decided: float | None = None
    decided_by: str | None = None
    comment: str | None = None
    data: Any = None

    def row(self) -> tuple[Any, ...]:
        """In the order of the table's columns."""
        found = [getattr(self, column.name) for column in approval.columns]
        return *found[:-1], encode(self.data)

    def decision(self) -> tuple[Any, ...]:
        """In the order of `statements.DECIDE`, then its id."""
        return self.state, self.decided, self.decided_by, self.comment, encode(self.data), self.id


@dataclass(frozen=True, slots=True)
class ApprovalFilter:
    """Which approvals to list, the oldest first; `after` is the id of the last one seen."""

    states: tuple[str, ...] = ("open",)
    execution: str | None = None
    user_id: str | None = None
    organization: str | None = None
    after: str | None = None
    limit: int = 50

    def takes(self, found: Approval) -> bool:
        """Whether it is one of them, whatever the page."""
        return (
            (not self.states or found.state in self.states)
            and self.execution in (None, found.execution)
            and self.user_id in (None, found.user_id)
            and self.organization in (None, found.organization)
            and (self.after is None or found.id > self.after)
        )


class Waits:
    """The timers and approvals that the database has."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def timers(self, execution_id: str) -> list[Timer]:
        """All of an execution."""
        query = select(*timer.columns).where(timer.c.execution == execution_id)
        with self._database.connect() as connection:
            rows = connection.execute(query).all()
        return [_timer(*row) for row in rows]

    def timers_of_several(self, identities: Sequence[str]) -> dict[str, list[Timer]]:
        """All of each execution that has any."""
        found: dict[str, list[Timer]] = {}
        query = select(*timer.columns).where(timer.c.execution.in_(identities))
        with self._database.connect() as connection:
            for row in connection.execute(query):
                found.setdefault(row.execution, []).append(_timer(*row))
        return found

    def due(self, until: float, after: tuple[float, str], limit: int) -> list[tuple[float, str]]:
        """The next moments, and the executions that wait for them, behind `after`."""
        moment, last = after
        behind = (timer.c.due > moment) | ((timer.c.due == moment) & (timer.c.execution > last))
        query = _awaited(select(timer.c.due, timer.c.execution))
        query = query.where(timer.c.due <= until, behind)
        query = query.order_by(timer.c.due, timer.c.execution).limit(limit)
        with self._database.connect() as connection:
            return [(row.due, row.execution) for row in connection.execute(query)]

    def next_due(self, after: float) -> float | None:
        """The first moment after this one for which an execution waits."""
        query = _awaited(select(timer.c.due)).where(timer.c.due > after).order_by(timer.c.due)
        with self._database.connect() as connection:
            found: float | None = connection.execute(query.limit(1)).scalar_one_or_none()
        return found

    def approval(self, approval_id: str) -> Approval | None:
        """One approval, or nothing."""
        found = self._approvals(_approvals().where(approval.c.id == approval_id))
        return found[0] if found else None

    def approvals(self, wanted: ApprovalFilter) -> list[Approval]:
        """A page of approvals, the oldest first."""
        query = _approvals()
        if wanted.states:
            query = query.where(approval.c.state.in_(wanted.states))
        for column, value in (
            (approval.c.execution, wanted.execution),
            (approval.c.user_id, wanted.user_id),
            (approval.c.organization, wanted.organization),
        ):
            if value is not None:
                query = query.where(column == value)
        if wanted.after is not None:
            query = query.where(approval.c.id > wanted.after)
        return self._approvals(query.order_by(approval.c.id).limit(wanted.limit))

    def _approvals(self, query: Select[Any]) -> list[Approval]:
        with self._database.connect() as connection:
            rows = connection.execute(query).all()
        return [_approval(row) for row in rows]


def _timer(
    execution_id: str, node: str, kind: TimerKind, due: float | None, about: bytes | None
) -> Timer:
    return Timer(execution_id, node, kind, due, decode(about) if about else {})


def _approval(row: Row[Any]) -> Approval:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    values["data"] = decode(values["data"]) if values["data"] else None
    return Approval(**values)


def _approvals() -> Select[Any]:
    return select(*approval.columns)


def _awaited(query: Select[Any]) -> Select[Any]:
    """Only of executions that nobody has in memory; by their moments, however many wait."""
    waits = (execution.c.id == timer.c.execution) & (execution.c.state == "waiting")
    return query.where(exists().where(waits))
