"""Triggers that listen, as they stand on the wire, and where their workflows are."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from caudal_core.engine import Engine
from caudal_core.journal.triggers import StoredEvent
from caudal_core.journal.workflows import StoredWorkflow
from caudal_core.triggers import Kept, TriggerView
from caudal_server.sources import WorkflowFinder, organization_of
from caudal_server.sources.errors import SourceFailed, SourceTimeout
from caudal_server.sources.folder import WorkflowFile
from caudal_server.times import iso, moment

Document = dict[str, Any]
_log = logging.getLogger(__name__)


class KeptWorkflows:
    """Those of the store and of `--workflows DIR`: their owner schedules them nowhere else."""

    def __init__(self, engine: Engine, finder: WorkflowFinder) -> None:
        self._engine = engine
        self._finder = finder
        self._changes = 0
        self._stored: Sequence[Kept] | None = None
        self._files: dict[str, Kept] = {}
        self._warned: set[str] = set()
        engine.library.listen(self._changed)

    def _changed(self, _: str) -> None:
        self._stored = None
        self._changes += 1

    async def all(self) -> Sequence[Kept]:
        """Every one that can be found by its id; the store's first, as they hide the folder's."""
        found = {item.id: item for item in await self._in_store()}
        await self._look_at_files()
        count = Counter(item.id for item in self._files.values())
        for item in self._files.values():
            if count[item.id] == 1:
                found.setdefault(item.id, item)
        return list(found.values())

    async def _look_at_files(self) -> None:
        """What cannot be read now is as it was, as a disk may be away for a while.

        A file that is gone is gone.
        """
        try:
            files = await self._finder.files()
        except (SourceFailed, SourceTimeout) as error:
            self._warn({f"the workflows there are scheduled as they were: {error.text()}"})
            return
        before, self._files, warnings = self._files, {}, set[str]()
        for file in files:
            if file.error is None:
                self._files[file.name] = _file(file)
            elif file.name in before:
                warnings.add(f"{file.name} is scheduled as it was before: {file.error}")
                self._files[file.name] = before[file.name]
        self._warn(warnings)

    def _warn(self, warnings: set[str]) -> None:
        """Each once, until it is mended."""
        for text in sorted(warnings - self._warned):
            _log.warning(text)
        self._warned = warnings

    async def _in_store(self) -> Sequence[Kept]:
        """Read again only where it may have changed: here, or by another server."""
        workflows = self._engine.storage.workflows
        if self._stored is not None or workflows is None:
            return self._stored or ()
        changes = self._changes
        stored = await self._engine.read(workflows.all)
        found = [self._kept(item) for item in stored]
        if changes == self._changes and self._engine.storage.leases.alone:
            self._stored = found
        return found

    def _kept(self, item: StoredWorkflow) -> Kept:
        workflows = self._engine.storage.workflows
        return Kept(
            id=item.id,
            name=item.name,
            mark=item.hash,
            read=lambda: workflows.document(item.hash) if workflows else None,
            digest=item.hash,
            organization=item.organization,
        )


def _file(file: WorkflowFile) -> Kept:
    document = file.document or {}
    return Kept(
        id=file.id,
        name=str(document.get("name") or file.id),
        mark=(file.name, file.changed),
        read=lambda: {**document, "id": file.id},
        organization=organization_of(document),
    )


def schedule_row(view: TriggerView, engine: Engine) -> Document:
    """One trigger: what it is, how it is, when it is due, what it last told of."""
    wanted = view.wanted
    last = None if view.last is None else tick_row(view.last, engine)
    row = {
        "id": wanted.id,
        "workflowId": wanted.workflow.id,
        "workflowName": wanted.workflow.name,
        "nodeId": wanted.target.node_id,
        "type": wanted.trigger.name,
        "state": view.state,
        "pausedBy": list(view.paused_by),
        "error": view.error,
        "retryAt": None if view.retry_at is None else moment(view.retry_at.timestamp()),
        "timezone": wanted.timezone,
        "toleranceSeconds": wanted.tolerance,
        "next": [moment(at.timestamp()) for at in view.next],
        "last": last,
        "lagSeconds": None if last is None else last["lagSeconds"],
    }
    shown = view.shown or {}
    return row | {key: shown[key] for key in shown if key == "timezone" or key not in row}


def tick_row(event: StoredEvent, engine: Engine) -> Document:
    """One event of a trigger: the execution that it started, or why it started none."""
    live = engine.live(event.execution) if event.execution else None
    lag = None if event.planned is None else max(0.0, round(event.created - event.planned, 3))
    return {
        "key": event.key,
        "plannedAt": iso(event.planned),
        "recordedAt": moment(event.created),
        "lagSeconds": lag,
        "executionId": event.execution,
        "status": live.record.state if live is not None else event.state,
        "skipped": event.skipped,
    }
