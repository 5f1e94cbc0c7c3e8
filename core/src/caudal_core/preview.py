"""What is shown of a value that is too large to be shown whole."""

from __future__ import annotations

from typing import Any

from caudal_core.payload import LARGE, Payload
from caudal_core.values import JSON, encode

RECORDS_SHOWN = 20
CHARACTERS_SHOWN = 2_000


def preview(value: JSON, budget: int = LARGE) -> JSON:
    """The beginning of a value, of the same kind: its first records, its first characters.

    The result takes up to about `budget` bytes; what is cut inside it ends with `…`.
    """
    if type(value) is list:
        head = value[:RECORDS_SHOWN]
        return head if _fits(head, budget) else _cut(head, [budget])
    if type(value) is str:
        return value[: min(CHARACTERS_SHOWN, budget)]
    return value if _fits(value, budget) else _cut(value, [min(budget, CHARACTERS_SHOWN * 10)])


def _fits(value: JSON, budget: int) -> bool:
    if type(value) is str:
        return len(value) <= budget
    if type(value) in (dict, list):
        left = [budget]
        return _measure(value, left)
    return True


def _measure(value: JSON, left: list[int]) -> bool:
    """Whether the value takes no more than `left`; stops as soon as it does."""
    left[0] -= len(value) + 2 if type(value) is str else 6
    if type(value) is dict:
        return all(_measure(key, left) and _measure(item, left) for key, item in value.items())
    if type(value) is list:
        return all(_measure(item, left) for item in value)
    return left[0] >= 0


def _cut(value: JSON, left: list[int]) -> JSON:
    if type(value) is str:
        kept = value if len(value) <= left[0] else value[: max(0, min(left[0], 200))] + "…"
        left[0] -= len(kept) + 2
        return kept
    if type(value) is list:
        return [_cut(item, left) for item in _while(value, left)]
    if type(value) is dict:
        return {key: _cut(value[key], left) for key in _while(value, left)}
    left[0] -= 6
    return value


def _while(items: Any, left: list[int]) -> Any:
    for item in items:
        if left[0] <= 0:
            return
        left[0] -= 4
        yield item


def shown(payload: Payload) -> tuple[JSON, dict[str, Any] | None]:
    """A payload whole, or its preview with `{truncated, rows, bytes}` beside it."""
    if not payload.large:
        return payload.data, None
    return preview(payload.data), info(payload)


def info(payload: Payload) -> dict[str, Any]:
    """The true size of what is shown in part; `rows` is null where there are none."""
    return {"truncated": True, "rows": payload.rows, "bytes": payload.size}


def small_preview(value: JSON, budget: int = CHARACTERS_SHOWN) -> JSON:
    """A value for a list of many: whole under `budget` bytes, else its beginning."""
    if type(value) in (dict, list) and not _measure(value, [budget]):
        cut = _cut(value[:5] if type(value) is list else value, [budget // 2])
        return cut if len(encode(cut)) <= budget else None
    if type(value) is str and len(value) > budget // 2:
        return value[: budget // 4] + "…"
    return value
