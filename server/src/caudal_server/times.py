"""Moments as they stand on the wire."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(seconds: float | None) -> str | None:
    """Seconds since 1970 as `2026-01-31T10:00:00.123Z`, null where there are none."""
    return None if seconds is None else moment(seconds)


def moment(seconds: float) -> str:
    """Seconds since 1970 as `2026-01-31T10:00:00.123Z`."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return f"{text[:-6]}Z"
