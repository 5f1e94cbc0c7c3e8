"""What an execution comes to: its final output, its error."""

from __future__ import annotations

from typing import Any

from caudal_core.errors import CaudalError, clean_text, error_text
from caudal_core.graph import Graph
from caudal_core.journal import NodeRun
from caudal_core.payload import LARGE, Payload
from caudal_core.preview import info, preview, shown
from caudal_core.values import JSON, encode

ERROR_CHARACTERS = 4_000
"""What is kept of an error's text; a status poll carries it."""
FAILED_NODES_SHOWN = 50


def output_data(outputs: dict[str, Payload]) -> JSON:
    """What left a node: the value of the one port taken, or an object by port."""
    if len(outputs) == 1:
        return next(iter(outputs.values())).data
    return {port: payload.data for port, payload in outputs.items()}


def _glance(outputs: dict[str, Payload]) -> JSON:
    """The same, of tables their beginning."""
    if len(outputs) == 1:
        return next(iter(outputs.values())).glance
    return {port: payload.glance for port, payload in outputs.items()}


def final_output(
    graph: Graph, delivered: list[dict[str, Payload] | None]
) -> tuple[bytes | None, bytes | None]:
    """The final output in journal form, and where it is cut what its true size is.

    One output node gives its data; several, or several leaves, an object by node id in which a
    skipped one is missing.
    """
    finals = [graph.nodes[index] for index in graph.finals]
    found = {node.id: outputs for node in finals if (outputs := delivered[node.index])}
    if len(finals) == 1:
        return _single(finals[0].id, found.get(finals[0].id))
    payloads = [payload for outputs in found.values() for payload in outputs.values()]
    size = sum(payload.size for payload in payloads)
    if size <= LARGE:
        return encode({node_id: output_data(outputs) for node_id, outputs in found.items()}), None
    budget = LARGE // (2 * len(found))
    cut = {node_id: preview(_glance(outputs), budget) for node_id, outputs in found.items()}
    return encode(cut), encode({"truncated": True, "rows": None, "bytes": size})


def _single(node_id: str, outputs: dict[str, Payload] | None) -> tuple[bytes | None, bytes | None]:
    if not outputs:
        return None, None
    if len(outputs) > 1:
        whole = {port: shown(payload)[0] for port, payload in outputs.items()}
        size = sum(payload.size for payload in outputs.values())
        cut = any(payload.large for payload in outputs.values())
        known = {"truncated": True, "rows": None, "bytes": size, "node": node_id}
        return encode(whole), encode(known) if cut else None
    payload = next(iter(outputs.values()))
    if not payload.large:
        return payload.json(), None
    return encode(preview(payload.glance)), encode({**info(payload), "node": node_id})


def describe(error: BaseException) -> dict[str, Any]:
    """An error as it is recorded: `{code, message, hint?, es}`."""
    if not isinstance(error, CaudalError):
        return {"code": type(error).__name__, "message": _bounded(error_text(error))}
    try:
        found = {"code": error.code, "message": error.text(), "hint": error.hint()}
    except Exception:  # noqa: BLE001 - a template of somebody else's error class has a hole
        found = {"code": error.code, "message": error_text(error), "hint": ""}
    found["es"] = error_text(error, "es")
    return {key: _bounded(clean_text(text)) for key, text in found.items() if text}


def _bounded(text: str) -> str:
    return text if len(text) <= ERROR_CHARACTERS else text[:ERROR_CHARACTERS] + "…"


def cause(error: dict[str, Any]) -> str:
    """«cause; what to do» of a recorded error."""
    return "; ".join(filter(None, (error["message"], error.get("hint"))))


def error_lines(failed: list[NodeRun]) -> str:
    """«label (id): cause; what to do», a line a failed node."""
    shown_lines = [
        f"{run.label} ({run.node_id}): {cause(run.error or {})}"
        for run in failed[:FAILED_NODES_SHOWN]
    ]
    more = len(failed) - FAILED_NODES_SHOWN
    return "\n".join([*shown_lines, f"and {more} more nodes"] if more > 0 else shown_lines)
