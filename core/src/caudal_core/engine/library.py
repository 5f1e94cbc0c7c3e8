"""The workflows that are kept here: saved as versions, deleted without a trace in the lists."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from time import time
from typing import TYPE_CHECKING, Any

from caudal_core.engine.execution import new_id
from caudal_core.errors import Conflict, NotAvailable, NotFound
from caudal_core.intake import check_texts
from caudal_core.journal.statements import Statement
from caudal_core.journal.workflows import StoredWorkflow, WorkflowStore
from caudal_core.workflow import UNNAMED, canonical, content_hash

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine


class Library:
    """Saves and finds workflows. What is saved is the JSON as it came, with an `id` if it had none.

    Saving does not check the workflow: a draft may be wrong; running it says so.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = asyncio.Lock()
        self._latest: dict[str, tuple[StoredWorkflow, dict[str, Any]]] = {}

    @property
    def _store(self) -> WorkflowStore:
        store = self._engine.storage.workflows
        if store is None:
            raise NotAvailable("workflows cannot be saved, as the engine keeps nothing on disk")
        return store

    async def find(self, workflow_id: str) -> tuple[StoredWorkflow, dict[str, Any]] | None:
        """The newest version and its JSON, or nothing."""
        found = self._latest.get(workflow_id)
        if found is None and self._engine.storage.workflows is not None:
            found = await self._engine.read(lambda: self._read(workflow_id))
            if found is not None:
                self._latest[workflow_id] = found
        return found

    def _read(self, workflow_id: str) -> tuple[StoredWorkflow, dict[str, Any]] | None:
        stored = self._store.latest(workflow_id)
        document = self._store.document(stored.hash) if stored else None
        return (stored, document) if stored and document is not None else None

    async def save(
        self,
        document: Mapping[str, Any],
        *,
        workflow_id: str | None = None,
        organization: str | None = None,
        expected: int | None = None,
        new: bool = False,
    ) -> StoredWorkflow:
        """Save a version; the same JSON as the newest one makes no new version.

        `expected` is the version that the caller has seen (0: none), `new` refuses an id that is
        taken; both raise `Conflict`.
        """
        check_texts([workflow_id, organization], "the call")
        plain = dict(document)
        plain["id"] = workflow_id or plain.get("id") or new_id()
        key = str(plain["id"])
        async with self._writing:
            found = await self.find(key)
            held = found[0] if found else None
            _check(key, held, expected, new=new)
            text = canonical(plain)
            digest = content_hash(text)
            if held is not None and held.hash == digest:
                return held
            number = 1 + await self._engine.read(lambda: self._store.last_number(key))
            name = str(plain.get("name") or UNNAMED)
            stored = StoredWorkflow(key, number, digest, name, organization, time())
            await self._write(stored, text)
            self._latest[key] = (stored, plain)
            return stored

    async def _write(self, stored: StoredWorkflow, text: bytes) -> None:
        journal = self._engine.journal
        journal.write(Statement.WORKFLOW_VERSION, (stored.hash, text, stored.created))
        row = (
            stored.id,
            stored.version,
            stored.hash,
            stored.name,
            stored.organization,
            stored.created,
            None,
        )
        journal.write(Statement.WORKFLOW, row, urgent=True)
        await journal.flush()

    async def delete(self, workflow_id: str, *, expected: int | None = None) -> None:
        """Delete a workflow; its executions stay. `NotFound`, `Conflict`."""
        async with self._writing:
            found = await self.find(workflow_id)
            if found is None:
                raise NotFound(kind="Workflow", id=workflow_id)
            _check(workflow_id, found[0], expected, new=False)
            row = (time(), workflow_id)
            self._engine.journal.write(Statement.DELETE_WORKFLOW, row, urgent=True)
            await self._engine.journal.flush()
            self._latest.pop(workflow_id, None)

    async def all(self, organization: str | None = None) -> Sequence[StoredWorkflow]:
        """The newest version of every workflow, by name."""
        found: Sequence[StoredWorkflow] = await self._engine.read(
            lambda: self._store.all(organization)
        )
        return found

    async def versions(self, workflow_id: str) -> Sequence[StoredWorkflow]:
        """Every version of a workflow, newest first; `NotFound`."""
        found: Sequence[StoredWorkflow] = await self._engine.read(
            lambda: self._store.versions(workflow_id)
        )
        if not found:
            raise NotFound(kind="Workflow", id=workflow_id)
        return found

    async def document(self, digest: str) -> dict[str, Any] | None:
        """The JSON of any version, by its hash."""
        found: dict[str, Any] | None = await self._engine.read(lambda: self._store.document(digest))
        return found


def _check(key: str, held: StoredWorkflow | None, expected: int | None, *, new: bool) -> None:
    version = held.version if held else 0
    if new and held is not None:
        raise Conflict(message=f"there is a workflow {key} already (version {version})")
    if expected is not None and expected != version:
        raise Conflict(
            message=f"workflow {key} is at version {version}, not {expected}; read it again"
        )
