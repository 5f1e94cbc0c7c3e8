"""How each trigger is, as it is shown, and which of them are late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal

from caudal_core.errors import error_text
from caudal_core.journal.triggers import StoredEvent, StoredState
from caudal_core.trigger import Clock
from caudal_core.triggers.late import LateStart
from caudal_core.triggers.listener import Listener
from caudal_core.triggers.wanted import Wanted
from caudal_core.values import to_wire

NEXT = 5
TriggerState = Literal["listening", "broken", "paused", "elsewhere", "off"]


@dataclass(frozen=True, slots=True)
class TriggerView:
    """One trigger: its state, why it is so, its next planned times, the last event.

    `broken` is what cannot listen now (`error`, `retry_at`), `elsewhere` what another server
    listens to, `off` what no server is to listen to. `paused_by` are the scopes that pause it.
    """

    wanted: Wanted
    state: TriggerState
    paused_by: Sequence[str] = ()
    error: str | None = None
    retry_at: datetime | None = None
    next: Sequence[datetime] = ()
    shown: Mapping[str, Any] | None = None
    last: StoredEvent | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """A clock that stands still: what is planned after another moment than now."""

    at: datetime

    def now(self) -> datetime:
        """The moment at which it stands."""
        return self.at

    async def sleep_until(self, moment: datetime) -> None:
        """Nobody sleeps by it."""
        raise NotImplementedError


def moment_of(seconds: float) -> datetime:
    """Seconds since 1970 as a moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def planned(
    wanted: Wanted, after: datetime, since: datetime, last: datetime | None, most: int
) -> list[datetime]:
    """The next planned times; none where they are not known. It may take a while: in a thread."""
    if wanted.problem is not None:
        return []
    ctx = wanted.context(Frozen(after), since, last)
    found = list(islice(wanted.trigger.planned(wanted.config, ctx), most))
    if any(moment.tzinfo is None for moment in found):
        message = "a planned time of it has no time zone"
        raise ValueError(message)
    return [moment.astimezone(UTC) for moment in found]


def overdue(listener: Listener, clock: Clock) -> float:
    """How many seconds ago its next planned time was; 0 if that is to come, or not known."""
    due = _next(listener)
    return 0.0 if due is None else max(0.0, (clock.now() - due).total_seconds())


def _next(listener: Listener) -> datetime | None:
    """The first planned time that it has not told of. It may take a while: in a thread."""
    try:
        due = planned(listener.wanted, listener.reached, listener.ctx.since, listener.last, 1)
    except Exception:  # noqa: BLE001 - a plugin's mistake shows where it listens
        return None
    return due[0] if due else None


def late_one(listener: Listener, clock: Clock) -> LateStart | None:
    """The planned time that a listener should have told of by now and has not, if there is one."""
    tolerance = listener.wanted.tolerance
    due = None if tolerance is None else _next(listener)
    if due is None or due >= clock.now() - timedelta(seconds=tolerance or 0.0):
        return None
    return late_start(listener.wanted, due, None, listener.error or "it has not begun yet")


def late_start(wanted: Wanted, at: datetime, execution_id: str | None, why: str) -> LateStart:
    """The fact that a trigger did not start in its tolerance."""
    return LateStart(
        trigger_id=wanted.id,
        workflow_id=wanted.workflow.id,
        workflow_name=wanted.workflow.name,
        node_id=wanted.target.node_id,
        planned=at.astimezone(UTC),
        tolerance=wanted.tolerance or 0.0,
        execution_id=execution_id,
        why=why,
    )


def _times(
    wanted: Wanted, listener: Listener | None, reached: StoredState | None, now: datetime
) -> list[datetime]:
    """The next planned times, counted from where the trigger is, here or on another server."""
    since, last = now, None
    if listener is not None:
        since, last = listener.ctx.since, listener.last
    elif reached is not None and reached.config == wanted.mark:
        since = moment_of(reached.since)
        last = None if reached.last is None else moment_of(reached.last)
    return planned(wanted, now, since, last, NEXT)


def view_of(
    wanted: Wanted,
    listener: Listener | None,
    reached: StoredState | None,
    *,
    state: TriggerState,
    paused_by: Sequence[str],
    now: datetime,
    last: StoredEvent | None,
) -> TriggerView:
    """What is shown of one trigger. It may take a while: in a thread."""
    error = wanted.problem or (listener.error if listener else None)
    times: Sequence[datetime] = ()
    shown: Mapping[str, Any] = {}
    if wanted.problem is None:
        try:
            shown = dict(wanted.trigger.shown(wanted.config))
            to_wire(shown)  # it is known here whose mistake it is
            if state in ("listening", "elsewhere"):
                times = _times(wanted, listener, reached, now)
        except Exception as cause:  # noqa: BLE001 - a plugin's mistake is shown, not ours
            shown, error = {}, error or error_text(cause)
    retry_at = listener.retry_at if listener else None
    return TriggerView(
        wanted,
        state="broken" if error and state == "listening" else state,
        paused_by=paused_by,
        error=error,
        retry_at=retry_at,
        next=times,
        shown=shown,
        last=last,
    )
