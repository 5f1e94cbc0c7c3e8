"""What the database knows of executions that another server runs. Everything here blocks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, func, select

from caudal_core.journal.tables import execution, node_run

run, one = node_run.c, execution.c

Mark = tuple[object, ...]
"""Another value whenever anything of an execution has changed."""


class Elsewhere:
    """Looks that are taken again and again, while somebody watches."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def marks(self, ids: Sequence[str]) -> dict[str, Mark]:
        """The mark of each."""
        count, last = func.count(run.number), func.max(run.seq)
        query = (
            select(one.id, one.state, one.epoch, one.started, one.cancel_requested, count, last)
            .outerjoin(node_run, run.execution == one.id)
            .where(one.id.in_(list(ids)))
            .group_by(one.id)
        )
        with self._database.connect() as connection:
            return {row[0]: tuple(row[1:]) for row in connection.execute(query)}

    def going_on(self, since: float, limit: int) -> list[str]:
        """The executions that go on, and those accepted since a moment, the newest first."""
        wanted = one.state.in_(("pending", "running")) | (one.created >= since)
        query = select(one.id).where(wanted).order_by(one.created.desc()).limit(limit)
        with self._database.connect() as connection:
            return list(connection.execute(query).scalars())

    def progress(self, execution_id: str) -> tuple[int, int]:
        """How many nodes of one are done and how many have failed, by the last run of each."""
        place = func.row_number().over(partition_by=run.node, order_by=run.number.desc())
        last = select(run.state, place.label("place")).where(run.execution == execution_id)
        found = last.subquery()
        query = select(found.c.state, func.count()).where(found.c.place == 1)
        with self._database.connect() as connection:
            rows = connection.execute(query.group_by(found.c.state)).all()
        counts = {row[0]: row[1] for row in rows}
        done = counts.get("completed", 0) + counts.get("skipped", 0)
        return done, counts.get("failed", 0) + counts.get("interrupted", 0)
