"""The circles in a graph, in which every node waits for another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

SHOWN = 12
"""Nodes up to which a cycle is printed whole."""


def cycles(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """One cycle of each group of nodes that wait for each other, in the order of `nodes`.

    It goes from the first node of its group by the shortest way round to it.
    """
    order = {node: place for place, node in enumerate(nodes)}
    after: dict[str, list[str]] = {node: [] for node in order}
    for source, target in edges:
        after[source].append(target)
    found = []
    for group in _Tarjan(after).groups():
        first = min(group, key=order.__getitem__)
        if len(group) > 1 or first in after[first]:
            found.append(_round(first, group, after))
    return sorted(found, key=lambda cycle: order[cycle[0]])


class _Tarjan:
    """Tarjan's strongly connected components: each node and each edge is looked at once."""

    def __init__(self, after: dict[str, list[str]]) -> None:
        self._after = after
        self._number: dict[str, int] = {}
        self._lowest: dict[str, int] = {}
        self._open: list[str] = []
        self._is_open: set[str] = set()

    def groups(self) -> Iterator[set[str]]:
        """The nodes, those that wait for each other together."""
        for node in self._after:
            if node not in self._number:
                yield from self._from(node)

    def _from(self, root: str) -> Iterator[set[str]]:
        way = [(root, self._enter(root))]
        while way:
            node, left = way[-1]
            fresh = self._next(node, left)
            if fresh is not None:
                way.append((fresh, self._enter(fresh)))
                continue
            way.pop()
            if way:
                parent = way[-1][0]
                self._lowest[parent] = min(self._lowest[parent], self._lowest[node])
            if self._lowest[node] == self._number[node]:
                yield self._close(node)

    def _enter(self, node: str) -> Iterator[str]:
        self._number[node] = self._lowest[node] = len(self._number)
        self._open.append(node)
        self._is_open.add(node)
        return iter(self._after[node])

    def _next(self, node: str, left: Iterator[str]) -> str | None:
        """The next node after this one that nobody has been at."""
        for target in left:
            if target not in self._number:
                return target
            if target in self._is_open:
                self._lowest[node] = min(self._lowest[node], self._number[target])
        return None

    def _close(self, node: str) -> set[str]:
        place = len(self._open) - 1
        while self._open[place] != node:
            place -= 1
        group = set(self._open[place:])
        del self._open[place:]
        self._is_open -= group
        return group


def _round(first: str, group: set[str], after: dict[str, list[str]]) -> list[str]:
    """The shortest way from a node round to it, within its group."""
    came: dict[str, str] = {}
    ready = deque([first])
    while first not in came:
        node = ready.popleft()
        for target in after[node]:
            if target in group and target not in came:
                came[target] = node
                ready.append(target)
    back = [first, came[first]]
    while back[-1] != first:
        back.append(came[back[-1]])
    return back[::-1]


def printed(cycle: Sequence[str]) -> str:
    """`a → b → a`; of a long one the beginning and the end."""
    if len(cycle) <= SHOWN:
        return " → ".join(cycle)
    head, tail = cycle[: SHOWN - 4], cycle[-2:]
    more = f"… {len(cycle) - len(head) - len(tail)} more …"
    return " → ".join([*head, more, *tail])
