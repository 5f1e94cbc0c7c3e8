"""Which time zone this machine is in, and which zones there are."""

from __future__ import annotations

import os
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from caudal_core.zones import known_zone

LOCALTIME = Path("/etc/localtime")


def machine_timezone() -> str:
    """The IANA name of this machine's zone: `TZ`, else that of the system's clock, or UTC."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if named and _exists(named):
        return named
    target = os.path.realpath(LOCALTIME)
    _, found, name = target.partition("zoneinfo/")
    return name if found and _exists(name) else "UTC"


def zone(name: str) -> tzinfo:
    """The zone of this name."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _exists(name: str) -> bool:
    try:
        known_zone(name)
    except ValueError:
        return False
    return True
