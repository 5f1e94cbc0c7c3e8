"""One attempt at one node, as an entry of an execution's log.

`outputData` is the handler's whole result: `{success, message, outputData, …}`. What is large is
shown as a preview, with its true size beside it under the name + `Info`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from caudal_core.engine.running.final import cause
from caudal_core.journal import SETTLED, NodeRun
from caudal_core.payload import LARGE, Payload
from caudal_core.preview import shown
from caudal_core.values import JSON, decode
from caudal_server.counts import counted
from caudal_server.times import iso

Entry = dict[str, Any]

_NO_REPORT = b"{}"


def node_path(run: NodeRun) -> str:
    """Where the node of a run is looked at."""
    return f"/api/executions/{run.execution_id}/nodes/{quote(run.node_id, safe='')}"


def log_entry(run: NodeRun) -> Entry:
    """The entry with its data: whole up to 64 kB a value, else a preview."""
    entry = head(run)
    _show_input(entry, run)
    entry["outputData"] = None
    if run.shown in SETTLED:
        result = _result(run)
        entry["outputData"] = result
        if result and "outputDataInfo" in result:
            entry["outputDataInfo"] = result["outputDataInfo"]
    return entry | tail(run)


def head(run: NodeRun) -> Entry:
    """Which attempt at which node it is, and how that stands."""
    return {
        "id": run.id,
        "executionId": run.execution_id,
        "nodeId": run.node_id,
        "nodeType": run.type,
        "nodeLabel": run.label,
        "status": run.shown,
        "attempt": run.attempt,
    }


def tail(run: NodeRun) -> Entry:
    """What is told of a run beside its data. Of one under way, what it says meanwhile."""
    settled, waits = run.shown in SETTLED, run.shown == "waiting"
    entry: Entry = {
        "message": message_of(run) if settled or waits else None,
        "error": cause(run.error) if settled and run.error else None,
        "duration": run.duration if settled else None,
        "timestamp": iso(run.started),
    }
    if run.reused is not None:
        entry["reusedFrom"] = run.reused
    if waits:
        entry["waiting"] = report(run)
    notes = run.notes
    if notes is None:
        return entry
    if notes.progress is not None and not settled:
        entry["progress"] = notes.progress
    if notes.log:
        entry["log"] = list(notes.log)
    if notes.dropped:
        entry["logDropped"] = notes.dropped
    return entry


def message_of(run: NodeRun) -> str | None:
    """What the handler said it did, else what it handed on, counted."""
    if run.message is not None or run.state != "completed":
        return run.message
    return counted(run.outputs or {})


# -- values, whole or as previews ------------------------------------------------------------------


def _show_input(entry: Entry, run: NodeRun) -> None:
    """`inputData`: the value of the one port, or an object by port."""
    if not run.input:
        entry["inputData"] = None
        return
    href = f"{node_path(run)}/data?side=input"
    entry["inputData"], found = by_port(run.input, href)
    if found is not None:
        entry["inputDataInfo"] = found


def by_port(payloads: Mapping[str, Payload], href: str) -> tuple[JSON, Entry | None]:
    """The value of one payload, or an object of several by port, and what is cut of it."""
    parts = {port: shown(payload) for port, payload in payloads.items()}
    infos = {
        port: {**found, "href": _with(href, port if len(parts) > 1 else None)}
        for port, (_, found) in parts.items()
        if found is not None
    }
    if len(parts) == 1:
        (value, _), *_ = parts.values()
        return value, next(iter(infos.values()), None)
    values = {port: value for port, (value, _) in parts.items()}
    if not infos:
        return values, None
    size = sum(payload.size for payload in payloads.values())
    return values, {"truncated": True, "rows": None, "bytes": size, "href": href, "ports": infos}


def _with(href: str, port: str | None) -> str:
    if port is None:
        return href
    return f"{href}{'&' if '?' in href else '?'}port={port}"


def _result(run: NodeRun) -> Entry | None:
    if run.shown in ("skipped", "cancelled"):
        return None
    result = beginning(run)
    outputs = run.outputs or {}
    if outputs or run.shown == "completed":
        href = f"{node_path(run)}/data"
        result["outputData"], found = by_port(outputs, href)
        if found is not None:
            result["outputDataInfo"] = found
        _add_metadata(result, outputs)
    for name, value in report(run).items():
        if name not in result:
            _add_reported(result, name, value, run)
    return result


def beginning(run: NodeRun) -> Entry:
    """What every result begins with."""
    if run.shown == "completed":
        return {"success": True, "message": message_of(run)}
    text = cause(run.error) if run.error else None
    return {"success": False, "message": run.message or text, "error": text}


def report(run: NodeRun) -> dict[str, JSON]:
    """What the handler put beside its output."""
    return {} if run.report == _NO_REPORT else decode(run.report)


def port_of(value: JSON) -> str | None:
    """The port whose value a reported one stands for."""
    if type(value) is dict and len(value) == 1:
        port = value.get("$port")
        return port if isinstance(port, str) else None
    return None


def _add_reported(result: Entry, name: str, value: JSON, run: NodeRun) -> None:
    port = port_of(value)
    payload = (run.outputs or {}).get(port) if port is not None else None
    if payload is not None:
        result[name], found = shown(payload)
        href = f"{node_path(run)}/data?port={port}"
    else:
        long = len(run.report) > LARGE
        result[name], found = shown(Payload.of(value)) if long else (value, None)
        href = node_path(run)
    if found is not None:
        result[f"{name}Info"] = {**found, "href": href}


def _add_metadata(result: Entry, outputs: Mapping[str, Payload]) -> None:
    """Units, qualities and zones of columns, where some are known."""
    found = {port: payload.metadata for port, payload in outputs.items() if payload.metadata}
    if found:
        result["metadata"] = next(iter(found.values())) if len(outputs) == 1 else found
