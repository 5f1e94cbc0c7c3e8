"""The execution's inputs as nodes hand them on: without the keys that are reserved."""

from __future__ import annotations

from typing import Any

from caudal_core import Context, Data, Records
from caudal_core.records import is_records

RESERVED = "_"
"""What the names of reserved inputs begin with."""


def without_reserved(data: Data, ctx: Context) -> Any:
    """What came in; where that is the execution's inputs, without their reserved keys.

    Data of another node is the very object that came in, whatever its keys are called.
    """
    if not isinstance(data, dict) or data.keys() != ctx.inputs.keys():
        return data
    if not any(name.startswith(RESERVED) for name in data):
        return data
    return {name: value for name, value in data.items() if not name.startswith(RESERVED)}


def are_records(data: Data) -> bool:
    """Whether what came in is a list of records, held as one or in columns."""
    return isinstance(data, Records) or is_records(data)
