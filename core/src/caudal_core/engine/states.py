"""What a node of a workflow keeps from one execution to the next."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from caudal_core.engine.execution import Execution
from caudal_core.journal.statements import Statement

if TYPE_CHECKING:
    from caudal_core.engine.engine import Engine


class States:
    """Read when a handler first asks, written with what is recorded of its node.

    Where the journal keeps nothing they are held here.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: dict[tuple[str, str], bytes] = {}

    def read(self, workflow_id: str, node_id: str) -> bytes | None:
        """In journal form; nothing if it has kept nothing. Blocks for a moment."""
        history = self._engine.storage.history
        if history is None:
            return self._held.get((workflow_id, node_id))
        return history.states.read(workflow_id, node_id)

    def write(self, execution: Execution, node_id: str, value: bytes) -> None:
        """Keep it, in the transaction of what was recorded just before."""
        workflow_id = execution.record.workflow_id
        row = (workflow_id, node_id, value, execution.id, time())
        self._engine.journal.write(Statement.NODE_STATE, row)
        if self._engine.storage.history is None:
            self._held[workflow_id, node_id] = value
