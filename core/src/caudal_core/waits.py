"""How a node waits: what a handler returns for it, and what it is told afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, whom it is meant for, and where that person is told of it.

    All texts may be empty but the first. It is shown by `GET /api/approvals`, and answered there.
    """

    text: str
    user_id: str = ""
    user_name: str = ""
    channel: str = ""


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
        if self.seconds is not None and not (self.seconds >= 0 and math.isfinite(self.seconds)):
            message = f"a Wait of {self.seconds} seconds has no end that can be kept"
            raise ValueError(message)


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
