"""Reading the workflows that are kept here. Everything here blocks: call it in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, select

from caudal_core.journal.tables import workflow, workflow_version
from caudal_core.values import decode


@dataclass(frozen=True, slots=True)
class StoredWorkflow:
    """One version of a workflow; `created` is when this version was saved, in seconds."""

    id: str
    version: int
    hash: str
    name: str
    organization: str | None
    created: float


class WorkflowStore:
    """The workflows that the database knows."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def latest(self, workflow_id: str) -> StoredWorkflow | None:
        """The newest version, or nothing if there is none or it was deleted."""
        found = self.versions(workflow_id)
        return found[0] if found else None

    def versions(self, workflow_id: str) -> list[StoredWorkflow]:
        """Every version, newest first; none once it is deleted."""
        query = (
            select(*_COLUMNS)
            .where(workflow.c.id == workflow_id, workflow.c.deleted.is_(None))
            .order_by(workflow.c.version.desc())
        )
        return self._all(query)

    def last_number(self, workflow_id: str) -> int:
        """The highest version number ever given to this id, 0 if none was."""
        query = select(func.max(workflow.c.version)).where(workflow.c.id == workflow_id)
        with self._database.connect() as connection:
            return connection.execute(query).scalar_one() or 0

    def all(self, organization: str | None = None) -> list[StoredWorkflow]:
        """The newest version of every workflow, by name."""
        newest = (
            select(workflow.c.id, func.max(workflow.c.version).label("version"))
            .where(workflow.c.deleted.is_(None))
            .group_by(workflow.c.id)
            .subquery()
        )
        same = (workflow.c.id == newest.c.id) & (workflow.c.version == newest.c.version)
        query = select(*_COLUMNS).join(newest, same).order_by(workflow.c.name, workflow.c.id)
        if organization is not None:
            query = query.where(workflow.c.organization == organization)
        return self._all(query)

    def document(self, digest: str) -> dict[str, Any] | None:
        """A workflow's JSON by the hash of its text."""
        query = select(workflow_version.c.json).where(workflow_version.c.hash == digest)
        with self._database.connect() as connection:
            found = connection.execute(query).scalar_one_or_none()
        return None if found is None else decode(found)

    def _all(self, query: Any) -> list[StoredWorkflow]:
        with self._database.connect() as connection:
            return [StoredWorkflow(*row) for row in connection.execute(query)]


_COLUMNS = (
    workflow.c.id,
    workflow.c.version,
    workflow.c.hash,
    workflow.c.name,
    workflow.c.organization,
    workflow.c.created,
)
