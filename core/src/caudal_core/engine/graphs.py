"""Checked graphs, kept so that a workflow is checked once and not at every execution."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from caudal_core.engine.recent import Recent
from caudal_core.graph import Graph, build_graph
from caudal_core.registry import Registry
from caudal_core.workflow import canonical, content_hash

PARTS = 500
"""Nodes and connections, together, up to which the event loop builds the graph."""

ITEMS = 10_000
"""Items of a value, of its lists and objects at every depth, that the event loop looks through."""

TEXT = 100
"""Characters of a text that count as one item."""

T = TypeVar("T")


class GraphCache:
    """Builds graphs with the handlers of one registry; large ones in a thread."""

    def __init__(
        self, registry: Registry, in_thread: Callable[[Callable[[], Any]], Awaitable[Any]]
    ) -> None:
        self._registry = registry
        self._in_thread = in_thread
        self._graphs = Recent[Graph]()

    async def get(
        self, document: Mapping[str, Any], workflow_id: str | None, digest: str | None = None
    ) -> Graph:
        """The graph of a workflow's JSON; `InvalidWorkflow` lists its problems.

        `digest` is the hash of its text, where the caller knows it.
        """
        found = None if digest is None else self._graphs.get((digest, workflow_id))
        if found is not None:
            return found
        plain = dict(document)
        do = _here if _small(plain) else self._in_thread
        digest = digest or await do(lambda: content_hash(canonical(plain)))
        found = self._graphs.get((digest, workflow_id))
        if found is None:
            built = do(lambda: build_graph(plain, self._registry, workflow_id=workflow_id))
            found = await built
            self._graphs.put((found.hash, workflow_id), found, found.size)
        return found


async def _here(function: Callable[[], T]) -> T:
    return function()


def _small(document: Mapping[str, Any]) -> bool:
    parts = (document.get("nodes"), document.get("connections"))
    count = sum(len(part) for part in parts if isinstance(part, list))
    return count <= PARTS and not is_heavy(document)


def is_heavy(value: Any) -> bool:
    """Whether a JSON value takes long to look through; decided as soon as it is seen."""
    left, waiting = ITEMS, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            left -= len(item) // TEXT
        elif isinstance(item, dict | list | tuple):
            left -= len(item)
            if left >= 0:
                waiting += [*item, *item.values()] if isinstance(item, dict) else item
        if left < 0:
            return True
    return False
