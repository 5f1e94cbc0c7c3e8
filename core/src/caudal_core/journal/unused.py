"""Versions and plans that nothing names any more, where servers share a database. It blocks.

A server writes a version with an execution that names it, and takes it to be there for `KNOWN_FOR`
seconds. So it can be deleted once nothing names it and nothing that named it has been erased for
longer: whoever took it to be there since has an execution that names it.
"""

from __future__ import annotations

from time import time

from sqlalchemy import ColumnElement, Engine, Table, delete, exists, select, text, tuple_

from caudal_core.journal.tables import about, execution, plan, workflow, workflow_version

KNOWN_FOR = 60.0
QUIET = 3 * KNOWN_FOR
"""The clocks of servers differ a little, and a commit may take a while."""

PREFIX = "unused "
"""Before the hash in the key of a row that says when an execution that named it was erased."""

ALONE = "LOCK TABLE workflow_version, plan IN SHARE ROW EXCLUSIVE MODE"
"""Whoever has written one of them has committed by then; whoever is about to waits."""


def note(digest: str) -> tuple[str, str]:
    """The row of `about` that says that an execution was erased which named this, just now."""
    return f"{PREFIX}{digest}", f"{time():017.3f}"


class Unused:
    """`delete` is for one server at a time."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def delete(self) -> int:
        """Delete what has had its time; how many versions and plans that were."""
        old = select(about.c.key, about.c.value).where(
            about.c.key.startswith(PREFIX), about.c.value < f"{time() - QUIET:017.3f}"
        )
        with self._database.connect() as connection:
            rows = [tuple(row) for row in connection.execute(old)]
        if not rows:
            return 0
        hashes = [key.removeprefix(PREFIX) for key, _ in rows]
        with self._database.begin() as connection:
            connection.execute(text(ALONE))
            count = sum(
                connection.execute(delete(table).where(table.c.hash.in_(hashes), unnamed)).rowcount
                for table, unnamed in (
                    (workflow_version, _unnamed(workflow_version, execution.c.workflow_hash)),
                    (plan, _unnamed(plan, execution.c.plan_hash)),
                )
            )
        # By itself: who notes one may be about to write another version, and waits for the lock.
        with self._database.begin() as connection:
            seen = tuple_(about.c.key, about.c.value).in_(rows)  # what is noted anew stays so
            connection.execute(delete(about).where(seen))
        return count


def _unnamed(table: Table, name: ColumnElement[str]) -> ColumnElement[bool]:
    saved = exists().where(workflow.c.hash == table.c.hash)
    return ~exists().where(name == table.c.hash) & ~saved
