"""Which executions to list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Engine, Select, Text, cast, exists, func

from caudal_core.journal.tables import execution


@dataclass(frozen=True, slots=True)
class Filter:
    """Which executions to list, newest first; `before` is the `(created, id)` of the last seen."""

    status: tuple[str, ...] = ()
    workflow_id: str | None = None
    organization: str | None = None
    since: float | None = None
    until: float | None = None
    labels: Mapping[str, str] | None = None
    parent: str | None = None
    before: tuple[float, str] | None = None
    limit: int = 50


def filtered(query: Select[Any], wanted: Filter, database: Engine) -> Select[Any]:
    """The query for those alone that the filter takes, whatever the page."""
    if wanted.status:
        query = query.where(execution.c.state.in_(wanted.status))
    if wanted.workflow_id is not None:
        query = query.where(execution.c.workflow_id == wanted.workflow_id)
    if wanted.organization is not None:
        query = query.where(execution.c.organization == wanted.organization)
    if wanted.parent is not None:
        query = query.where(execution.c.parent == wanted.parent)
    if wanted.since is not None:
        query = query.where(execution.c.created >= wanted.since)
    if wanted.until is not None:
        query = query.where(execution.c.created < wanted.until)
    for key, value in (wanted.labels or {}).items():
        label = _labels(database).table_valued("key", "value")
        query = query.where(exists().where(label.c.key == key, label.c.value == value))
    return query


def _labels(database: Engine) -> Any:
    """The labels of an execution as rows of a key and a text."""
    if database.dialect.name == "postgresql":
        return func.json_each_text(cast(func.convert_from(execution.c.labels, "UTF8"), JSON))
    return func.json_each(cast(execution.c.labels, Text))
