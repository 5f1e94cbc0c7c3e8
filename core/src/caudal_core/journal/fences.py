"""Which rows only the owner of an execution may write, and where each names its execution.

Where several servers share a database, one that was thought dead may come back with rows of what
another one has long gone on with. Each batch reads the owners of its executions once, in its own
transaction, and drops such rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Table

from caudal_core.journal import tables
from caudal_core.journal.statements import ACCEPT, FINISH, NODE, PARK, Statement, erasures


class Fence(NamedTuple):
    """`execution` is the place of the execution's id in a row; null there: nobody owns the row.

    A row that has the value `free[1]` at the place `free[0]` is anybody's; one that has another
    value than `only[1]` at the place `only[0]` is too.
    """

    execution: int
    free: tuple[int, Any] | None = None
    only: tuple[int, Any] | None = None


class Accepting(NamedTuple):
    """The statement that brings an execution into being, and the places of its id and its owner."""

    statement: int
    execution: int
    owner: int


ACCEPTING = Accepting(Statement.ACCEPT, ACCEPT.index("id"), ACCEPT.index("owner"))


def _place(table: Table, column: str) -> int:
    return [found.name for found in table.columns].index(column)


FENCES = {
    Statement.NODE: Fence(NODE.index("execution")),
    Statement.START: Fence(2),
    Statement.CLAIM: Fence(2),
    Statement.FINISH: Fence(len(FINISH)),
    Statement.PARK: Fence(len(PARK)),
    # That there is news for one that waits is said by whoever hears of it.
    Statement.TIMER: Fence(0, free=(_place(tables.timer, "kind"), "wake")),
    # What was tried to be delivered is written by whoever did, whose executions these may not be.
    Statement.NOTICE: Fence(
        _place(tables.notice, "execution"), only=(_place(tables.notice, "attempts"), 0)
    ),
    Statement.NO_TIMER: Fence(0),
    Statement.WOKEN: Fence(0),
    Statement.NO_TIMERS: Fence(0),
    Statement.APPROVAL: Fence(_place(tables.approval, "execution")),
    Statement.NODE_STATE: Fence(_place(tables.node_state, "execution")),
}
"""What only the owner may write."""

FREE = {
    Statement.WORKFLOW_VERSION,
    Statement.WORKFLOW,
    Statement.DELETE_WORKFLOW,
    Statement.PLAN,
    Statement.ACCEPT,
    Statement.CANCEL,
    Statement.TRIGGER_EVENT,
    Statement.TRIGGER_STATE,
    Statement.TRIGGER_LAST,
    Statement.TRIGGER_PAUSE,
    Statement.TRIGGER_RESUME,
    Statement.DECIDE,
    Statement.DROP_NOTICE,
    Statement.UNUSED,
    Statement.ERASE_RUNS,
    Statement.ERASE_EXECUTION,
    Statement.ERASE_VERSION,
    Statement.ERASE_PLAN,
    Statement.ERASE_EVENT,
    Statement.KEEP_KEY,
    *erasures(),
}
"""What any server may write: it is nobody's execution, it has ended, or it is a request. Every
statement is in here or above."""


SHARED = (int(Statement.WORKFLOW_VERSION), int(Statement.PLAN))
"""What two servers may insert at one time, by the hash that comes first in their rows."""


def fences(count: int) -> list[Fence | None]:
    """By the number of a statement who may write it."""
    return [FENCES.get(number) for number in range(count)]
