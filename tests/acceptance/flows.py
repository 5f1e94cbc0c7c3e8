"""Workflows for tests, as they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

Document = dict[str, Any]


def node(node_id: str, type_: str, config: Document | None = None, **more: Any) -> Document:
    """A node; what else it carries is named as on the wire."""
    found: Document = {"id": node_id, "type": type_, **more}
    return found if config is None else {**found, "config": config}


def link(source: str, target: str, out: str | None = None, into: str | None = None) -> Document:
    """A connection, with the ports that are named."""
    found = {"fromNodeId": source, "toNodeId": target}
    if out is not None:
        found["outputType"] = out
    if into is not None:
        found["inputPort"] = into
    return found


def flow(nodes: Sequence[Document], connections: Sequence[Document] = (), **more: Any) -> Document:
    """A workflow."""
    return {"name": "Flow", "nodes": list(nodes), "connections": list(connections), **more}


def chain(*nodes: Document, **more: Any) -> Document:
    """A workflow of nodes, each one after the other."""
    return flow(nodes, [link(one["id"], other["id"]) for one, other in pairwise(nodes)], **more)


def table(node_id: str, rows: Sequence[Document], **more: Any) -> Document:
    """A node that hands on these records."""
    return node(node_id, "excelInput", {"parsedData": list(rows)}, **more)


def field(node_id: str, name: str, value: Any, **more: Any) -> Document:
    """A node that adds a field to what comes in."""
    return node(node_id, "addField", {"fieldName": name, "fieldValue": value}, **more)


def made(node_id: str, value: Document) -> Document:
    """A node that hands on this object."""
    return node(node_id, "webhook", {"webhookData": value})


def waiting(folder: Path) -> Document:
    """A workflow whose node `a` waits until there is a file `go`."""
    config = {"folder": str(folder), "others": ["go"]}
    return chain(node("a", "trialMeet", config), node("o", "output", label="Result"))
