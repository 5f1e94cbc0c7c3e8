"""The order of columns in a table, from that of the fields in its records."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise


def common_order(shapes: Iterable[Iterable[str]]) -> list[str]:
    """All names, so that every shape keeps its order; by first appearance if they do not agree."""
    found = list(dict.fromkeys(map(tuple, shapes)))
    first = list(dict.fromkeys(name for shape in found for name in shape))
    if len(found) < 2:
        return first
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(first, ()))
    for shape in found:
        for before, after in pairwise(shape):
            sorter.add(after, before)
    try:
        return list(sorter.static_order())
    except CycleError:
        return first
