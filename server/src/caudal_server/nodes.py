"""One node of an execution, and the data that passed through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.types import Scope

from caudal_core.engine import Engine
from caudal_core.engine.running.merge import merge
from caudal_core.errors import DataError, InvalidRequest, NotFound
from caudal_core.journal import SETTLED, NodeRun
from caudal_core.payload import LARGE, Payload, TablePayload
from caudal_core.records import Records, kind_of
from caudal_core.values import JSON, to_wire
from caudal_server.entries import log_entry, node_path
from caudal_server.exports.files import KINDS, disposition
from caudal_server.exports.options import Options, options
from caudal_server.parameters import whole_number
from caudal_server.previews import preview_entry, visible
from caudal_server.refused import Refused

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
    live = await engine.watch(execution_id)
    if live is not None and live.has_node(node_id):
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
    options: Options


def data_request(request: Request) -> DataRequest:
    """`?port=&side=&offset=&limit=&format=`; `InvalidRequest` says what does not fit."""
    query = request.query_params
    side = query.get("side", "output")
    if side not in SIDES:
        raise InvalidRequest(message=f"side is '{side}'; it is one of {', '.join(SIDES)}")
    how = options(request)
    shown, most = (SHOWN, MOST_SHOWN) if how.format == "json" else (MOST_SKIPPED, MOST_SKIPPED)
    return DataRequest(
        port=query.get("port") or None,
        side=side,
        offset=whole_number(request, "offset", 0, least=0, most=MOST_SKIPPED),
        limit=whole_number(request, "limit", shown, least=1, most=most),
        options=how,
    )


async def data_body(engine: Engine, found: NodeRuns, wanted: DataRequest) -> tuple[bytes, bool]:
    """The page's body, and whether there is more behind it."""
    port, payload = await _payload(engine, found, wanted)
    page: tuple[bytes, bool] = await engine.read(lambda: _page(found, port, payload, wanted))
    return page


def _page(found: NodeRuns, port: str, payload: Payload, wanted: DataRequest) -> tuple[bytes, bool]:
    if isinstance(payload, TablePayload):
        total = payload.rows or 0
        rows = payload.records().slice(wanted.offset, wanted.limit).view()
    else:
        value = payload.data
        if type(value) is not list:
            return _body(found, port, value, None, wanted), False
        total = len(value)
        rows = value[wanted.offset : wanted.offset + wanted.limit]
    body = _body(found, port, rows, total, wanted)
    return body, wanted.offset + wanted.limit < total


async def data_file(
    engine: Engine, found: NodeRuns, wanted: DataRequest
) -> tuple[Iterator[bytes], dict[str, str]]:
    """The pieces of a file, the first of them made already, and the headers that it goes with."""
    port, payload = await _payload(engine, found, wanted)
    kind = KINDS[wanted.options.format]

    def begun() -> Iterator[bytes]:
        data = _records(found.node_id, payload, wanted.options.format)
        if wanted.offset or wanted.limit < len(data):
            data = data.slice(wanted.offset, wanted.limit)
        pieces = kind.pieces(data, wanted.options)
        return chain([next(pieces)], pieces)

    name = found.node_id if port == "out" else f"{found.node_id}-{port}"
    headers = {
        "Content-Type": kind.media_type,
        "Content-Disposition": disposition(name, kind.ending),
    }
    return await engine.read(begun), headers


def _records(node_id: str, payload: Payload, format: str) -> Records:
    try:
        return payload.records()
    except DataError:
        what = kind_of(payload.data)
        detail = f"the node {node_id} has {what}, and {format} holds records"
        raise Refused(422, "NO_RECORDS", detail, hint="ask for format=json") from None


async def _payload(engine: Engine, found: NodeRuns, wanted: DataRequest) -> tuple[str, Payload]:
    """The port that is meant, and its payload whole."""
    run = found.last
    side = _side(run, wanted)
    port = _port(run, side, wanted)
    return port, await _whole(engine, found, port, side[port], wanted)


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
) -> Payload:
    """The whole payload, fetched if it is kept elsewhere, merged again if nobody kept it."""
    sources = getattr(found.last.node, "input", None) if wanted.side == "input" else None
    merged = payload.ref is None and not payload.whole and payload.size > LARGE
    if not merged or not sources or port not in sources:
        return await engine.whole(payload)
    outputs = {run.node_id: run.outputs or {} for run in found.all if run.outputs}
    taken = [outputs.get(node_id, {}).get(name) for node_id, name in sources[port]]
    parts = [await engine.whole(part) for part in taken if part is not None]
    whole: Payload = await engine.read(lambda: merge(port, parts))
    return whole
