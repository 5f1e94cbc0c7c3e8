"""What a node of a workflow keeps from one execution to the next."""

from __future__ import annotations

from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING

from caudal_core.engine.execution import Execution
from caudal_core.journal.statements import Statement

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Told of once it is committed what a node keeps."""

    workflow_id: str
    node_id: str
    value: bytes


class States:
    """Read when a handler first asks, written with what is recorded of its node.

    What is not committed yet is held here, as the node may be called again before that; where the
    journal keeps nothing, all is.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: dict[tuple[str, str], bytes] = {}

    def read(self, workflow_id: str, node_id: str) -> bytes | None:
        """In journal form; nothing if it has kept nothing. Blocks for a moment."""
        history = self._engine.storage.history
        held = self._held.get((workflow_id, node_id))
        if held is not None or history is None:
            return held
        return history.states.read(workflow_id, node_id)

    def write(self, execution: Execution, node_id: str, value: bytes) -> None:
        """Keep it, in the transaction of what was recorded just before."""
        workflow_id = execution.record.workflow_id
        row = (workflow_id, node_id, value, execution.id, time())
        self._engine.journal.write(Statement.NODE_STATE, row, Kept(workflow_id, node_id, value))
        self._held[workflow_id, node_id] = value

    def committed(self, kept: Kept) -> None:
        """The database has it."""
        place = kept.workflow_id, kept.node_id
        if self._engine.storage.history is not None and self._held.get(place) is kept.value:
            del self._held[place]
