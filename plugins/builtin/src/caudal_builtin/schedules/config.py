"""From what an editor stored to a plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from zoneinfo import ZoneInfo

from caudal_builtin.schedules.plan import Cron, Every, Plan
from caudal_builtin.trigger import TriggerConfig
from caudal_core.zones import known_zone

UNITS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3_600,
    "hour": 3_600,
    "d": 86_400,
    "day": 86_400,
    "w": 604_800,
    "week": 604_800,
}
"""Seconds by unit; an `s` at the end may follow the longer names."""

LONGEST = 366 * 86_400
"""Seconds of the longest interval, and of the largest tolerance."""

LONGEST_TEXT = 255
"""Characters of a text of a schedule; what reads them may take long for long ones."""

TOLERANCE = 60.0
"""Seconds after which a planned time that did not start counts as missed, by default."""

_PART = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]+)", re.IGNORECASE)


def plan_of(config: TriggerConfig, start: datetime, timezone: str) -> Plan:
    """The plan that a config describes; `ValueError` says what is wrong with it.

    Intervals are counted from `start`. `timezone` holds where the config names none.
    """
    check_lengths(config)
    zone = ZoneInfo(known_zone(config.timezone or timezone))
    if kind_of(config) == "cron":
        if not config.cron:
            raise ValueError("scheduleType is cron, and cron is empty; write one as in 0 6 * * 1-5")
        return Cron.of(config.cron, zone)
    return Every(interval_of(config), start.replace(microsecond=0), zone)


def check_lengths(config: TriggerConfig) -> None:
    """`ValueError` where a text is longer than a schedule needs."""
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            message = (
                f"{field.alias or name} has {len(value)} characters; it may have {LONGEST_TEXT}"
            )
            raise ValueError(message)


def kind_of(config: TriggerConfig) -> str:
    """`cron` or `interval`; where it is not said, a cron expression means cron."""
    given = (config.schedule_type or "").strip().lower()
    if given in ("cron", "interval"):
        return given
    if given:
        raise ValueError(f"scheduleType is '{config.schedule_type}'; it is interval or cron")
    return "cron" if config.cron else "interval"


def interval_of(config: TriggerConfig) -> int:
    """The seconds between two starts."""
    if config.schedule_interval_value is not None:
        unit = config.schedule_interval_unit or "minutes"
        seconds = config.schedule_interval_value * _unit(unit, "scheduleIntervalUnit")
    elif config.schedule_interval in (None, ""):
        raise ValueError("the schedule has neither an interval nor a cron expression")
    else:
        seconds = seconds_of(str(config.schedule_interval), config.schedule_interval_unit)
    if not 1 <= seconds <= LONGEST or abs(round(seconds) - seconds) > 1e-6:
        message = f"the interval is {seconds:g} s; it is 1 s to 366 days, in whole seconds"
        raise ValueError(message)
    return round(seconds)


def tolerance_of(config: TriggerConfig) -> float:
    """The seconds by which a start may be late."""
    given = config.schedule_tolerance
    if given in (None, ""):
        return TOLERANCE
    seconds = seconds_of(str(given), "s", "scheduleTolerance")
    if not 1 <= seconds <= LONGEST:
        message = f"scheduleTolerance is {seconds:g} s; it is 1 s to 366 days"
        raise ValueError(message)
    return seconds


def seconds_of(text: str, unit: str | None = None, name: str = "scheduleInterval") -> float:
    """`30s`, `5m`, `1h30m`, `1d` in seconds; a bare number needs a unit beside it."""
    plain = text.strip()
    if len(plain) > LONGEST_TEXT:
        message = f"{name} has {len(plain)} characters; it may have {LONGEST_TEXT}"
        raise ValueError(message)
    try:
        number = float(plain.replace(",", "."))
    except ValueError:
        parts = _PART.findall(plain)
        if not parts or _PART.sub("", plain).strip():
            message = f"{name} is '{text}'; write it as 30s, 5m, 1h or 1d"
            raise ValueError(message) from None
        return sum(float(count.replace(",", ".")) * _unit(of, name) for count, of in parts)
    if not isfinite(number):
        message = f"{name} is '{text}'; write it as 30s, 5m, 1h or 1d"
        raise ValueError(message)
    if not unit:
        message = f"{name} is {text} without a unit; write it as {text}s, {text}m or {text}h"
        raise ValueError(message)
    return number * _unit(unit, "scheduleIntervalUnit")


def _unit(text: str, name: str) -> int:
    plain = text.strip().lower()
    found = UNITS.get(plain) or UNITS.get(plain.removesuffix("s"))
    if found is None:
        message = f"{name} has the unit '{text}'; it is seconds, minutes, hours or days"
        raise ValueError(message)
    return found


def shown(config: TriggerConfig) -> Mapping[str, object]:
    """What a list of schedules shows of a config."""
    kind = kind_of(config)
    when = {"cron": config.cron} if kind == "cron" else {"intervalSeconds": interval_of(config)}
    zone = {"timezone": config.timezone} if config.timezone else {}
    return {
        **zone,
        **when,
        "catchUp": config.schedule_catch_up,
        "overlap": config.schedule_overlap,
    }
