"""One place where workflows may be, and how what it gives is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from caudal_core.errors import InvalidRequest
from caudal_core.intake import loads
from caudal_server.sources.errors import Unusable

MAX_WRAPPERS = 4
WRAPPERS = ("data", "workflow")
"""The keys under which services and tables keep the workflow itself."""


class Place(Protocol):
    """Somewhere to look. `name` is a text for people, without credentials."""

    @property
    def name(self) -> str:
        """What it is, as it stands in `lookedIn`."""

    async def fetch(self, workflow_id: str) -> dict[str, Any] | None:
        """The workflow's JSON, or nothing if it is not there; raises whatever went wrong."""


def unwrap(value: Any, depth: int = 0) -> dict[str, Any] | None:
    """The workflow in what a place gave; nothing where it gave null.

    That is the workflow itself (it has `nodes`), or an object with the workflow, or its JSON as
    text, under `data` or `workflow`. A name or organisation that stands beside it completes it.
    """
    if isinstance(value, str | bytes | bytearray | memoryview):
        value = _read(value)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        message = f"what it gave is no workflow but a {type(value).__name__}"
        raise Unusable(message)
    if "nodes" in value:
        return dict(value)
    key = next((key for key in WRAPPERS if key in value), None)
    if key is None or depth == MAX_WRAPPERS:
        keys = ", ".join(map(str, list(value)[:10])) or "none"
        message = f"what it gave has neither nodes nor data or workflow; its keys are: {keys}"
        raise Unusable(message)
    inner = unwrap(value[key], depth + 1)
    return None if inner is None else _completed(inner, value)


def _read(text: str | bytes | bytearray | memoryview) -> Any:
    try:
        return loads(text if isinstance(text, str) else bytes(text), what="what it gave")
    except InvalidRequest as error:
        raise Unusable(error.text()) from None


def _completed(workflow: dict[str, Any], wrapper: Mapping[str, Any]) -> dict[str, Any]:
    for key in ("name", "organizationId"):
        beside = wrapper.get(key)
        if isinstance(beside, str) and beside and not workflow.get(key):
            workflow[key] = beside
    return workflow


def organization_of(document: Mapping[str, Any]) -> str | None:
    """The organisation that a workflow names as its own."""
    found = document.get("organizationId")
    return None if found in (None, "") else str(found)
