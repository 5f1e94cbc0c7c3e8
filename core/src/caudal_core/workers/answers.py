"""What a worker gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON value and, beside it, bytes of whatever form both ends agree on, such as Arrow IPC."""

    value: Any = None
    body: bytes = b""
