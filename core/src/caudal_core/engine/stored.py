"""All that is read of an execution to go on with it, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caudal_core.engine.resume import (
    read_document,
    read_edited,
    read_inputs,
    read_record,
    read_runs,
)
from caudal_core.engine.storage import Storage
from caudal_core.engine.waiting import Found, read_waits
from caudal_core.journal import ExecutionRecord, NodeRun
from caudal_core.journal.notice import Notice
from caudal_core.payload import Payload

if TYPE_CHECKING:
    from caudal_core.journal.history import Edited

DOCUMENTS = 32
"""Workflows that are remembered, as many executions are often of one."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the journal has of an execution that has not ended."""

    record: ExecutionRecord
    document: dict[str, Any]
    runs: Sequence[NodeRun]
    inputs: Payload
    edited: Edited | None
    waits: Found
    callback: Notice | None


class Reader:
    """Reads in any thread; every change of place costs as much as a look into the database."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._documents: dict[str, dict[str, Any]] = {}

    def read(self, execution_id: str) -> Stored | None:
        """All of one; nothing where it has ended. `NotFound`, and what damaged records raise."""
        storage = self._storage
        record = read_record(storage, execution_id)
        if record.finished:
            return None
        return Stored(
            record,
            self._document(record),
            read_runs(storage, record),
            read_inputs(storage, record.id),
            read_edited(storage, record),
            read_waits(storage, record.id),
            self._callback(record.id),
        )

    def _callback(self, execution_id: str) -> Notice | None:
        """Who is to be called at its end, if another server was told so."""
        history = self._storage.history
        return (
            None if history is None or self._storage.exclusive else history.callback(execution_id)
        )

    def _document(self, record: ExecutionRecord) -> dict[str, Any]:
        found = self._documents.get(record.workflow_hash)
        if found is None:
            found = read_document(self._storage, record)
            if len(self._documents) >= DOCUMENTS:
                self._documents.clear()
            self._documents[record.workflow_hash] = found
        return found
