"""The settings of the server."""

from __future__ import annotations

from typing import Any

from pydantic import ByteSize
from pydantic.fields import FieldInfo

from caudal_server import origins
from caudal_server.environment import variable_of
from caudal_server.settings import SECRETS, Settings
from tools.parts.markdown import code
from tools.parts.markdown import table as made

OF_THE_MACHINE = ("timezone",)
"""Fields whose default is what this machine says."""


def table() -> str:
    """Each setting: its variable, its default, what it means."""
    rows = [
        [code(variable_of(name)), _default(name, field), field.description or ""]
        for name, field in Settings.model_fields.items()
    ]
    files = ", ".join(code(f"{variable_of(name)}_FILE") for name in SECRETS)
    about = f"What may hold a password can stand in a file of its own, which {files} names."
    return f"{made(['setting', 'default', 'meaning'], rows)}\n\n{about}"


def later() -> str:
    """The names that are kept for later versions."""
    return ", ".join(map(code, origins.LATER))


def _default(name: str, field: FieldInfo) -> str:
    if name in OF_THE_MACHINE:
        return "that of the machine"
    return code(_text(field.get_default(call_default_factory=True)))


def _text(value: Any) -> str:
    if isinstance(value, ByteSize):
        return value.human_readable(separator=" ").replace(".0 ", " ")
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value in (None, (), {}) else str(value)
