"""The circles in a graph, in which every node waits for another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

SHOWN = 12
"""Nodes up to which a cycle is printed whole."""


def cycles(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> Iterator[list[str]]:
    """Cycles that share no node, each from its first node, in the order of `nodes`, round to it."""
    order = {node: place for place, node in enumerate(nodes)}
    left = _Left(order, edges)
    for node in order:
        while node in left.stuck:
            found = left.backwards_from(node)
            first = found.index(min(found, key=order.__getitem__))
            yield [*found[first:], *found[:first], found[first]]
            left.release(found)


class _Left:
    """The nodes that can never start, fewer as cycles are taken out."""

    def __init__(self, nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> None:
        self._after: dict[str, list[str]] = {node: [] for node in nodes}
        self._before: dict[str, list[str]] = {node: [] for node in self._after}
        self._waits = dict.fromkeys(self._after, 0)
        for source, target in edges:
            self._after[source].append(target)
            self._before[target].append(source)
            self._waits[target] += 1
        self.stuck = set(self._after)
        self.release([node for node, count in self._waits.items() if not count])

    def release(self, nodes: Sequence[str]) -> None:
        """Let these start, and with them all that waits for nothing else."""
        ready = deque(nodes)
        self.stuck.difference_update(nodes)
        while ready:
            for target in self._after[ready.popleft()]:
                self._waits[target] -= 1
                if not self._waits[target] and target in self.stuck:
                    self.stuck.discard(target)
                    ready.append(target)

    def backwards_from(self, node: str) -> list[str]:
        """The cycle that is met when going from a stuck node to what it waits for, and on."""
        places = {node: 0}
        path = [node]
        while (node := self._waited_for(node)) not in places:
            places[node] = len(path)
            path.append(node)
        return path[places[node] :][::-1]

    def _waited_for(self, node: str) -> str:
        before = self._before[node]
        while before[-1] not in self.stuck:
            before.pop()
        return before[-1]


def printed(cycle: Sequence[str]) -> str:
    """`a → b → a`; of a long one the beginning and the end."""
    if len(cycle) <= SHOWN:
        return " → ".join(cycle)
    head, tail = cycle[: SHOWN - 4], cycle[-2:]
    more = f"… {len(cycle) - len(head) - len(tail)} more …"
    return " → ".join([*head, more, *tail])
