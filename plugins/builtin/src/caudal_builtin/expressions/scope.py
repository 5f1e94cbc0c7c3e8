"""What an expression is computed with, beside the record itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from caudal_builtin.moments import Zone, read_moment
from caudal_core import Row
from caudal_core.values import JSON

Told = Mapping[int, str]
"""By the identity of a local time's text the same with its offset."""


@dataclass(slots=True)
class Scope:
    """The columns of the whole table, and the zone of date-times that say none.

    `told` is what the order of the records tells of the record's own fields.
    """

    columns: list[str] = field(default_factory=list)
    zone: Zone = field(default_factory=lambda: Zone("UTC"))
    told: Told = field(default_factory=dict)

    def alike(
        self, left: JSON, at: datetime, right: JSON, other: datetime
    ) -> tuple[datetime, datetime]:
        """Two texts' moments as they can be put in order: both without a zone, or both with one."""
        if at.tzinfo is None and other.tzinfo is not None:
            at = self._told(left) or at
        elif at.tzinfo is not None and other.tzinfo is None:
            other = self._told(right) or other
        return self.zone.alike(at, other)

    def _told(self, value: JSON) -> datetime | None:
        moment = read_moment(self.told.get(id(value)))
        self.zone.used |= moment is not None
        return moment


Evaluate = Callable[[Row, Scope], JSON]
"""A part of an expression, compiled: its value for one record."""
