"""Which workflows are checked on the event loop, and which checked graphs are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.core.flows import document
from tests.core.graphs import REGISTRY

from caudal_core.engine.graphs import ITEMS, PARTS, TEXT, GraphCache, is_heavy
from caudal_core.engine.recent import Recent
from caudal_core.errors import InvalidWorkflow
from caudal_core.workflow import canonical, content_hash

MANY = ITEMS + 1


class Cache(GraphCache):
    """A cache that counts what it did in a thread."""

    def __init__(self) -> None:
        super().__init__(REGISTRY, self._thread)
        self.threads = 0

    async def _thread(self, function: Callable[[], Any]) -> Any:
        self.threads += 1
        return function()


def deep(levels: int) -> Any:
    """A list in a list, so many levels deep."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


HEAVY: dict[str, Any] = {
    "a long list": {"rows": [1] * MANY},
    "many keys": {str(index): 1 for index in range(MANY)},
    "long rows": {"rows": [[1.5] * 4_000] * 3},
    "rows far inside": {"body": {"rows": [{"i": 1, "t": "x"}] * 4_000}},
    "a long text": {"text": "x" * TEXT * MANY},
    "a long key": {"x" * TEXT * MANY: 1},
    "many texts": {"texts": ["x" * TEXT * 50] * 300},
    "a tuple": ((1,) * MANY,),
    "many levels": deep(MANY),
}
LIGHT: dict[str, Any] = {
    "null": None,
    "a number": 10**30,
    "a text": "x" * TEXT * 100,
    "some rows": {"rows": [{"i": 1, "t": "a text"}] * 1_000},
    "some levels": deep(200),
}


@pytest.mark.parametrize("case", HEAVY)
def test_heavy_values(case: str) -> None:
    """A value is heavy by all that is in it, wherever it is."""
    assert is_heavy(HEAVY[case])


@pytest.mark.parametrize("case", LIGHT)
def test_light_values(case: str) -> None:
    """A value with few items is not."""
    assert not is_heavy(LIGHT[case])


class Endless(list[Any]):
    """A list that says how long it is; nobody looks through it."""

    def __len__(self) -> int:
        return 10**9


def test_a_heavy_value_is_not_looked_through() -> None:
    """It is decided when there turn out to be too many items, not when all were looked at."""
    looked: list[str] = []

    class Watched(dict[str, Any]):
        def values(self) -> Any:
            looked.append("value")
            return super().values()

    assert is_heavy({"first": Watched(a=1), "last": Endless()})
    assert [] == looked


def config(value: Any) -> dict[str, Any]:
    """A node with an unknown key, and this under it."""
    return {"type": "limits", "config": {"unknown": value}}


LARGE: dict[str, dict[str, Any]] = {
    "many nodes": document({f"n{index}": "pass" for index in range(PARTS + 1)}),
    "many connections": document(dict.fromkeys("ab", "pass"), *(["a b"] * PARTS)),
    "a large config": document({"a": config({"rows": [[1] * 100] * 200})}),
    "many unknown keys": document(
        {"a": {"type": "limits", "config": {f"key {index}": 1 for index in range(MANY)}}}
    ),
    "a large key of an editor": document({"a": "pass"}, view=["x"] * MANY),
}


@pytest.mark.parametrize("case", LARGE)
async def test_large_workflows_are_checked_in_a_thread(case: str) -> None:
    """What takes long to check does not hold up the event loop; neither does looking it up."""
    cache = Cache()
    first = await cache.get(LARGE[case], None)
    assert 2 == cache.threads
    assert first is await cache.get(LARGE[case], None)
    assert 3 == cache.threads
    assert first is await cache.get(LARGE[case], None, first.hash)
    assert 3 == cache.threads


async def test_small_workflows_are_checked_at_once() -> None:
    """A usual workflow is worth no thread."""
    cache = Cache()
    workflow = document({f"n{index}": "pass" for index in range(100)}, "n0 n1", "n1 n2")
    assert await cache.get(workflow, None) is await cache.get(dict(workflow), None)
    assert 0 == cache.threads


async def test_problems_are_not_kept() -> None:
    """A workflow with problems is refused each time."""
    cache = Cache()
    for _ in range(2):
        with pytest.raises(InvalidWorkflow):
            await cache.get(document({"a": "teleport"}), None)


async def test_the_id_is_part_of_the_graph() -> None:
    """The same JSON under two ids is two graphs."""
    cache, workflow = Cache(), document({"a": "pass"})
    digest = content_hash(canonical(workflow))
    found = [await cache.get(workflow, key, digest) for key in ("one", "two", "one")]
    assert ["one", "two", "one"] == [graph.workflow_id for graph in found]
    assert found[0] is found[2]


# -- what is kept ---------------------------------------------------------------------------------


def test_what_was_used_last_is_kept() -> None:
    """The value that was not used for longest goes first."""
    recent = Recent[int](count=2)
    for key in "ab":
        recent.put(key, ord(key), 1)
    assert ord("a") == recent.get("a")
    recent.put("c", ord("c"), 1)
    assert [ord("a"), None, ord("c")] == [recent.get(key) for key in "abc"]


def test_the_size_of_all_is_bounded() -> None:
    """Values are let go until all that are kept are small enough together."""
    recent = Recent[str](size=10)
    for key, size in (("a", 4), ("b", 4), ("a", 6), ("c", 3)):
        recent.put(key, key, size)
    assert ["a", None, "c"] == [recent.get(key) for key in "abc"]
    recent.drop("a")
    recent.drop("nothing")
    recent.put("d", "d", 7)
    assert [None, "c", "d"] == [recent.get(key) for key in "acd"]


def test_one_that_is_larger_than_all() -> None:
    """A value beyond the bound is kept by itself, until the next one comes."""
    recent = Recent[str](size=10)
    recent.put("a", "a", 1)
    recent.put("huge", "huge", 11)
    assert (1, "huge") == (len(recent), recent.get("huge"))
    recent.put("b", "b", 1)
    assert (1, "b") == (len(recent), recent.get("b"))
