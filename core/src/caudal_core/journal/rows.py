"""Between what is known of a run and its row in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caudal_core.journal.journal import Row
from caudal_core.journal.records import Ending, ExecutionRecord, NodeRun
from caudal_core.notes import Notes
from caudal_core.payload import NO_REPORT, Payload, TablePayload
from caudal_core.preview import preview
from caudal_core.values import decode, encode


def accept_row(record: ExecutionRecord, inputs: Payload, owner: str) -> Row:
    """The row of an execution that has been accepted, in the order of `statements.ACCEPT`."""
    return (
        record.id,
        record.organization,
        record.workflow_id,
        record.workflow_name,
        record.workflow_hash,
        record.plan_hash,
        None if inputs.ref else inputs.json(),
        inputs.ref,
        encode(dict(record.labels)) if record.labels else None,
        record.state,
        owner,
        record.epoch,
        record.client_key,
        record.created,
        record.total_nodes,
        0,
        0,
        0,
        record.parent,
        record.edited_input,
        record.client_hash,
        record.origin,
    )


def park_row(
    record: ExecutionRecord, deadline: float | None, done: int, failed: int, seq: int
) -> Row:
    """An execution that nobody has in memory, in the order of `statements.PARK`, then its id."""
    return "waiting", None, deadline, done, failed, seq, record.id


def finish_row(record: ExecutionRecord, ending: Ending) -> Row:
    """What becomes of an execution, in the order of `statements.FINISH`, then its id."""
    return (
        ending.state,
        record.started,
        ending.completed,
        ending.completed_nodes,
        ending.failed_nodes,
        ending.seq,
        ending.final,
        ending.final_info,
        ending.error,
        record.id,
    )


def node_row(run: NodeRun) -> Row:
    """One attempt at one node, in the order of `statements.NODE`."""
    ports: str | None = None
    output: bytes | None = None
    refs: bytes | None = None
    outputs = run.outputs
    if outputs:
        if len(outputs) == 1:
            [(ports, payload)] = outputs.items()
            output = payload.encoded
            if output is None or payload.ref is not None or payload.metadata:
                output, refs = _referred(ports, payload)
        else:
            ports, output, refs = _several(outputs)
    notes = run.stored_notes if run.ctx is None else run.ctx.said
    return (
        run.execution_id,
        run.number,
        run.node.id,
        run.generation,
        run.attempt,
        run.epoch,
        run.seq,
        run.state,
        run.key,
        ports,
        output,
        refs,
        run.message,
        None if run.report is NO_REPORT else run.report,
        None if notes is None else _notes(notes),
        None if run.error is None else _error(run),
        run.started,
        run.duration,
        run.reused,
    )


AGAIN = "again"
"""Marks the error of an attempt that another one follows: only failures need room for it."""


def _error(run: NodeRun) -> bytes:
    return encode({**(run.error or {}), AGAIN: True} if run.again else run.error)


def restore_error(run: NodeRun, stored: bytes | None) -> None:
    """The error of a row, and whether another attempt follows."""
    run.error = decode(stored) if stored else None
    if run.error is not None and run.error.pop(AGAIN, False):
        run.again, run.settles = True, False


def _referred(port: str, payload: Payload) -> tuple[bytes, bytes | None]:
    """One value, null where it is kept elsewhere, and what is known of it beside that."""
    output = b"null" if _elsewhere(payload) else payload.json()
    known = payload.ref is not None or payload.metadata
    return output, encode({port: _reference(payload)}) if known else None


def _elsewhere(payload: Payload) -> bool:
    """Whether the value is in no row: it is kept by reference, or, where nothing is, in memory."""
    return payload.ref is not None or isinstance(payload, TablePayload)


def _several(outputs: Mapping[str, Payload]) -> tuple[str, bytes, bytes | None]:
    """The names of the ports, an object of their values, what is known of them beside that."""
    values = {port: None if _elsewhere(load) else load.data for port, load in outputs.items()}
    refs = {
        port: _reference(payload)
        for port, payload in outputs.items()
        if payload.ref is not None or payload.metadata
    }
    return ",".join(outputs), encode(values), encode(refs) if refs else None


def _reference(payload: Payload) -> dict[str, Any]:
    found: dict[str, Any] = {"metadata": {k: dict(v) for k, v in payload.metadata.items()}}
    if payload.ref:
        size = {"hash": payload.ref, "bytes": payload.size, "rows": payload.rows}
        found |= {**size, "preview": preview(payload.glance)}
    return found


def outputs_of(
    ports: str | None, output: bytes | None, refs: bytes | None
) -> dict[str, Payload] | None:
    """The payloads of a row; one that is kept by reference holds its preview."""
    if ports is None or output is None:
        return None
    names = ports.split(",")
    values = {names[0]: decode(output)} if len(names) == 1 else decode(output)
    references = decode(refs) if refs else {}
    return {port: _payload(values[port], references.get(port, {})) for port in names}


def _payload(value: Any, reference: Mapping[str, Any]) -> Payload:
    metadata = reference.get("metadata", {})
    if "hash" not in reference:
        encoded = encode(value)
        return Payload(value, encoded, len(encoded), metadata)
    found = Payload(reference["preview"], None, reference["bytes"], metadata, reference["hash"])
    found.rows = reference["rows"]
    return found


def _notes(notes: Notes) -> bytes | None:
    if not notes.log:
        return None
    return encode({"log": notes.log, "dropped": notes.dropped})


def notes_of(stored: bytes | None) -> Notes | None:
    """The log of a row."""
    if stored is None:
        return None
    found = decode(stored)
    notes = Notes()
    notes.log, notes.dropped = found["log"], found["dropped"]
    return notes
