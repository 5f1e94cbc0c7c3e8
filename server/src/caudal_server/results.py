"""What one node came to, whole: the answer of `nodes/execute`."""

from __future__ import annotations

from typing import Any

import orjson

from caudal_core.errors import CaudalError, InvalidWorkflow, error_text
from caudal_core.payload import Payload
from caudal_core.runner import NodeResult
from caudal_core.values import decode, wire_form
from caudal_server.counts import counted
from caudal_server.entries import port_of
from caudal_server.requests import NodeRequest

Answer = dict[str, Any]


def succeeded(call: NodeRequest, result: NodeResult) -> Answer:
    """`{success: true, nodeId, nodeType, output, message}`."""
    message = result.message or counted(result.ports)
    return {
        "success": True,
        "nodeId": call.node_id,
        "nodeType": call.node_type,
        "output": _output(result, message),
        "message": message,
    }


def failed(call: NodeRequest, error: BaseException) -> Answer:
    """`{success: false, nodeId, nodeType, error, message}`; `error` is «cause; what to do»."""
    answer: Answer = {
        "success": False,
        "nodeId": call.node_id,
        "nodeType": call.node_type,
        "error": _cause(error),
        "message": f"{call.node_type} failed",
    }
    if isinstance(error, CaudalError):
        answer["code"] = error.code
    if isinstance(error, InvalidWorkflow):
        answer["problems"] = error.problems
    return answer


def _cause(error: BaseException) -> str:
    if isinstance(error, InvalidWorkflow):
        return "; ".join(str(problem["message"]) for problem in error.problems)
    return error_text(error)


def _output(result: NodeResult, message: str) -> Answer:
    """The handler's whole result, its values as the bytes that were measured already."""
    values = {port: _raw(payload) for port, payload in result.ports.items()}
    whole = next(iter(values.values())) if len(values) == 1 else values
    output: Answer = {"success": True, "message": message, "outputData": whole}
    metadata = {port: item.metadata for port, item in result.ports.items() if item.metadata}
    for name, value in decode(result.report).items():
        port = port_of(value)
        output.setdefault(name, value if port is None else values.get(port, value))
    if metadata:
        single = len(result.ports) == 1
        output.setdefault("metadata", next(iter(metadata.values())) if single else metadata)
    return output


def _raw(payload: Payload) -> orjson.Fragment:
    return orjson.Fragment(wire_form(payload.json()))
