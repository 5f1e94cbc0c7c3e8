"""How an engine is set up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from caudal_core.context import Environment, ReadState, utc_now
from caudal_core.files import FileAccess
from caudal_core.journal import ExecutionRecord
from caudal_core.stores import RecordStores
from caudal_core.workers import Limits
from caudal_core.workflow import Settings


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What holds for all executions, where a workflow's settings do not say otherwise.

    The engine closes `records` when it closes. `max_queued` bounds the executions that have not
    ended, `keep_finished` those that are kept in memory after their end, so that polls find them
    there. `on_failure` is who is told of a failure where the workflow does not say: the id of a
    workflow, or a URL; `notice_seconds` is how long failures of one cause are gathered into one
    notice. `node_memory` is what a built-in node may build, in bytes; with less than `disk_reserve`
    bytes free no new work is taken (0: as long as anything can be written). What has ended is kept
    for `retention_days`, and as long as its large values take `retention_blobs` bytes at most (0:
    without a limit), failed executions three times as long.
    """

    timezone: str = "UTC"
    locale: str = "en-US"
    language: str = "en"
    files: FileAccess = field(default_factory=FileAccess)
    limits: Limits = field(default_factory=Limits)
    records: RecordStores = field(default_factory=RecordStores)
    clock: Callable[[], datetime] = utc_now
    dry_run: bool = False
    max_queued: int = 10_000
    node_memory: int | None = None
    keep_finished: int = 2_000
    disk_reserve: int = 0
    retention_days: float = 0.0
    retention_blobs: int = 0
    on_failure: str | None = None
    notice_seconds: float = 5.0

    def environment(
        self,
        settings: Settings,
        record: ExecutionRecord,
        inputs: Any,
        read_state: ReadState | None = None,
    ) -> Environment:
        """What all nodes of an execution share."""
        return Environment(
            execution_id=record.id,
            organization=record.organization,
            labels=record.labels,
            inputs=inputs,
            workflow_id=record.workflow_id,
            read_state=read_state,
            timezone=settings.timezone or self.timezone,
            locale=settings.locale or self.locale,
            language=settings.language or self.language,
            dry_run=self.dry_run,
            files=self.files,
            node_memory=self.node_memory,
            limits=self.limits,
            records=self.records,
            clock=self.clock,
        )

    def environment_alone(self, execution_id: str, data: Any) -> Environment:
        """What a node has that is run by itself."""
        return Environment(
            execution_id=execution_id,
            inputs=data if isinstance(data, dict) else {},
            timezone=self.timezone,
            locale=self.locale,
            language=self.language,
            dry_run=self.dry_run,
            files=self.files,
            node_memory=self.node_memory,
            limits=self.limits,
            records=self.records,
            clock=self.clock,
        )
