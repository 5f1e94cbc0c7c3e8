"""What the server itself refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caudal_core.errors import CaudalError


class Refused(CaudalError):
    """A call that cannot be answered: `Refused(413, "TOO_LARGE", "…", hint="…", limit=5)`.

    The other keywords stand in the body of the answer as they are.
    """

    en = "{detail}"
    es = "{detail}"
    hint_en = "{hint}"
    hint_es = "{hint}"

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        hint: str = "",
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(
            status=status, name=code, detail=detail, hint=hint, headers=headers, extra=extra
        )

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.params["status"])

    @property
    def name(self) -> str:
        """The code that the body gives."""
        return str(self.params["name"])

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the answer."""
        return dict(self.params["headers"] or {})

    @property
    def extra(self) -> dict[str, Any]:
        """What else stands in the body."""
        return dict(self.params["extra"])
