"""What a workflow's id may look like."""

from __future__ import annotations

MAX_ID = 255
OF_PATHS = (".", "..")
"""A path's own words: no URL can carry them as an id."""


def may_exist(workflow_id: str) -> bool:
    """Whether this can be an id at all: not empty, not too long, without control characters."""
    return 0 < len(workflow_id) <= MAX_ID and all(map(_is_text, workflow_id))


def may_be_kept(workflow_id: str) -> bool:
    """Whether the store takes it: `/api/workflows/{id}` must be able to name it as well."""
    return may_exist(workflow_id) and "/" not in workflow_id and workflow_id not in OF_PATHS


def _is_text(char: str) -> bool:
    return char >= " " and char != "\x7f" and not "\ud800" <= char <= "\udfff"
