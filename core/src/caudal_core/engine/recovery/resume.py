"""After a restart: what the journal knows of executions that had not ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import time
from typing import TYPE_CHECKING, Any

from caudal_core.engine.execution import Execution
from caudal_core.engine.storage import Storage
from caudal_core.errors import NotFound
from caudal_core.graph import GraphNode
from caudal_core.hookspecs import BlobStore
from caudal_core.journal import SETTLED, ExecutionRecord, NodeRun
from caudal_core.payload import EMPTY, Payload, TablePayload, read_payload
from caudal_core.tables.ipc import head, is_ipc, open_ipc

if TYPE_CHECKING:
    from caudal_core.journal.history import Edited

INTERRUPTED = {
    "code": "INTERRUPTED",
    "message": "it was cut off while it ran, and nobody knows how that went",
    "hint": "look at what it did, then run the workflow again",
    "es": "se cortó mientras se ejecutaba y nadie sabe cómo acabó",
}


def read_record(storage: Storage, execution_id: str) -> ExecutionRecord:
    """What is known of an execution itself. Blocks."""
    found = storage.history.execution(execution_id) if storage.history else None
    if found is None:
        raise NotFound(kind="Execution", id=execution_id)
    return found


def read_document(storage: Storage, record: ExecutionRecord) -> dict[str, Any]:
    """The workflow as it was when the execution was accepted. Blocks."""
    found = storage.workflows.document(record.workflow_hash) if storage.workflows else None
    if found is None:
        raise NotFound(kind="workflow version", id=record.workflow_hash)
    return found


def read_inputs(storage: Storage, execution_id: str) -> Payload:
    """What an execution was given. Blocks."""
    if storage.history is None:
        return EMPTY
    value, ref = storage.history.inputs(execution_id)
    if ref is not None and storage.blobs is not None:
        return fetched(storage.blobs, ref)
    return Payload.of(value)


def read_edited(storage: Storage, record: ExecutionRecord) -> Edited | None:
    """The input that a replay gave a node, if it did. Blocks."""
    if storage.history is None or record.parent is None:
        return None
    return storage.history.edited(record.id)


def fetched(
    blobs: BlobStore, ref: str, metadata: Mapping[str, Mapping[str, Any]] | None = None
) -> Payload:
    """What is kept under a name; a table in a file of this machine is not read, but mapped."""
    path = blobs.local(ref)
    if path is not None and is_ipc(head(path)):
        found: Payload = TablePayload(open_ipc(path), metadata or {})
        found.ref = ref
        return found
    return read_payload(blobs.get(ref), metadata or {}, ref)


def read_runs(storage: Storage, record: ExecutionRecord) -> list[NodeRun]:
    """The runs of an execution, their outputs whole. Blocks."""
    runs = storage.history.runs(record) if storage.history else []
    whole_outputs(storage, runs)
    return runs


def whole_outputs(storage: Storage, runs: Sequence[NodeRun]) -> None:
    """Fetch the outputs that are kept elsewhere. Blocks."""
    for run in runs:
        for port, payload in (run.outputs or {}).items():
            if payload.ref is not None and storage.blobs is not None and run.outputs:
                run.outputs[port] = fetched(storage.blobs, payload.ref, payload.metadata)


def adopt(execution: Execution, runs: Sequence[NodeRun]) -> None:
    """Give an execution the runs that were recorded before, so that it can go on after them."""
    execution.given = EMPTY
    execution.record.completed_nodes = execution.record.failed_nodes = 0
    execution.runs = list(runs)
    execution.next_number = 1 + max((run.number for run in runs), default=-1)
    execution.seq = max((run.seq for run in runs), default=0)
    for run in runs:
        run.owner = execution
        run.settles = False  # until it is found to be its node's last
        execution.restored[run.node_id] = run
        if run.state in SETTLED:
            execution.committed.append(run)
    for node in execution.graph.nodes:
        last = execution.restored.get(node.id)
        if last is None or last.state not in SETTLED or not is_result(node, last):
            continue
        if last.state in ("completed", "skipped"):
            execution.record.completed_nodes += 1
        else:
            execution.record.failed_nodes += 1


def adopt_again(execution: Execution) -> None:
    """The same for one that has stayed in memory while it waited."""
    execution.epoch = execution.record.epoch
    execution.done = 0
    execution.failed.clear()
    execution.restored = {run.node_id: run for run in execution.runs}
    for run in execution.runs:
        run.owner = execution
        run.settles = False


def give(execution: Execution, edited: Edited) -> None:
    """Let a node get this input, whatever leads to it."""
    ports = {port: Payload.of(value) for port, value in edited.ports.items()}
    execution.edited = {edited.node: ports}


def stopped_before(execution: Execution) -> str | None:
    """Why the execution was ending when its server died, if it was (see `stopping.stop`)."""
    record, seconds = execution.record, execution.graph.settings.timeout_seconds
    if record.cancel_requested is not None:
        return "cancel"
    if not any(run.state == "cancelled" for run in execution.runs):
        return None
    if seconds is not None and record.started is not None and record.started + seconds <= time():
        return "timeout"
    return "the server stopped while the execution was being ended"


def is_result(node: GraphNode, run: NodeRun) -> bool:
    """Whether a node's last run is what became of it, so that it is not run again."""
    if run.state == "failed":
        return not run.again
    if run.state == "waiting":
        return False
    if run.state != "running":
        return True
    return node.handler.effect == "at_most_once" and node.options.on_interrupted != "rerun"


def to_resolve(node: GraphNode, run: NodeRun) -> bool:
    """Whether somebody can tell what became of an effect that was cut off."""
    if run.state != "running" or node.handler.effect != "at_most_once":
        return False
    return node.handler.reconcile is not None or node.options.on_interrupted == "ask"
