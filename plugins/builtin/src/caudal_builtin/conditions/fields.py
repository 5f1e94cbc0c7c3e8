"""Where a condition finds its value in a record: under a key, or along a path such as `a.b[0]`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from caudal_core import Records, Row
from caudal_core.values import JSON

Getter = Callable[[Row], JSON]
"""The value in a record, null where there is none."""

_PATH = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[0-9]+\])+")
_STEP = re.compile(r"\[([0-9]+)\]|([^.\[\]]+)")


def find(name: str, data: Records) -> Getter | None:
    """How to read `name` from each record; nothing if no record has it."""
    if data.in_columns:  # where there are no lists and no objects, so no paths either
        return (lambda row: row.get(name)) if name in data.columns else None
    if any(name in row for row in data):
        return lambda row: row.get(name)
    if not _PATH.fullmatch(name):
        return None
    steps = [int(index) if index else key for index, key in _STEP.findall(name)]
    if not any(_has(steps, row) for row in data):
        return None
    return partial(_follow, steps)


def _follow(steps: list[str | int], row: Row) -> JSON:
    value: Any = row
    for step in steps:
        if not _inside(step, value):
            return None
        value = value[step]
    return value


def _has(steps: list[str | int], row: Row) -> bool:
    parent = _follow(steps[:-1], row)
    return _inside(steps[-1], parent)


def _inside(step: str | int, value: Any) -> bool:
    if type(step) is int:
        return type(value) is list and step < len(value)
    return type(value) is dict and step in value
