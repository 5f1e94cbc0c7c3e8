"""What a node says while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from caudal_core.errors import clean_text

MAX_LOG_LINES = 200
MAX_LOG_CHARACTERS = 2_000


class Notes:
    """What a node said while it ran: one line, a report beside its output, log and progress."""

    __slots__ = ("changed", "dropped", "log", "message", "progress", "report")

    def __init__(self) -> None:
        self.message: str | None = None
        self.report: dict[str, Any] = {}
        self.log: list[dict[str, str]] = []
        self.dropped = 0
        self.progress: dict[str, Any] | None = None
        self.changed: Callable[[], None] | None = None

    def line(self, level: str, text: str) -> None:
        """Add one line to the log; beyond the limit lines are counted, not kept."""
        if len(self.log) >= MAX_LOG_LINES:
            self.dropped += 1
            return
        self.log.append({"level": level, "message": clean_text(text)[:MAX_LOG_CHARACTERS]})
        self.tell()

    def tell(self) -> None:
        """Let whoever watches the node know that there is something new."""
        if self.changed is not None:
            self.changed()


def _filled(text: str, args: tuple[object, ...]) -> str:
    """The line as logging would make it; arguments that do not fit stand behind it."""
    try:
        return text % args if args else text
    except (TypeError, ValueError):
        return f"{text} {args}"


class Log:
    """The node's own log, shown with its execution: `ctx.log.info("read %d pages", count)`."""

    __slots__ = ("_notes",)

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def info(self, text: str, *args: object) -> None:
        """Something worth knowing."""
        self._notes.line("info", _filled(text, args))

    def warning(self, text: str, *args: object) -> None:
        """Something that a person should look at."""
        self._notes.line("warning", _filled(text, args))

    def error(self, text: str, *args: object) -> None:
        """Something that went wrong without failing the node."""
        self._notes.line("error", _filled(text, args))
