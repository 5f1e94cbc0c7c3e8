"""Somebody who is to be told of something, as the journal keeps it."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Final

from caudal_core.journal.journal import Row

ARMED: Final = "armed"
DUE: Final = "due"
DELIVERED: Final = "delivered"
FAILED: Final = "failed"

CALLBACK: Final = "callback"
FAILURE: Final = "failure"
RECOVERY: Final = "recovery"


@dataclass(slots=True, eq=False)
class Notice:
    """What is told to whom, in the order of the table's columns; times in seconds since 1970.

    `target` is the id of a workflow that is then executed, or a URL that is called. An `armed` one
    waits for something to happen: a callback for the end of its execution, a recovery for a
    workflow's next success. `count` is how often it happened for one `cause`. `told` is what is
    told, as JSON; of a callback it is made when it is sent.
    """

    id: str
    kind: str
    state: str
    target: str
    execution: str | None
    workflow_id: str | None
    organization: str | None
    cause: str | None
    count: int
    created: float
    due: float | None
    attempts: int = 0
    error: str | None = None
    told: bytes | None = None

    @property
    def calls(self) -> bool:
        """Whether a URL is called, rather than a workflow executed."""
        return self.target.startswith(("http://", "https://"))

    def row(self) -> Row:
        """Its row, for `Statement.NOTICE`."""
        return astuple(self)
