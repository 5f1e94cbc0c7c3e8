"""Checked graphs, kept so that a workflow is checked once and not at every execution."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from caudal_core.graph import Graph, build_graph
from caudal_core.registry import Registry
from caudal_core.workflow import canonical, content_hash

KEPT = 256
SMALL = 500
"""Nodes, and items in one value of a config, up to which the event loop builds the graph."""


class GraphCache:
    """Builds graphs with the handlers of one registry; large ones in a thread."""

    def __init__(
        self, registry: Registry, in_thread: Callable[[Callable[[], Any]], Awaitable[Any]]
    ) -> None:
        self._registry = registry
        self._in_thread = in_thread
        self._graphs: OrderedDict[str, Graph] = OrderedDict()

    async def get(
        self, document: Mapping[str, Any], workflow_id: str | None, digest: str | None = None
    ) -> Graph:
        """The graph of a workflow's JSON; `InvalidWorkflow` lists its problems.

        `digest` is the hash of its text, where the caller knows it.
        """
        found = self._graphs.get(f"{digest} {workflow_id}")
        if found is not None:
            return found
        plain = dict(document)
        if _small(plain):
            return self._get(plain, workflow_id)
        built: Graph = await self._in_thread(lambda: self._get(plain, workflow_id))
        return built

    def _get(self, document: dict[str, Any], workflow_id: str | None) -> Graph:
        key = f"{content_hash(canonical(document))} {workflow_id}"
        found = self._graphs.get(key)
        if found is None:
            found = build_graph(document, self._registry, workflow_id=workflow_id)
            self._graphs[key] = found
            if len(self._graphs) > KEPT:
                self._graphs.popitem(last=False)
        return found


def _small(document: Mapping[str, Any]) -> bool:
    nodes = document.get("nodes")
    if not isinstance(nodes, list):
        return True
    return len(nodes) <= SMALL and not any(map(_heavy, nodes))


def _heavy(node: Any) -> bool:
    return is_heavy(node.get("config") if isinstance(node, dict) else None)


def is_heavy(config: Any) -> bool:
    """Whether an object holds a value that takes long to look through."""
    values = config.values() if isinstance(config, dict) else ()
    return any(isinstance(value, list | dict | str) and len(value) > SMALL * 20 for value in values)
