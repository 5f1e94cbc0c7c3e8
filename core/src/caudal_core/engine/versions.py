"""Which workflows the journal has been given already."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from time import monotonic, time

from caudal_core.graph import Graph
from caudal_core.journal import Journal
from caudal_core.journal.statements import Statement
from caudal_core.workflow import canonical

REMEMBERED = 10_000


class Versions:
    """Writes each workflow version and each plan once, or again where that is forgotten.

    It is after `lasting` seconds: another server may delete what nothing names any more.
    """

    def __init__(self, lasting: float = inf) -> None:
        self._known: set[str] = set()
        self._lasting = lasting
        self._since = monotonic()

    def forget(self, hashes: Iterable[str]) -> None:
        """Write these again when they are next needed: they may be deleted."""
        self._known.difference_update(hashes)

    def unknown(self, hashes: Iterable[str]) -> set[str]:
        """Those of these that have not been written since they were forgotten."""
        return set(hashes) - self._known

    def write(self, graph: Graph, journal: Journal) -> None:
        """Put the graph's workflow and its plan in, where they are not yet."""
        if monotonic() - self._since > self._lasting:
            self._known.clear()
            self._since = monotonic()
        if graph.hash in self._known and graph.plan_hash in self._known:
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known |= {graph.hash, graph.plan_hash}
        row = (graph.hash, canonical(dict(graph.document)), time())
        journal.write(Statement.WORKFLOW_VERSION, row)
        journal.write(Statement.PLAN, (graph.plan_hash, graph.plan))
