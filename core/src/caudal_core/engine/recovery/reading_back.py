"""What the journal has of executions that had not ended, many read at once: a start waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from caudal_core.engine.recovery.resume import (
    fetched,
    read_document,
    read_edited,
    read_inputs,
    read_record,
    read_runs,
    whole_outputs,
)
from caudal_core.engine.storage import Storage
from caudal_core.engine.waits.waiting import Found as Waits
from caudal_core.engine.waits.waiting import read_waits
from caudal_core.journal import ExecutionRecord, NodeRun
from caudal_core.journal.notice import Notice
from caudal_core.payload import Payload

if TYPE_CHECKING:
    from caudal_core.journal.history import Edited

TOGETHER = 100
"""Executions that are read in one go."""

DOCUMENTS = 32
"""Workflows that are remembered, as many executions are often of one."""

Documents = dict[str, dict[str, Any]]


class Before(NamedTuple):
    """An execution as it was when its server stopped."""

    record: ExecutionRecord
    document: dict[str, Any]
    runs: Sequence[NodeRun]
    inputs: Payload
    edited: Edited | None
    waits: Waits
    callback: Notice | None


Found = Before | Exception


def read_back(
    storage: Storage, identities: Sequence[str], documents: Documents
) -> dict[str, Found]:
    """Each execution, or what went wrong with it. Blocks.

    `documents` has by hash the workflows that were read before, and remembers some more.
    """
    if len(documents) >= DOCUMENTS:
        documents.clear()
    try:
        return _together(storage, identities, documents)
    except Exception:  # noqa: BLE001 - one of them is damaged: each by itself says which
        return {key: _alone(storage, key, documents) for key in identities}


def _together(
    storage: Storage, identities: Sequence[str], documents: Documents
) -> dict[str, Found]:
    history = storage.history
    if history is None:
        return {}
    records = history.several(identities)
    runs = history.runs_of_several(list(records.values()))
    inputs = history.inputs_of_several(identities)
    timers = history.waits.timers_of_several(identities)
    found: dict[str, Found] = {}
    for key, record in records.items():
        value, ref = inputs[key]
        payload = fetched(storage.blobs, ref) if ref and storage.blobs else Payload.of(value)
        whole_outputs(storage, runs[key])
        document = _document(storage, record, documents)
        edited = read_edited(storage, record)
        waits = read_waits(storage, key, timers.get(key, []))
        callback = _callback(storage, key)
        found[key] = Before(record, document, runs[key], payload, edited, waits, callback)
    return found


def _alone(storage: Storage, identity: str, documents: dict[str, dict[str, Any]]) -> Found:
    try:
        record = read_record(storage, identity)
        document = _document(storage, record, documents)
        runs, inputs = read_runs(storage, record), read_inputs(storage, identity)
        edited, waits = read_edited(storage, record), read_waits(storage, identity)
        callback = _callback(storage, identity)
        return Before(record, document, runs, inputs, edited, waits, callback)
    except Exception as error:  # noqa: BLE001 - a damaged record costs its execution alone
        return error


def _callback(storage: Storage, identity: str) -> Notice | None:
    """Who is to be called at its end, where another server may have been told so."""
    history = storage.history
    return None if history is None or storage.exclusive else history.callback(identity)


def _document(storage: Storage, record: ExecutionRecord, documents: Documents) -> dict[str, Any]:
    """The workflow; many executions have the same."""
    found = documents.get(record.workflow_hash)
    if found is None:
        found = documents[record.workflow_hash] = read_document(storage, record)
    return found
