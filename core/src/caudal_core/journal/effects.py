"""The ledger: what nodes did to the world, and of what nobody knows. Everything here blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, select, tuple_

from caudal_core.journal.rows import AGAIN
from caudal_core.journal.tables import execution, node_run
from caudal_core.values import decode

UNKNOWN = frozenset(("TIMEOUT", "INVALID_RESULT", "ROW_FAILED"))
"""Codes of failures that do not say that nothing was done."""

Position = tuple[float, str, int]
"""When a run began, its execution and its number: the place of an effect in the ledger."""


@dataclass(frozen=True, slots=True)
class Done:
    """One run of a node whose effect is keyed, transactional or must not be repeated.

    Times are seconds since 1970, `duration` in seconds.
    """

    execution: str
    workflow_id: str
    workflow_name: str
    organization: str | None
    node: str
    node_type: str
    node_label: str
    effect: str | None
    key: str
    number: int
    attempt: int
    state: str
    message: str | None
    error: Mapping[str, Any] | None
    started: float
    duration: float | None

    @property
    def position(self) -> Position:
        """Its place in the ledger."""
        return self.started, self.execution, self.number

    @property
    def known(self) -> bool:
        """Whether it is known what became of it.

        A failure says so where the handler raised an error of its own: then it had been refused.
        One that ran out of time, that nobody foresaw, whose result could not be handed on, or that
        came at one record after others, may have happened nevertheless.
        """
        if self.state == "failed":
            code = str((self.error or {}).get("code", ""))
            return code.isupper() and code not in UNKNOWN
        return self.state == "completed"


@dataclass(frozen=True, slots=True)
class EffectFilter:
    """Which effects to list, the newest first; `before` is the place of the last one seen."""

    since: float = 0.0
    until: float | None = None
    execution: str | None = None
    organization: str | None = None
    before: Position | None = None
    limit: int = 100


class Effects:
    """The effects that the database knows; `plan` gives the nodes of a plan by its hash."""

    def __init__(self, database: Engine, plan: Callable[[str], Mapping[str, Any]]) -> None:
        self._database = database
        self._plan = plan

    def list(self, wanted: EffectFilter) -> list[Done]:
        """A page of the ledger."""
        run = node_run.c
        query = (
            select(
                *(run.execution, run.node, run.number, run.attempt, run.state, run.message),
                *(run.idempotency_key, run.error, run.started, run.duration),
                *(execution.c.workflow_id, execution.c.workflow_name),
                *(execution.c.organization, execution.c.plan_hash),
            )
            .join(execution, execution.c.id == run.execution)
            .where(run.idempotency_key.is_not(None), run.started >= wanted.since)
        )
        if wanted.until is not None:
            query = query.where(run.started < wanted.until)
        if wanted.execution is not None:
            query = query.where(run.execution == wanted.execution)
        if wanted.organization is not None:
            query = query.where(execution.c.organization == wanted.organization)
        place = tuple_(run.started, run.execution, run.number)
        if wanted.before is not None:
            query = query.where(place < tuple_(*wanted.before))
        order = run.started.desc(), run.execution.desc(), run.number.desc()
        with self._database.connect() as connection:
            rows: Any = connection.execute(query.order_by(*order).limit(wanted.limit)).all()
        return [self._done(row) for row in rows]

    def _done(self, row: Row[Any]) -> Done:
        node = self._plan(row.plan_hash).get(row.node)
        return Done(
            execution=row.execution,
            workflow_id=row.workflow_id,
            workflow_name=row.workflow_name,
            organization=row.organization,
            node=row.node,
            node_type=node.type if node else "",
            node_label=node.label if node else row.node,
            effect=node.effect if node else None,
            key=row.idempotency_key,
            number=row.number,
            attempt=row.attempt,
            state=row.state,
            message=row.message,
            error=_error(row.error),
            started=row.started,
            duration=row.duration,
        )


def _error(stored: bytes | None) -> Mapping[str, Any] | None:
    found: dict[str, Any] | None = decode(stored) if stored else None
    return None if found is None else {key: found[key] for key in found if key != AGAIN}
