"""The endpoints, as the OpenAPI document lists them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from caudal_server import openapi
from tools.parts.markdown import code
from tools.parts.markdown import table as made


class Row(NamedTuple):
    """One path and what is done there, by one or several methods."""

    tag: str
    path: str
    summary: str
    methods: list[str]
    ids: list[str]


def table() -> str:
    """A table for each group of endpoints."""
    document = openapi.document()
    rows = _merged(_rows(document))
    groups = {tag["name"]: tag["description"] for tag in document["tags"]}
    return "\n\n".join(_group(tag, about, rows) for tag, about in groups.items())


def _rows(document: dict[str, Any]) -> Iterator[Row]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names = [method.upper()], [operation["operationId"]]
            yield Row(operation["tags"][0], path, operation["summary"], *names)


def _merged(rows: Iterator[Row]) -> list[Row]:
    """Methods that do the same at one path in one row."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        held = found.setdefault((row.path, row.summary), row)
        if held is not row:
            held.methods.extend(row.methods)
            held.ids.extend(row.ids)
    return list(found.values())


def _group(tag: str, about: str, rows: list[Row]) -> str:
    mine = [row for row in rows if row.tag == tag]
    cells = [[code(f"{' '.join(r.methods)} {r.path}"), r.summary, _ids(r)] for r in mine]
    return f"**{tag}.** {about}\n\n{made(['call', 'what it does', 'operation'], cells)}"


def _ids(row: Row) -> str:
    return ", ".join(map(code, row.ids))
