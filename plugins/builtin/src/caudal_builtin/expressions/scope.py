"""What an expression is computed with, beside the record itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from caudal_builtin.moments import Zone
from caudal_core import Row
from caudal_core.values import JSON


@dataclass(slots=True)
class Scope:
    """The columns of the whole table, and the zone of date-times that say none."""

    columns: list[str] = field(default_factory=list)
    zone: Zone = field(default_factory=lambda: Zone("UTC"))


Evaluate = Callable[[Row, Scope], JSON]
"""A part of an expression, compiled: its value for one record."""
