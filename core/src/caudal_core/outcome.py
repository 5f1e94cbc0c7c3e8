"""What became of an effect that was cut off: what a handler's `reconcile` answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether an effect has happened, made by `happened`, `did_not_happen` or `unknown`."""

    kind: Literal["happened", "did_not_happen", "unknown"]
    result: Any = None

    @classmethod
    def happened(cls, result: Any) -> Self:
        """It has; `result` is what the handler would have returned."""
        return cls("happened", result)

    @classmethod
    def did_not_happen(cls) -> Self:
        """It has not: the handler is called again."""
        return cls("did_not_happen")

    @classmethod
    def unknown(cls) -> Self:
        """Nobody can tell: the node's `onInterrupted` decides."""
        return cls("unknown")
