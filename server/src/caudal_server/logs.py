"""The server's log: a line an event on standard error, for people and for programs alike."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from caudal_server.showing import visible

QUIET = ("httpcore2", "websockets", "uvicorn.access")
"""Loggers that speak of every request; they are heard only at the level `debug`."""
TELLTALE = ("httpx2",)
"""Loggers that write whole URLs, passwords too; of them only warnings are heard."""
LAYOUT = "\n\t"


def configure_logs(level: str = "info") -> None:
    """Write what is logged from `level` on: coloured on a terminal, else as `key=value`."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering()],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel("DEBUG" if level == "debug" else "WARNING")
    for name in TELLTALE:
        logging.getLogger(name).setLevel("WARNING")
    logging.getLogger("uvicorn.error").setLevel("DEBUG" if level == "debug" else "WARNING")
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _rendering() -> list[Processor]:
    if sys.stderr.isatty():
        return [_plain, structlog.dev.ConsoleRenderer()]
    order = ["timestamp", "level", "logger", "event"]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.LogfmtRenderer(key_order=order, drop_missing=True),
        lambda _logger, _name, line: visible(str(line)),
    ]


def _plain(logger: Any, name: str, event: EventDict) -> EventDict:  # noqa: ARG001 - the form
    """What comes from workflows commands no terminal."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = visible(value, but=LAYOUT)
    return event
