"""One node of an execution, and the data that passed through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.types import Scope

from caudal_core.engine import Engine
from caudal_core.engine.merge import merge
from caudal_core.errors import InvalidRequest, NotFound
from caudal_core.journal import SETTLED, NodeRun
from caudal_core.payload import LARGE, Payload
from caudal_core.values import JSON, to_wire
from caudal_server.entries import log_entry, node_path
from caudal_server.parameters import whole_number
from caudal_server.previews import preview_entry, visible
from caudal_server.refused import Refused

FORMATS = ("json",)
SIDES = ("output", "input")
SHOWN = 100
MOST_SHOWN = 10_000
MOST_SKIPPED = 10**12

Document = dict[str, Any]


def means_data(scope: Scope) -> bool:
    """Whether the path ends in `/data` as it was sent: an id may end so too, as `x%2Fdata`."""
    raw: bytes | None = scope.get("raw_path")
    return raw is None or unquote(raw.rpartition(b"/")[2]) == "data"


@dataclass(frozen=True, slots=True)
class NodeRuns:
    """The attempts at one node, and all runs of the execution it belongs to."""

    execution_id: str
    node_id: str
    attempts: Sequence[NodeRun]
    all: Sequence[NodeRun]

    @property
    def last(self) -> NodeRun:
        """The latest attempt."""
        return self.attempts[-1]


async def runs_of(engine: Engine, execution_id: str, node_id: str) -> NodeRuns:
    """What is known of a node of an execution.

    `NotFound` where either is not there, a refusal where the node has not begun.
    """
    view = await engine.view(execution_id)
    attempts = [run for run in visible(view.runs) if run.node_id == node_id]
    if attempts:
        return NodeRuns(execution_id, node_id, attempts, view.runs)
    live = engine.live(execution_id)
    if live is not None and live.graph.find(node_id) is not None:
        raise _too_early(node_id, "pending")
    raise NotFound(kind=f"In execution {execution_id} node", id=node_id)


def _too_early(node_id: str, status: str) -> Refused:
    detail = f"the node {node_id} has not ended yet; it is {status}"
    return Refused(409, "NOT_ENDED", detail, hint="wait for its end", nodeStatus=status)


def node_document(found: NodeRuns) -> Document:
    """The entry of the last attempt, previews of all, and size and place of each port."""
    run = found.last
    settled = run.shown in SETTLED
    return {
        **log_entry(run),
        "attempts": [preview_entry(attempt) for attempt in found.attempts],
        "ports": _ports(run) if settled else {},
    }


def _ports(run: NodeRun) -> Document:
    path = f"{node_path(run)}/data"
    return {
        port: {"rows": payload.rows, "bytes": payload.size, "href": f"{path}?port={port}"}
        for port, payload in (run.outputs or {}).items()
    }


# -- data ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DataRequest:
    """Which part of which data is wanted."""

    port: str | None
    side: str
    offset: int
    limit: int


def data_request(request: Request) -> DataRequest:
    """`?port=&side=&offset=&limit=&format=`; `InvalidRequest` says what does not fit."""
    query = request.query_params
    side = query.get("side", "output")
    if side not in SIDES:
        raise InvalidRequest(message=f"side is '{side}'; it is one of {', '.join(SIDES)}")
    format = query.get("format", "json")
    if format not in FORMATS:
        detail = f"format is '{format}'; this version has {', '.join(FORMATS)}"
        raise Refused(501, "NOT_AVAILABLE", detail, hint="ask for format=json")
    return DataRequest(
        port=query.get("port") or None,
        side=side,
        offset=whole_number(request, "offset", 0, least=0, most=MOST_SKIPPED),
        limit=whole_number(request, "limit", SHOWN, least=1, most=MOST_SHOWN),
    )


async def data_body(engine: Engine, found: NodeRuns, wanted: DataRequest) -> tuple[bytes, bool]:
    """The page's body, and whether there is more behind it."""
    run = found.last
    side = _side(run, wanted)
    port = _port(run, side, wanted)
    payload = side[port]
    value = await _whole(engine, found, port, payload, wanted)
    if type(value) is not list:
        return await engine.read(lambda: _body(found, port, value, None, wanted)), False
    rows = value[wanted.offset : wanted.offset + wanted.limit]
    body = await engine.read(lambda: _body(found, port, rows, len(value), wanted))
    return body, wanted.offset + wanted.limit < len(value)


def _body(found: NodeRuns, port: str, data: JSON, total: int | None, wanted: DataRequest) -> bytes:
    return to_wire(
        {
            "executionId": found.execution_id,
            "nodeId": found.node_id,
            "port": port,
            "offset": wanted.offset if total is not None else 0,
            "limit": wanted.limit if total is not None else None,
            "total": total,
            "data": data,
        }
    )


def _side(run: NodeRun, wanted: DataRequest) -> Mapping[str, Payload]:
    if wanted.side == "input":
        return run.input or {}
    if run.shown not in SETTLED:
        raise _too_early(run.node_id, run.shown)
    return run.outputs or {}


def _port(run: NodeRun, side: Mapping[str, Payload], wanted: DataRequest) -> str:
    """The port that is meant; where there are several it must be named."""
    taken = ", ".join(side) or "none"
    if wanted.port is None and len(side) > 1:
        message = f"the node {run.node_id} has data at several ports: {taken}; name one by port="
        raise InvalidRequest(message=message)
    port = wanted.port or next(iter(side), None)
    if port is None or port not in side:
        what = f"{wanted.side} data at the port {port}" if port else f"{wanted.side} data"
        detail = f"the node {run.node_id} ({run.shown}) has no {what}; ports with data: {taken}"
        raise Refused(404, "NO_DATA", detail, ports=list(side))
    return port


async def _whole(
    engine: Engine, found: NodeRuns, port: str, payload: Payload, wanted: DataRequest
) -> JSON:
    """The whole value, fetched if it is kept elsewhere, merged again if nobody kept it."""
    sources = getattr(found.last.node, "input", None) if wanted.side == "input" else None
    merged = payload.ref is None and payload.encoded is None and payload.size > LARGE
    if not merged or not sources or port not in sources:
        return await engine.data(payload)
    outputs = {run.node_id: run.outputs or {} for run in found.all if run.outputs}
    taken = [outputs.get(node_id, {}).get(name) for node_id, name in sources[port]]
    parts = [Payload.of(await engine.data(part)) for part in taken if part is not None]
    return await engine.read(lambda: merge(port, parts).data)
