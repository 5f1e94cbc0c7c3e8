"""How an engine is set up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from caudal_core.context import utc_now
from caudal_core.files import FileAccess


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What holds for all executions, where a workflow's settings do not say otherwise.

    `max_queued` bounds the executions that have not ended, `keep_finished` those that are kept in
    memory after their end, so that polls find them there.
    """

    timezone: str = "UTC"
    locale: str = "en-US"
    language: str = "en"
    files: FileAccess = field(default_factory=FileAccess)
    clock: Callable[[], datetime] = utc_now
    dry_run: bool = False
    max_queued: int = 10_000
    keep_finished: int = 2_000
