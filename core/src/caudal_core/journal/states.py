"""What nodes keep between executions. Everything here blocks: call it in a thread."""

from __future__ import annotations

from sqlalchemy import Engine, select

from caudal_core.journal.tables import node_state


class NodeStates:
    """The states that the database has, in journal form."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def read(self, workflow_id: str, node_id: str) -> bytes | None:
        """What this node of this workflow has kept; nothing if it never has."""
        mine = (node_state.c.workflow == workflow_id) & (node_state.c.node == node_id)
        with self._database.connect() as connection:
            found: bytes | None = connection.execute(
                select(node_state.c.value).where(mine)
            ).scalar_one_or_none()
        return found
