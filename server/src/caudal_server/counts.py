"""What a node handed on, in one line: for handlers that say nothing themselves."""

from __future__ import annotations

from collections.abc import Mapping

from caudal_core.payload import Payload
from caudal_core.values import JSON

_NAMES = {bool: "a boolean", int: "a number", float: "a number", str: "a text", dict: "1 object"}


def counted(outputs: Mapping[str, Payload]) -> str:
    """`12 records`, `1 object`; by port where there are several."""
    if not outputs:
        return "nothing is handed on"
    if len(outputs) == 1:
        return _of(next(iter(outputs.values())))
    return ", ".join(f"{port}: {_of(payload)}" for port, payload in outputs.items())


def _of(payload: Payload) -> str:
    data: JSON = payload.glance
    if type(data) is list:
        rows = len(data) if payload.rows is None else payload.rows
        records = all(type(item) is dict for item in data[:20])
        return f"{rows:,} {'record' if records else 'value'}{'' if rows == 1 else 's'}"
    if data is None:
        return "nothing"
    return _NAMES.get(type(data), "a number")
