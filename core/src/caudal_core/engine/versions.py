"""Which workflows the journal has been given already."""

from __future__ import annotations

from collections.abc import Iterable
from time import time

from caudal_core.graph import Graph
from caudal_core.journal import Journal
from caudal_core.journal.statements import Statement
from caudal_core.workflow import canonical

REMEMBERED = 10_000


class Versions:
    """Writes each workflow version and each plan once, or again where that is forgotten."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def forget(self, hashes: Iterable[str]) -> None:
        """Write these again when they are next needed: they may be deleted."""
        self._known.difference_update(hashes)

    def unknown(self, hashes: Iterable[str]) -> set[str]:
        """Those of these that have not been written since they were forgotten."""
        return set(hashes) - self._known

    def write(self, graph: Graph, journal: Journal) -> None:
        """Put the graph's workflow and its plan in, where they are not yet."""
        if graph.hash in self._known and graph.plan_hash in self._known:
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known |= {graph.hash, graph.plan_hash}
        row = (graph.hash, canonical(dict(graph.document)), time())
        journal.write(Statement.WORKFLOW_VERSION, row)
        journal.write(Statement.PLAN, (graph.plan_hash, graph.plan))
