"""What is told of an execution that has ended, to whoever is told of failures and recoveries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from caudal_core.engine.execution import Execution
from caudal_core.engine.running.final import cause
from caudal_core.journal import ExecutionRecord, NodeRun
from caudal_core.journal.notice import Workflow
from caudal_core.workflow import Settings, content_hash

NODES = 50
"""Failed nodes that are told of."""

CHARACTERS = 1_000
"""Characters of a node's error that are told."""


class About(NamedTuple):
    """What something is about that is told: a workflow, with its settings, and an execution."""

    settings: Settings
    workflow: Workflow
    execution: str | None = None


class Ended(NamedTuple):
    """An execution that ends: how, and the runs of the nodes that failed."""

    record: ExecutionRecord
    settings: Settings
    state: str
    completed: float
    error: str | None
    failed: Sequence[NodeRun] = ()

    @classmethod
    def of(cls, execution: Execution) -> Ended:
        """Of an execution whose end has been written."""
        ending = execution.closing
        assert ending is not None  # noqa: S101 - it is called when that is made
        runs = execution.runs if ending.state == "failed" else ()
        failed = [run for run in runs if run.settles and run.state in _FAILED]
        settings = execution.graph.settings
        return cls(execution.record, settings, ending.state, ending.completed, ending.error, failed)

    @property
    def workflow(self) -> Workflow:
        """Names the workflow among all."""
        return self.record.organization, self.record.workflow_id

    def cause(self, target: str) -> str:
        """The same for failures of which one notice tells: they differ in numbers at most."""
        parts = (*self.workflow, target, _VARIES.sub("#", self.error or ""))
        return content_hash(repr(parts).encode(errors="replace"))

    def told(self, link: str) -> dict[str, Any]:
        """`{execution, error, nodes, link}`."""
        return {
            "execution": told_of(self.record, self.state, self.completed),
            "error": self.error,
            "nodes": [_node(run) for run in self.failed[:NODES]],
            "link": link,
        }


def told_of(record: ExecutionRecord, state: str, completed: float | None) -> dict[str, Any]:
    """What is told of an execution itself, in this state."""
    found: dict[str, Any] = {
        "id": record.id,
        "workflowId": record.workflow_id,
        "workflowName": record.workflow_name,
        "status": state,
        "createdAt": moment(record.created),
        "startedAt": None if record.started is None else moment(record.started),
        "completedAt": None if completed is None else moment(completed),
    }
    if record.organization is not None:
        found["organizationId"] = record.organization
    if record.labels:
        found["labels"] = dict(record.labels)
    if record.parent is not None:
        found["parent"] = record.parent
    return found


def _node(run: NodeRun) -> dict[str, Any]:
    error = cause(run.error)[:CHARACTERS] if run.error else None
    return {
        "id": run.node_id,
        "label": run.label,
        "type": run.type,
        "status": run.state,
        "attempt": run.attempt,
        "error": error,
    }


def moment(seconds: float) -> str:
    """Seconds since 1970 as `2026-01-31T10:00:00.123Z`."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return f"{text[:-6]}Z"


_FAILED = ("failed", "interrupted")
_VARIES = re.compile(r"\w*\d\w*")
