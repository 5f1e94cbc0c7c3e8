"""The tables of the journal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column

from caudal_core.journal import tables
from tools.parts.markdown import code, table


def columns() -> str:
    """Each table with its columns; those of its key are in bold."""
    rows = [
        [code(found.name), ", ".join(_column(column) for column in found.columns)]
        for found in tables.metadata.tables.values()
    ]
    return table(["table", "columns, those of the key in bold"], rows)


def _column(column: Column[Any]) -> str:
    return f"**{code(column.name)}**" if column.primary_key else code(column.name)
