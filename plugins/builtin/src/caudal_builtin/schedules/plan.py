"""The planned times of a schedule. All arithmetic is in UTC, where no hour is missing or double."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

LONGEST_CHANGE = timedelta(hours=3)
"""More than any clock is ever set back."""


class Plan(Protocol):
    """When a schedule is due; every moment here is in UTC."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of whoever reads them."""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The planned times after a moment, in their order, perhaps without end."""

    def latest(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """The last planned times after one moment and until another, `most` of them at most."""


@dataclass(frozen=True, slots=True)
class Every:
    """Each so many seconds that really pass, counted from `start`."""

    seconds: int
    start: datetime
    zone: ZoneInfo

    def after(self, moment: datetime) -> Iterator[datetime]:
        """See `Plan`."""
        number = max(0, self._passed(moment)) + 1
        while True:
            yield self._at(number)
            number += 1

    def latest(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """See `Plan`."""
        last = self._passed(until)
        first = max(self._passed(after), 0, last - most)
        return [self._at(number) for number in range(first + 1, last + 1)]

    def _passed(self, moment: datetime) -> int:
        return (moment - self.start) // timedelta(seconds=self.seconds)

    def _at(self, number: int) -> datetime:
        return self.start + timedelta(seconds=number * self.seconds)


@dataclass(frozen=True, slots=True)
class Cron:
    """By a cron expression, read by the clock of a zone, as Debian's cron does.

    Where the hour is fixed: a time that a clock change skips is due when the clock has been set,
    and one that exists twice is due the first time. Where minute or hour begins with `*`: whenever
    the clock shows it, so that an hourly one is due each hour that really passes.
    """

    expression: str
    zone: ZoneInfo

    @classmethod
    def of(cls, expression: str, zone: ZoneInfo) -> Cron:
        """The plan of an expression; `ValueError` says what is wrong with it."""
        from cronsim import CronSim, CronSimError

        text = ALIASES.get(expression.strip().lower(), expression.strip())
        try:
            CronSim(text, datetime(2000, 1, 1, tzinfo=zone))
        except CronSimError as error:
            message = (
                f"'{expression}' is no cron expression: {str(error).lower()}; write minute, hour, "
                "day of the month, month and day of the week, as in 0 6 * * 1-5"
            )
            raise ValueError(message) from None
        return cls(text, zone)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """See `Plan`."""
        from cronsim import CronSim

        last = moment
        for local in CronSim(self.expression, moment.astimezone(self.zone)):
            found = local.astimezone(UTC)
            if found > last:  # it may begin with an earlier one, or come twice, at a clock change
                yield found
                last = found

    def latest(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """See `Plan`."""
        from cronsim import CronSim

        found: list[datetime] = []
        ahead = LONGEST_CHANGE if self._changes_near(until) else timedelta(seconds=1)
        begin = (until + ahead).astimezone(self.zone)
        for local in CronSim(self.expression, begin, reverse=True):
            moment = local.astimezone(UTC)
            if moment <= after or len(found) == most:
                break
            if moment <= until and (not found or moment < found[-1]):
                found.append(moment)
        return found[::-1]

    def _changes_near(self, moment: datetime) -> bool:
        """Whether the clock is set about then, so that local times are in another order."""
        around = (moment - LONGEST_CHANGE, moment, moment + LONGEST_CHANGE)
        return len({at.astimezone(self.zone).utcoffset() for at in around}) > 1
