"""The form of a trigger, as its author writes it: what starts workflows by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, get_args

from caudal_core.config import Config

C = TypeVar("C", bound=Config)
Overlap = Literal["skip", "queue", "parallel", "replace"]

MAX_KEY = 255
MAX_WHY = 1_000
FIRST_YEAR, LAST_YEAR = 1970, 9000
"""What is recorded must be a time everywhere, with any offset and whatever is added to it."""

LONGEST_SLEEP = 30.0
"""Seconds after which a sleeper looks at the clock again: it may have been set, or the machine may
have slept itself."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened, for which a workflow is to run once.

    `key` names it among all events of its trigger in one workflow: a key that was seen before
    starts nothing. Only a call may have none; it cannot be told from another. `inputs` are the
    execution's. `planned` is the moment that it was planned for, if it was. `overlap` says what to
    do while an execution that the trigger started before has not ended. An event that is `skipped`
    starts nothing: it is recorded with this text. `ValueError` or `TypeError` where it could not be
    recorded.
    """

    key: str | None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    planned: datetime | None = None
    overlap: Overlap = "parallel"
    skipped: str | None = None

    def __post_init__(self) -> None:
        given: tuple[tuple[str, Any, int], ...]
        given = ("key", self.key, MAX_KEY), ("skipped", self.skipped, MAX_WHY)
        for name, text, most in given:
            if text is not None and not (type(text) is str and 0 < len(text) <= most):
                message = f"{name} of an event is a text of 1 to {most} characters: {text!r:.300}"
                raise ValueError(message)
            if text is not None and ("\x00" in text or _is_cut(text)):
                message = f"{name} of an event holds a NUL character or half of a surrogate pair"
                raise ValueError(message)
        inputs: Any = self.inputs
        if not isinstance(inputs, Mapping):
            message = f"the inputs of the event '{self.key}' are no mapping"
            raise TypeError(message)
        if self.overlap not in get_args(Overlap):
            message = (
                f"overlap is {self.overlap!r:.99}; it is one of {', '.join(get_args(Overlap))}"
            )
            raise ValueError(message)
        if self.planned is not None:
            _check_planned(self.planned, self.key)


def _check_planned(moment: datetime, key: str | None) -> None:
    if moment.tzinfo is None:
        message = f"the planned time of the event '{key}' has no time zone"
        raise ValueError(message)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        message = f"an event is planned for {moment.year}; it may be {FIRST_YEAR} to {LAST_YEAR}"
        raise ValueError(message)


def _is_cut(text: str) -> bool:
    """Whether it holds half of a surrogate pair, which no database keeps."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a workflow's webhook: names of headers in lower case, without credentials.

    `data` is the body as a value: JSON as it is, a form as an object, a text, all else as base64.
    """

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    data: Any


class Clock(Protocol):
    """What says how late it is, and wakes sleepers."""

    def now(self) -> datetime:
        """This moment, in UTC."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return when it has come; at once if it is past."""


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This moment, in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        """Sleep in pieces, so that a clock that is set meanwhile is heeded."""
        while (left := (moment - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(min(left, LONGEST_SLEEP))


@dataclass(frozen=True, slots=True)
class TriggerContext:
    """The workflow and the node that a trigger listens for, and the clock that it goes by.

    `since` is when this config was switched on or resumed, `last` the planned time of the last
    event that was recorded since then.
    """

    workflow_id: str
    node_id: str
    timezone: str
    since: datetime
    last: datetime | None = None
    clock: Clock = field(default_factory=WallClock)

    def now(self) -> datetime:
        """This moment in UTC: the only clock that a trigger may read."""
        return self.clock.now()

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        await self.clock.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, moment: datetime) -> None:
        """Wait for this moment; it has a time zone."""
        await self.clock.sleep_until(moment)


class Trigger(Generic[C]):
    """Base of triggers. Nodes switch it on: those of the type `name`, or `node` if that is another.

    `config` is the model of their config.

    One listener at a time listens for each such node of each saved workflow, on one server. What
    `listen` yields is on disk, with its execution, when it is asked for the next event: whoever
    sent it may be told then. A listener that raises or returns is started again after a while.
    """

    name: ClassVar[str]
    node: ClassVar[str] = ""
    config: ClassVar[type[Config]] = Config

    @property
    def node_type(self) -> str:
        """The type of the nodes that switch it on."""
        return self.node or self.name

    def wanted(self, config: C) -> bool:  # noqa: ARG002 - for those that can be switched off
        """Whether there is anything to listen for."""
        return True

    def listen(self, config: C, ctx: TriggerContext) -> AsyncIterator[Event]:
        """Yield what happens, for ever. It runs on the event loop, which it must never block."""
        message = f"the trigger '{self.name}' has no way to listen"
        raise NotImplementedError(message)

    def receive(self, config: C, call: Call) -> Event | None:  # noqa: ARG002 - most take no calls
        """The event that a call of the workflow's webhook is; null where it takes no calls.

        Be quick: it is called on the event loop. What it raises is answered; `InvalidRequest` 422.
        """
        return None

    @property
    def takes_calls(self) -> bool:
        """Whether its nodes make a workflow callable at `/api/webhook/{workflowId}`."""
        return type(self).receive is not Trigger.receive

    def planned(self, config: C, ctx: TriggerContext) -> Iterator[datetime]:  # noqa: ARG002
        """The planned times after `ctx.now()`, where they are known; they may have no end."""
        return iter(())

    def tolerance(self, config: C) -> float | None:  # noqa: ARG002 - most know of no plan
        """Seconds after a planned time by which its execution must have begun."""
        return None

    def shown(self, config: C) -> Mapping[str, Any]:  # noqa: ARG002 - most have nothing to add
        """What is shown of it in lists, by camelCase names; no secrets."""
        return {}
