"""What is known of executions and of their values: in memory, in the journal, in blobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from caudal_core.engine.execution import Execution
from caudal_core.engine.recovery.resume import fetched, read_edited, read_inputs
from caudal_core.engine.storage import Storage
from caudal_core.engine.view import ExecutionView, with_inputs
from caudal_core.errors import NotFound
from caudal_core.payload import Payload, TablePayload
from caudal_core.runner.pool import ThreadPool
from caudal_core.tables.columns import Columns
from caudal_core.tables.ipc import open_ipc
from caudal_core.values import JSON

if TYPE_CHECKING:
    from caudal_core.engine.recovery.recovery import Recovery

Counted = Mapping[str, tuple[int, float]]
"""By state how many executions there are, and when the oldest was accepted."""


class Lookup:
    """Reads in the threads of a pool."""

    def __init__(self, storage: Storage, pool: ThreadPool) -> None:
        self._storage = storage
        self._pool = pool

    async def view(
        self, execution_id: str, recovery: Recovery, *, last: int | None
    ) -> ExecutionView:
        """An execution as the journal knows it; see `Engine.read_back`."""
        found: ExecutionView = await self._pool.run(
            lambda: self._read(execution_id, recovery, last)
        )
        return found

    def _read(self, execution_id: str, recovery: Recovery, last: int | None) -> ExecutionView:
        storage = self._storage
        history = storage.history
        record = history.execution(execution_id) if history else None
        if history is None or record is None:
            raise NotFound(kind="Execution", id=execution_id)
        record.error = record.error or recovery.stalled.get(execution_id)
        if not storage.exclusive and record.state == "running":  # elsewhere
            found = history.elsewhere.progress(execution_id)
            record.completed_nodes, record.failed_nodes = found
        runs = [] if last == 0 else history.runs(record, last=last)
        if last is None:
            edited = read_edited(storage, record)
            with_inputs(runs, read_inputs(storage, execution_id), edited)
        retries, callback = history.retries(execution_id), history.callback(execution_id)
        return ExecutionView(record, runs, retries=retries, callback=callback)

    async def counted(self, unfinished: Sequence[Execution]) -> Counted:
        """The executions that have not ended; `unfinished` are those in memory."""
        if self._storage.history is not None:
            stored: Counted = await self._pool.run(self._storage.history.open_states)
            return stored
        found: dict[str, tuple[int, float]] = {}
        for execution in unfinished:
            state, created = execution.record.state, execution.record.created
            count, oldest = found.get(state, (0, created))
            found[state] = count + 1, min(oldest, created)
        return found

    async def data(self, payload: Payload) -> JSON:
        """See `Engine.data`."""
        found = await self.whole(payload)
        if not isinstance(found, TablePayload):
            return found.data
        return await self._pool.run(lambda: found.data)

    async def whole(self, payload: Payload) -> Payload:
        """See `Engine.whole`."""
        blobs, ref = self._storage.blobs, payload.ref
        if payload.whole or ref is None or blobs is None:
            return payload
        found: Payload = await self._pool.run(lambda: fetched(blobs, ref, payload.metadata))
        return found

    def reopened(self, name: str) -> Columns | None:
        """The table in the blob of this name, mapped, if it is a file of this machine. Blocks."""
        path = self._storage.blobs.local(name) if self._storage.blobs else None
        return open_ipc(path) if path is not None else None
