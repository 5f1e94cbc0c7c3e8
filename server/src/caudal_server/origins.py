"""What is set, where it came from, and what is set in vain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from caudal_core.errors import nearest
from caudal_core.journal.crashing import VARIABLE as CRASH
from caudal_server.environment import (
    ENV_FILE,
    PREFIX,
    everything,
    from_environment,
    from_file,
    variable_of,
)
from caudal_server.settings import SECRETS, Settings
from caudal_server.showing import HIDDEN, masked, scheme_alone

LATER = (
    "CAUDAL_API_KEYS_FILE",
    "CAUDAL_CONNECTIONS",
    "CAUDAL_PROXIES",
    "CAUDAL_ROOT_PATH",
    "CAUDAL_TRUST",
)
"""Names that mean something, but not in this version."""

AUTH = "CAUDAL_AUTH"

WITH_COMMAS = ("allowed_hosts", "egress_allow")
"""Fields of several values that are no folders."""

WHOLLY = ("callback_secret",)
"""Fields of which nothing is shown."""


class Shown(NamedTuple):
    """One setting for people: the variable, its value with secrets masked, where it came from."""

    variable: str
    value: str
    origin: str
    description: str


def shown(settings: Settings) -> Iterator[Shown]:
    """Every setting."""
    for name, field in type(settings).model_fields.items():
        value = _text(name, getattr(settings, name))
        yield Shown(variable_of(name), value, origin(settings, name), field.description or "")


def origin(settings: Settings, name: str) -> str:
    """Where the value of a field came from, such as `.env` or `environment`."""
    variable = variable_of(name)
    file = f"{variable}_FILE"
    if name in settings.said:
        return "command line"
    if variable in from_environment():
        return "environment"
    if name in SECRETS and file in everything():
        return f"{everything()[file]} ({file})"
    return str(ENV_FILE) if variable in from_file() else "default"


def without_effect() -> list[str]:
    """Names that are set and that this version does not act on."""
    return sorted(set(LATER) & set(everything()))


def unknown() -> dict[str, str | None]:
    """Names with the prefix that mean nothing, each with the one that is perhaps meant."""
    known = [variable_of(name) for name in Settings.model_fields]
    known += [f"{variable_of(name)}_FILE" for name in SECRETS]
    strange = set(everything()) - {*known, *LATER, AUTH, CRASH}
    return {name: _meant(name, known) for name in sorted(strange) if name.startswith(PREFIX)}


def _meant(name: str, known: list[str]) -> str | None:
    """By what follows the prefix: that alone makes any two names like each other."""
    found = nearest(name.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known])
    return None if found is None else PREFIX + found


def demands_authentication() -> bool:
    """Whether credentials are to be demanded, which this version cannot do."""
    return everything().get(AUTH, "off").lower() != "off"


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in WHOLLY:
        return HIDDEN
    if name in SECRETS:
        return (scheme_alone if name == "on_failure" else masked)(str(value))
    if isinstance(value, tuple):
        return ("," if name in WITH_COMMAS else os.pathsep).join(map(str, value))
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    return str(value)
