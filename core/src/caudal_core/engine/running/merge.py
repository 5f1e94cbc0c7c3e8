"""What arrives at a node: the payloads of its connections, merged by port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caudal_core.errors import MixedMerge
from caudal_core.graph import GraphNode
from caudal_core.metadata import Metadata
from caudal_core.payload import LatePayload, Payload, TablePayload
from caudal_core.records import Records, is_records, kind_of

Delivered = Sequence[dict[str, Payload] | None]
"""By a node's position what it handed on, by port."""


def gather(node: GraphNode, delivered: Delivered, inputs: Payload) -> dict[str, Payload]:
    """By input port what came in; `MixedMerge` where it does not go together."""
    if not node.waits:
        ports = node.handler.inputs
        return {ports[0] if ports else "in": inputs}
    if node.only_port is not None:
        edge = node.incoming[0][1][0]
        return {node.only_port: delivered[edge.source][edge.output_port]}  # type: ignore[index]
    return {
        port: parts[0] if len(parts) == 1 else merge(port, parts)
        for port, parts in _arrived(node, delivered)
    }


def gather_mixed(node: GraphNode, delivered: Delivered) -> dict[str, Payload]:
    """The same, with what does not go together at a port as a list of all that came."""
    return {port: _merge_or_list(port, parts) for port, parts in _arrived(node, delivered)}


def _merge_or_list(port: str, parts: Sequence[Payload]) -> Payload:
    try:
        return parts[0] if len(parts) == 1 else merge(port, parts)
    except MixedMerge:
        return Payload.listed(parts)


def _arrived(node: GraphNode, delivered: Delivered) -> Iterator[tuple[str, list[Payload]]]:
    for port, edges in node.incoming:
        parts = []
        for edge in edges:
            ports_taken = delivered[edge.source]
            if ports_taken is not None and edge.output_port in ports_taken:
                parts.append(ports_taken[edge.output_port])
        if parts:
            yield port, parts


def merge(port: str, parts: Sequence[Payload]) -> Payload:
    """Lists one after the other, objects with the later one winning, in the order of `parts`."""
    tables = sum(isinstance(part, TablePayload) for part in parts)
    kinds = {type(part.glance) for part in parts}
    if kinds == {list}:
        if tables:
            return _in_columns(parts, tables) or LatePayload(parts).agreed(_known(parts))
        return Payload.merged([row for part in parts for row in part.data], parts)
    if kinds == {dict}:
        together: dict[str, object] = {}
        for part in parts:
            together.update(part.data)
        return Payload.merged(together, parts)
    raise MixedMerge(port, [_kind(part) for part in parts])


def _in_columns(parts: Sequence[Payload], tables: int) -> Payload | None:
    """Tables as one, where all are tables (or nothing) and their types fit: without a copy."""
    if tables + sum(part.rows == 0 for part in parts) < len(parts):
        return None
    records = Records.concat([part.records() for part in parts])
    if not records.in_columns:
        return None
    found = TablePayload(records.table)
    return found.agreed(_known(parts))


def _known(parts: Sequence[Payload]) -> list[Metadata]:
    return [part.metadata for part in parts]


def _kind(part: Payload) -> str:
    return "records" if is_records(part.glance) else kind_of(part.glance)
