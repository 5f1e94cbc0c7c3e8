"""How a figure is written down."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any


def ratio(
    name: str,
    values: Sequence[float],
    floors: Sequence[float],
    unit: str,
    *,
    floor: str,
    most: float | None,
    **more: Any,
) -> dict[str, Any]:
    """A cost beside the floor that was measured in turn with it, pair by pair.

    `floor` says what the floor is the cost of; without `most` the figure has no limit.
    """
    ratios = sorted(value / floor for value, floor in zip(values, floors, strict=True))
    middle = median(ratios)
    held = {} if most is None else {"limit": f"ratio <= {most}", "holds": middle <= most}
    return {
        "figure": name,
        "value": round(median(values), 3),
        "floor": round(median(floors), 3),
        "floorOf": floor,
        "unit": unit,
        "ratio": round(middle, 2),
        "ratioRange": [round(ratios[0], 2), round(ratios[-1], 2)],
        **held,
        **more,
    }


def at_most(name: str, value: float, unit: str, limit: float, **more: Any) -> dict[str, Any]:
    """A figure with a limit of its own."""
    held = {"limit": f"<= {limit} {unit}", "holds": value <= limit}
    return {"figure": name, "value": round(value, 3), "unit": unit, **held, **more}


def at_least(name: str, value: float, unit: str, limit: float, **more: Any) -> dict[str, Any]:
    """A figure that must not fall below its limit."""
    held = {"limit": f">= {limit} {unit}", "holds": value >= limit}
    return {"figure": name, "value": round(value, 3), "unit": unit, **held, **more}


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample below which `share` (0 to 1) of them lie."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
