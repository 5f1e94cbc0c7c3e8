"""Dates and date-times as they stand in data, and the zone of those that say none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo

from caudal_builtin.row_errors import RowError

Ambiguous = Literal["error", "first", "second", "infer"]

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)


class LocalTimeUnclear(RowError):
    """A local time that happens twice, or never, where the clock is put back or forward."""

    code = "LOCAL_TIME"
    en = "{place}the local time {time} {why} in {zone}"
    es = "{place_es}la hora local {time} {why_es} en {zone}"
    hint_en = "give the time its offset, such as +01:00, or set ambiguous to first, second or infer"
    hint_es = (
        "indique el desfase de la hora, como +01:00, o ponga ambiguous en first, second o infer"
    )


def read_moment(value: Any) -> datetime | None:
    """The moment that a text is, or nothing: `2026-03-01`, `2026-03-01T10:30+01:00`.

    A date is its midnight. A text without a zone gives a moment without one.
    """
    if type(value) is not str or not _MOMENT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


@dataclass(slots=True)
class Zone:
    """Where date-times that say no zone are placed, once one is compared with one that does.

    `ambiguous` chooses between the two times that a local time may mean when clocks change; what
    `infer` tells is in the texts already (`told_by_order`), so that here it means an error.
    `used` tells whether it mattered.
    """

    name: str
    ambiguous: Ambiguous = "error"
    used: bool = False

    @property
    def said(self) -> str:
        """The end of the line in which a handler says what it did."""
        return f"; times without a zone read in {self.name}" if self.used else ""

    @property
    def report(self) -> dict[str, str]:
        """What stands of it beside the output."""
        return {"timezone": self.name} if self.used else {}

    def alike(self, left: datetime, right: datetime) -> tuple[datetime, datetime]:
        """The two as they can be put in order: both without a zone, or both with one."""
        if left.tzinfo is None and right.tzinfo is not None:
            return self._placed(left), right
        if left.tzinfo is not None and right.tzinfo is None:
            return left, self._placed(right)
        return left, right

    def _placed(self, moment: datetime) -> datetime:
        self.used = True
        first = moment.replace(tzinfo=ZoneInfo(self.name), fold=0)
        second = first.replace(fold=1)
        before, after = _offset(first), _offset(second)
        if before == after or self.ambiguous == "first":
            return first
        if self.ambiguous == "second":
            return second
        twice = before > after
        raise LocalTimeUnclear(
            time=moment.isoformat(),
            zone=self.name,
            why="exists twice" if twice else "does not exist",
            why_es="existe dos veces" if twice else "no existe",
        )


def told_by_order(values: Sequence[Any], zone: str) -> dict[int, str]:
    """By position the local times that exist twice, with the offset that their order tells.

    The clock was put back where a time is not later than the one before it. A night in which that
    is nowhere, or more than once, tells nothing.
    """
    nights: dict[date, list[tuple[int, datetime]]] = {}
    place = ZoneInfo(zone)
    for index, value in enumerate(values):
        moment = read_moment(value)
        if moment is None or moment.tzinfo is not None:
            continue
        first = moment.replace(tzinfo=place)
        if _offset(first) > _offset(first.replace(fold=1)):
            nights.setdefault(moment.date(), []).append((index, first))
    found = {}
    for night in nights.values():
        steps = enumerate(pairwise(night), 1)
        back = [at for at, ((_, before), (_, after)) in steps if after <= before]
        if len(back) == 1:
            for at, (index, first) in enumerate(night):
                found[index] = first.replace(fold=int(at >= back[0])).isoformat()
    return found


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()
