"""How a node waits: what a handler returns for it, and what it is told afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

LONGEST = 3_155_760_000.0
"""Seconds of the longest wait, a hundred years: a moment beyond the year 9999 cannot be told."""


def _check(what: str, seconds: float | None) -> None:
    if seconds is not None and not 0 <= seconds <= LONGEST:
        message = f"{what} {seconds} seconds has no end that can be kept; give 0 to {LONGEST:,.0f}"
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, whom it is meant for, and where that person is told of it.

    All texts may be empty but the first. It is shown by `GET /api/approvals`, and answered there.
    Where it is not answered in `notify_after` seconds, whoever is told of failures is told so.
    """

    text: str
    user_id: str = ""
    user_name: str = ""
    channel: str = ""
    notify_after: float | None = None

    def __post_init__(self) -> None:
        _check("a Question that is told of after", self.notify_after)


@dataclass(frozen=True, slots=True)
class Wait:
    """What a handler returns that cannot go on yet. It is called again, with `ctx.answer`.

    ::

        if ctx.answer is None:
            return Wait(Question("Open the valve?"), seconds=86_400)

    It waits for the answer to `question`, or, without one, until `seconds` have passed; with both,
    for the answer, but no longer. Meanwhile it takes no thread, no slot and no memory, and the wait
    survives restarts. `memo`, a JSON value of up to 64 kB, comes back as `ctx.answer.memo`.
    """

    question: Question | None = None
    seconds: float | None = None
    memo: Any = None

    def __post_init__(self) -> None:
        if self.question is None and self.seconds is None:
            message = "a Wait needs a question, seconds, or both"
            raise ValueError(message)
        _check("a Wait of", self.seconds)


@dataclass(frozen=True, slots=True)
class Reply:
    """How a wait ended: `ctx.answer`.

    `late` says that the time was over, be it all that was waited for or not; then nobody has
    decided. `approved` is a person's answer, `person` who is said to have given it, `data` the JSON
    value that came with it (null: none).
    """

    late: bool = False
    approved: bool = False
    person: str | None = None
    comment: str | None = None
    data: Any = None
    decided: datetime | None = None
    approval_id: str | None = None
    memo: Any = None
