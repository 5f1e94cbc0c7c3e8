"""What is shown of a value that is too large to be shown whole."""

from __future__ import annotations

from typing import Any

from caudal_core.payload import LARGE, Payload
from caudal_core.values import JSON, to_wire

RECORDS_SHOWN = 20
CHARACTERS_SHOWN = 2_000
CUT_TEXT = 500
"""Characters that are left of a text that does not fit."""
SMALLEST_PART = 5
"""Bytes of `"…"`, the least that is shown of a value with parts."""


def preview(value: JSON, budget: int = LARGE) -> JSON:
    """The beginning of a value, of the same kind: its first records, its first characters.

    The result takes up to about `budget` bytes; a text that is cut inside it ends with `…`.
    """
    if type(value) is list:
        head = value[:RECORDS_SHOWN]
        return head if _fits(head, [budget]) else _cut(head, [budget])
    if type(value) is str:
        return value[: min(CHARACTERS_SHOWN, budget)]
    if _fits(value, [budget]):
        return value
    return _cut(value, [min(budget, CHARACTERS_SHOWN * 10)])


def _size(scalar: JSON) -> int:
    """The bytes that a value without parts takes on the wire."""
    return len(to_wire(scalar))


def _fits(value: JSON, left: list[int]) -> bool:
    """Whether the value takes no more than `left` bytes; looks no further once it does."""
    if type(value) is dict:
        left[0] -= 2 + 2 * len(value)
        return left[0] >= 0 and all(_fits(k, left) and _fits(v, left) for k, v in value.items())
    if type(value) is list:
        left[0] -= 2 + len(value)
        return left[0] >= 0 and all(_fits(item, left) for item in value)
    if type(value) is str and len(value) > left[0]:
        return False
    left[0] -= _size(value)
    return left[0] >= 0


def _cut(value: JSON, left: list[int]) -> JSON:
    """As much of a value as `left` bytes hold; a value without parts is never changed."""
    if type(value) is str:
        return _cut_text(value, left)
    if type(value) is dict:
        return _cut_object(value, left)
    if type(value) is list:
        return _cut_list(value, left)
    left[0] -= _size(value)
    return value


def _cut_list(value: list[Any], left: list[int]) -> list[Any]:
    left[0] -= 2
    kept: list[Any] = []
    for item in value:
        if not _room(item, left[0]):
            break
        left[0] -= 1
        kept.append(_cut(item, left))
    return kept


def _cut_object(value: dict[str, Any], left: list[int]) -> dict[str, Any]:
    left[0] -= 2
    kept: dict[str, Any] = {}
    for key, item in value.items():
        room = left[0] - len(key) - 2
        if room < 0 or not _room(item, room := left[0] - _size(key) - 2):
            break
        left[0] = room
        kept[key] = _cut(item, left)
    return kept


def _room(item: JSON, left: int) -> bool:
    """Whether something of the item can be shown: a whole number, the beginning of all else."""
    parted = type(item) in (str, list, dict)
    return left >= SMALLEST_PART if parted else left > _size(item)


def _cut_text(value: str, left: list[int]) -> str:
    if len(value) <= left[0] and (size := _size(value)) <= left[0]:
        left[0] -= size
        return value
    head = value[: max(0, min(CUT_TEXT, left[0] - SMALLEST_PART))]
    while head and _size(head) + SMALLEST_PART > left[0]:
        head = head[: len(head) // 2]
    left[0] -= _size(head) + SMALLEST_PART
    return head + "…"


def shown(payload: Payload) -> tuple[JSON, dict[str, Any] | None]:
    """A payload whole, or its preview with `{truncated, rows, bytes}` beside it."""
    if not payload.large:
        return payload.data, None
    return preview(payload.glance), info(payload)


def info(payload: Payload) -> dict[str, Any]:
    """The true size of what is shown in part; `rows` is null where there are none."""
    return {"truncated": True, "rows": payload.rows, "bytes": payload.size}


def small_preview(value: JSON, budget: int = CHARACTERS_SHOWN) -> JSON:
    """A value for a list of many: whole under `budget` bytes, else its beginning."""
    if _fits(value, [budget]):
        return value
    return _cut(value[:5] if type(value) is list else value, [budget // 2])
