"""Why a file cannot be read as a table."""

from __future__ import annotations

from caudal_core import HandlerError


class UnreadableTable(HandlerError):
    """A file that is no table, is broken, or is not written as its config says."""

    code = "TABLE"
