"""The trigger `schedule`: a `trigger` node whose schedule is switched on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from caudal_builtin.schedules.config import plan_of, shown, tolerance_of
from caudal_builtin.schedules.plan import Plan
from caudal_builtin.trigger import TriggerConfig
from caudal_core import Event, Trigger, TriggerContext

MOST = 1_000
"""Planned times that are caught up with, or wait for their turn, at most."""


class Schedule(Trigger[TriggerConfig]):
    """Starts the workflow at planned times, by interval or by cron expression.

    A planned time is missed when nobody listened: it is more than the tolerance ago, or the next
    one has come as well. `scheduleCatchUp` says what becomes of those.
    """

    name = "schedule"
    node = "trigger"
    config = TriggerConfig

    def wanted(self, config: TriggerConfig) -> bool:
        """Whether the schedule is switched on; `ValueError` where it makes no sense then."""
        if config.schedule_enabled:
            plan_of(config, datetime.now(UTC), "UTC")
            self.tolerance(config)
        return config.schedule_enabled

    def tolerance(self, config: TriggerConfig) -> float:
        """See `Trigger`."""
        return tolerance_of(config)

    def shown(self, config: TriggerConfig) -> Mapping[str, Any]:
        """See `Trigger`."""
        return shown(config)

    def planned(self, config: TriggerConfig, ctx: TriggerContext) -> Iterator[datetime]:
        """See `Trigger`."""
        return plan_of(config, ctx.last or ctx.since, ctx.timezone).after(ctx.now())

    async def listen(self, config: TriggerConfig, ctx: TriggerContext) -> AsyncIterator[Event]:
        """An event for each planned time, on time; see the class for those that were missed."""
        reached = ctx.last or ctx.since
        ticks = _Ticks(config, plan_of(config, reached, ctx.timezone), self.tolerance(config))
        waiting = False
        while True:
            planned = ticks.next(reached)
            if planned > ctx.now():
                await ctx.sleep_until(planned)
            for event, moment in ticks.due(reached, ctx.now(), waiting=waiting):
                yield event
                reached = moment
            # Where one waits for the one before it, those that come meanwhile are late, not missed.
            waiting = config.schedule_overlap == "queue" and ticks.next(reached) <= ctx.now()


class _Ticks:
    """Makes events of planned times."""

    def __init__(self, config: TriggerConfig, plan: Plan, tolerance: float) -> None:
        self._config = config
        self._plan = plan
        self._tolerance = tolerance

    def next(self, moment: datetime) -> datetime:
        """The next planned time after a moment."""
        for found in self._plan.after(moment):
            return found
        message = "there is no planned time any more"
        raise ValueError(message)

    def due(
        self, reached: datetime, now: datetime, *, waiting: bool
    ) -> Iterator[tuple[Event, datetime]]:
        """The events of what is due by now, each with the planned time that it reaches."""
        times = self._plan.latest(reached, now, MOST + 2)  # one more, and one that is in time
        if not times:
            return
        if waiting:
            yield from self._each(times, "queue")
            return
        in_time = (now - times[-1]).total_seconds() <= self._tolerance
        missed, on_time = (times[:-1], times[-1:]) if in_time else (times, [])
        yield from self._missed(missed, in_time=in_time)
        for moment in on_time:
            yield self._event(moment), moment

    def _missed(self, times: list[datetime], *, in_time: bool) -> Iterator[tuple[Event, datetime]]:
        """What becomes of those that passed while nobody listened; `in_time`: one follows now."""
        policy = self._config.schedule_catch_up
        if policy == "all":
            overlap = self._config.schedule_overlap
            yield from self._each(times, "queue" if overlap == "skip" else overlap)
        elif policy == "once" and not in_time:
            yield from self._skipped(times[:-1])
            yield self._event(times[-1]), times[-1]
        else:
            yield from self._skipped(times)

    def _each(self, times: list[datetime], overlap: Any) -> Iterator[tuple[Event, datetime]]:
        """All of them, oldest first; of too many only the last ones."""
        yield from self._skipped(times[:-MOST], "earlier ")
        for moment in times[-MOST:]:
            yield self._event(moment, overlap=overlap), moment

    def _skipped(self, times: list[datetime], which: str = "") -> Iterator[tuple[Event, datetime]]:
        """One event for all of them, which starts nothing."""
        if not times:
            return
        count = f"{MOST:,} or more" if len(times) > MOST else str(len(times))
        span = " to ".join(dict.fromkeys((_iso(times[0]), _iso(times[-1]))))
        what = f"{which}planned {'time' if len(times) == 1 else 'times'}"
        why = f"missed: {count} {what} passed while nobody listened ({span})"
        yield self._event(times[-1], skipped=why), times[-1]

    def _event(self, moment: datetime, *, overlap: Any = None, skipped: str | None = None) -> Event:
        return Event(
            key=_iso(moment),
            planned=moment.astimezone(self._plan.zone),
            overlap=overlap or self._config.schedule_overlap,
            skipped=skipped,
        )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
