"""Triggers that listen, as they stand on the wire, and where their workflows are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caudal_core.engine import Engine
from caudal_core.journal.triggers import StoredEvent
from caudal_core.journal.workflows import StoredWorkflow
from caudal_core.triggers import Kept, TriggerView
from caudal_server.sources import WorkflowFinder, organization_of
from caudal_server.sources.folder import WorkflowFile
from caudal_server.times import iso, moment

Document = dict[str, Any]


class KeptWorkflows:
    """Those of the store and of `--workflows DIR`: their owner schedules them nowhere else."""

    def __init__(self, engine: Engine, finder: WorkflowFinder) -> None:
        self._engine = engine
        self._finder = finder

    async def all(self) -> Sequence[Kept]:
        """Every one that can be found by its id; the store's first, as they hide the folder's."""
        workflows = self._engine.storage.workflows
        stored = await self._engine.read(workflows.all) if workflows else []
        found = {item.id: self._stored(item) for item in stored}
        files = await self._finder.files()
        ids = [file.id for file in files]
        for file in files:
            if file.error is None and ids.count(file.id) == 1:
                found.setdefault(file.id, _file(file))
        return list(found.values())

    def _stored(self, item: StoredWorkflow) -> Kept:
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
    return {
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
        **(view.shown or {}),
        "next": [moment(at.timestamp()) for at in view.next],
        "last": last,
        "lagSeconds": None if last is None else last["lagSeconds"],
    }


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
