"""The workflows that are kept here: saved as versions, deleted without a trace in the lists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from caudal_core.engine.execution import new_id
from caudal_core.engine.recent import Recent
from caudal_core.errors import Conflict, NotAvailable, NotFound, Unavailable
from caudal_core.intake import check_texts
from caudal_core.journal.statements import Statement
from caudal_core.journal.workflows import StoredWorkflow, WorkflowStore
from caudal_core.workflow import UNNAMED, canonical, content_hash

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine

SECONDS = 10.0
"""How long a caller waits until what it wants written is on disk."""

T = TypeVar("T")


class _Latest(NamedTuple):
    """The newest version of a workflow, its JSON, and the bytes of its text."""

    stored: StoredWorkflow
    document: dict[str, Any]
    size: int


class Library:
    """Saves and finds workflows. What is saved is the JSON as it came, with an `id` if it had none.

    Saving does not check the workflow: a draft may be wrong; running it says so. One write goes on
    at a time, at all servers that share a database, and to its end, whatever becomes of its caller:
    a version that may yet reach the disk has its number, and nobody is shown the one before it as
    the newest from then on.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = asyncio.Lock()
        self._writes = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._latest = Recent[_Latest]()
        self._listeners: set[Callable[[str], None]] = set()

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener(workflow_id)` after each write, which must not fail; returns its end."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    @property
    def _store(self) -> WorkflowStore:
        store = self._engine.storage.workflows
        if store is None:
            raise NotAvailable("workflows cannot be saved, as the engine keeps nothing on disk")
        return store

    async def find(self, workflow_id: str) -> tuple[StoredWorkflow, dict[str, Any]] | None:
        """The newest version and its JSON, or nothing."""
        found = self._latest.get(workflow_id)
        if not self._engine.storage.exclusive:
            found = await self._checked(workflow_id, found)
        if found is None and self._engine.storage.workflows is not None:
            writes = self._writes
            found = await self._engine.read(lambda: self._read(workflow_id))
            if found is not None and writes == self._writes:  # else it may be old by now
                self._latest.put(workflow_id, found, found.size)
        return (found.stored, found.document) if found else None

    async def _checked(self, workflow_id: str, found: _Latest | None) -> _Latest | None:
        """What is remembered, if it is still the newest: another server may have saved one."""
        if found is None:
            return None
        newest = await self._engine.read(lambda: self._store.latest(workflow_id))
        return found if newest == found.stored else None

    def _read(self, workflow_id: str) -> _Latest | None:
        stored = self._store.latest(workflow_id)
        document = self._store.document(stored.hash) if stored else None
        if stored is None or document is None:
            return None
        return _Latest(stored, document, len(canonical(document)))

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
        taken; both raise `Conflict`. `Unavailable` if the disk does not take it in `SECONDS`; it
        may then still be saved later.
        """
        check_texts([workflow_id, organization], "the call")
        plain = dict(document)
        plain["id"] = workflow_id or plain.get("id") or new_id()
        key = str(plain["id"])

        async def write() -> StoredWorkflow:
            held = await self._held(key, expected, new=new)
            text = canonical(plain)
            digest = content_hash(text)
            if held is not None and held.hash == digest:
                return held
            number = 1 + await self._engine.read(lambda: self._store.last_number(key))
            name = str(plain.get("name") or UNNAMED)
            stored = StoredWorkflow(key, number, digest, name, organization, time())
            await self._commit(key, lambda: self._write(stored, text))
            self._latest.put(key, _Latest(stored, plain, len(text)), len(text))
            return stored

        return await self._alone(write)

    def _write(self, stored: StoredWorkflow, text: bytes) -> None:
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
        journal.write(Statement.WORKFLOW, row)

    async def delete(self, workflow_id: str, *, expected: int | None = None) -> None:
        """Delete a workflow; its executions stay. `NotFound`, `Conflict`, `Unavailable`."""

        async def write() -> None:
            if await self._held(workflow_id, expected) is None:
                raise NotFound(kind="Workflow", id=workflow_id)
            row = (time(), workflow_id)
            journal = self._engine.journal
            await self._commit(workflow_id, lambda: journal.write(Statement.DELETE_WORKFLOW, row))

        await self._alone(write)

    # -- one write at a time ---------------------------------------------------------------------

    async def _alone(self, write: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do this when no other write goes on; it then goes on without its caller."""
        self._check_open()
        try:
            async with asyncio.timeout(SECONDS):
                await self._writing.acquire()
                task = asyncio.create_task(self._to_its_end(write))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                return await asyncio.shield(task)
        except TimeoutError:
            raise Unavailable(message=self._engine.fault or "the disk takes too long") from None

    async def _to_its_end(self, write: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            self._check_open()
            async with self._engine.alone("library"):
                return await write()
        finally:
            self._writing.release()

    def _check_open(self) -> None:
        if self._engine.closing:
            raise Unavailable(message="the engine is stopping")
        if (fault := self._engine.fault) is not None:
            raise Unavailable(message=fault)

    async def _commit(self, key: str, write: Callable[[], None]) -> None:
        """Write rows and wait for the disk; what is remembered of the workflow is old by then."""
        self._forget(key)
        write()
        try:
            await self._engine.journal.flush()
        finally:
            self._forget(key)
            for listener in tuple(self._listeners):
                listener(key)

    def _forget(self, key: str) -> None:
        self._latest.drop(key)
        self._writes += 1

    async def _held(
        self, key: str, expected: int | None, *, new: bool = False
    ) -> StoredWorkflow | None:
        """The newest version, where it is the one that the caller expects."""
        found = await self.find(key)
        held = found[0] if found else None
        version = held.version if held else 0
        if new and held is not None:
            raise Conflict(message=f"there is a workflow {key} already (version {version})")
        if expected is not None and expected != version:
            message = f"workflow {key} is at version {version}, not {expected}; read it again"
            raise Conflict(message=message)
        return held

    # -- lists -----------------------------------------------------------------------------------

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
