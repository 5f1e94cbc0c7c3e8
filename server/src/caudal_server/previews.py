"""Entries of an execution's log for a list of many: small, however large their data is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caudal_core.journal import SETTLED, NodeRun
from caudal_core.payload import Payload
from caudal_core.preview import info, small_preview
from caudal_core.values import JSON, to_wire
from caudal_server.entries import Entry, beginning, head, node_path, port_of, report, tail

SMALL = 2_000
"""Bytes that `outputData` may take."""

_BUDGETS = (1_500, 700, 300, 0)
_TEXT = 150
_ERROR = 2_000
_LINES = 5
_LONG_REPORT = 4_000


def visible(runs: Sequence[NodeRun]) -> list[NodeRun]:
    """The runs that may be told of: not those that never begin and are not recorded yet."""
    return [run for run in runs if run.shown != "pending"]


def preview_entry(run: NodeRun) -> Entry:
    """The entry for a list of many: without input, `outputData` cut to under 2 kB."""
    entry = head(run)
    entry["outputData"] = _small_result(run) if run.shown in SETTLED else None
    entry |= tail(run)
    if entry["error"]:
        entry["error"] = _cut(entry["error"], _ERROR)
    if "log" in entry:
        last = entry["log"][-_LINES:]
        entry["log"] = [{**line, "message": _cut(line["message"], _TEXT)} for line in last]
    return entry


def _small_result(run: NodeRun) -> Entry | None:
    """The result in under 2 kB; where something is left out `outputDataInfo` says so."""
    if run.shown in ("skipped", "cancelled"):
        return None
    start = {name: _short(text) for name, text in beginning(run).items()}
    for budget in _BUDGETS:
        result = _fitted(start, run, budget)
        if len(to_wire(result)) <= SMALL:
            return result
    return start


def _short(value: Any) -> Any:
    return _cut(value, _TEXT) if type(value) is str else value


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def _fitted(start: Entry, run: NodeRun, budget: int) -> Entry:
    result, outputs = dict(start), run.outputs or {}
    share = budget // max(1, len(outputs))
    values = {port: small_preview(payload.glance, share) for port, payload in outputs.items()}
    whole = all(not item.large and values[port] is item.data for port, item in outputs.items())
    if outputs or run.shown == "completed":
        result["outputData"] = next(iter(values.values())) if len(values) == 1 else values
    if not _add_report(result, run, values, budget // 4) or not whole:
        result["outputDataInfo"] = _size(run, outputs)
    return result


def _add_report(result: Entry, run: NodeRun, values: Mapping[str, JSON], most: int) -> bool:
    """What stands beside the output, as far as it is short; whether that is all of it."""
    if len(run.report) > _LONG_REPORT:
        return False
    left_out = 0
    for name, value in report(run).items():
        port = port_of(value)
        if name in result:
            continue
        if port is not None and port in values:
            result[name] = values[port]
        elif len(to_wire(value)) <= most:
            result[name] = value
        else:
            left_out += 1
    return not left_out


def _size(run: NodeRun, outputs: Mapping[str, Payload]) -> Entry:
    href = f"{node_path(run)}/data"
    if len(outputs) == 1:
        return {**info(next(iter(outputs.values()))), "href": href}
    size = sum(payload.size for payload in outputs.values())
    return {"truncated": True, "rows": None, "bytes": size, "href": href}
