"""The variables that a setting may come from: the environment, and `.env` beside the server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

ENV_FILE = Path(".env")
PREFIX = "CAUDAL_"


def variable_of(field: str) -> str:
    """The name of a setting in the environment."""
    return f"{PREFIX}{field.upper()}"


def from_environment() -> dict[str, str]:
    """What the environment says, by names in upper case; an empty text counts as nothing."""
    return _present(os.environ)


def from_file() -> dict[str, str]:
    """What `.env` in the working directory says, read the same way."""
    if not ENV_FILE.is_file():
        return {}
    return _present(dotenv_values(ENV_FILE, encoding=encoding()))


def everything() -> dict[str, str]:
    """Both; the environment wins."""
    return {**from_file(), **from_environment()}


def encoding() -> str:
    """How `.env` is written: it is an application's own file, and need not be UTF-8."""
    try:
        ENV_FILE.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    except OSError:
        return "utf-8"
    return "utf-8-sig"


def _present(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {name.upper(): value for name, value in variables.items() if value}
