"""The command line in this process, and workflows for it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from caudal_server.cli.main import app

Document = dict[str, Any]


def caudal(*args: str | Path, stdin: str | None = None) -> Result:
    """What `caudal ARGS` does; `.stdout`, `.stderr` and `.exit_code` tell."""
    result = CliRunner().invoke(app, [str(arg) for arg in args], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def node(id_: str, type_: str, **more: Any) -> Document:
    """A node; `config` and what else it carries are named."""
    return {"id": id_, "type": type_, **more}


def line(*ids: str) -> list[Document]:
    """Connections along a row of nodes."""
    return [{"fromNodeId": a, "toNodeId": b} for a, b in pairwise(ids)]


def saved(document: Any, name: str = "flow.json") -> Path:
    """A workflow as a file in the working directory."""
    path = Path(name)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def doubling() -> Document:
    """`value` doubled: a workflow that needs the input `value`."""
    config = {"fieldName": "double", "expression": "[value] * 2"}
    nodes = [
        node("start", "trigger"),
        node("twice", "addField", label="Twice", config=config),
        node("end", "output"),
    ]
    return {"name": "Doubling", "nodes": nodes, "connections": line("start", "twice", "end")}
