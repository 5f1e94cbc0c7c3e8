"""Starts that did not happen in their tolerance, told to whoever is told of failures."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from caudal_core.engine import Engine
from caudal_core.engine.telling.ended import About, moment
from caudal_core.errors import CaudalError
from caudal_core.triggers.late import LateStart
from caudal_core.workflow import Settings as WorkflowSettings
from caudal_server.sources import WorkflowFinder, organization_of

LATE = "late"


class LateTeller:
    """Each planned time is told once, also where it is found to be late again after a restart."""

    def __init__(self, engine: Engine, finder: WorkflowFinder) -> None:
        self._engine = engine
        self._finder = finder
        self._tasks: set[asyncio.Task[None]] = set()

    def heard(self, late: LateStart) -> None:
        """A start is late."""
        task = asyncio.get_running_loop().create_task(self._tell(late))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """What is being told is left."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, late: LateStart) -> None:
        settings, organization = WorkflowSettings(), None
        try:
            document = (await self._finder.find(late.workflow_id)).document
            settings = WorkflowSettings.model_validate(document.get("settings") or {})
            organization = organization_of(document)
        except (CaudalError, ValueError):
            pass  # it is gone or broken: then the operator is told
        about = About(settings, (organization, late.workflow_id), late.execution_id)
        name = f"{LATE}:{late.trigger_id}:{late.planned.timestamp():.3f}"
        self._engine.outbox.notify(LATE, self._told(late), about, cause=late.trigger_id, once=name)

    def _told(self, late: LateStart) -> dict[str, Any]:
        planned = moment(late.planned.timestamp())
        why = f"it did not start within {late.tolerance:g} s of {planned}: {late.why}"
        base = self._engine.outbox.base_url
        return {
            "execution": {
                "id": late.execution_id,
                "workflowId": late.workflow_id,
                "workflowName": late.workflow_name,
            },
            "error": why,
            "nodes": [{"id": late.node_id}],
            "schedule": {
                "id": late.trigger_id,
                "planned": planned,
                "toleranceSeconds": late.tolerance,
            },
            "link": f"{base}/api/schedules/{quote(late.trigger_id, safe='')}",
        }
