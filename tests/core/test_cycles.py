"""Nodes that wait for each other."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from caudal_core.graph.cycles import cycles, printed

NAMES = "abcdefgh"
EDGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=24)


def reached(node: str, edges: list[tuple[str, str]]) -> set[str]:
    """All that waits for a node, found the slow way."""
    found: set[str] = set()
    left = [node]
    while left:
        here = left.pop()
        fresh = {target for source, target in edges if source == here} - found
        found |= fresh
        left += fresh
    return found


@given(EDGES)
def test_one_cycle_of_each_group(edges: list[tuple[str, str]]) -> None:
    """Of nodes that wait for each other one cycle is found, from the first of them round to it."""
    waits = {node: reached(node, edges) for node in NAMES}
    groups = {
        frozenset(other for other in waits[node] if node in waits[other])
        for node in NAMES
        if node in waits[node]
    }
    found = cycles(NAMES, edges)
    assert sorted(min(group) for group in groups) == [cycle[0] for cycle in found]
    for cycle in found:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert set(pairwise(cycle)) <= set(edges)


def test_the_shortest_way_round() -> None:
    """Of several cycles through the same node the shortest is told."""
    edges = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("c", "a")]
    assert [["a", "b", "c", "a"]] == cycles("abcd", edges)


def test_a_chain_behind_many_cycles() -> None:
    """Nodes that wait behind thousands of cycles, without being in one, are passed over once."""
    count = 20_000
    chain = [(f"c{place + 1}", f"c{place}") for place in range(count - 1)]
    loops = [(f"z{place}", f"z{place}") for place in range(count)]
    into = [(f"z{place}", f"c{count - 1}") for place in range(count)]
    nodes = [f"{kind}{place}" for kind in "cz" for place in range(count)]
    expected = [[f"z{place}"] * 2 for place in range(count)]
    assert expected == cycles(nodes, [*chain, *loops, *into])


def test_printed() -> None:
    """A short cycle is printed whole, of a long one both ends."""
    assert "a → b → a" == printed(["a", "b", "a"])
    long = [str(place) for place in range(40)]
    assert "0 → 1 → 2 → 3 → 4 → 5 → 6 → 7 → … 30 more … → 38 → 39" == printed(long)
