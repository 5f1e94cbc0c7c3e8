"""The command line, as its own help tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command
from typer.testing import CliRunner

from caudal_server.cli.main import app
from tools.parts.markdown import fenced

WIDTH = "88"


def commands() -> str:
    """A section a command, with what its `--help` prints."""
    return "\n\n".join(f"## `{' '.join(path)}`\n\n{_help(path)}" for path in _paths())


def _paths() -> Iterator[tuple[str, ...]]:
    yield from _below(("caudal",), get_command(app))


def _below(path: tuple[str, ...], command: Any) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from _below((*path, name), inner)


def _help(path: tuple[str, ...]) -> str:
    environment = {"COLUMNS": WIDTH, "TERMINAL_WIDTH": WIDTH, "NO_COLOR": "1"}
    runner = CliRunner(env=environment)
    result = runner.invoke(
        app, [*path[1:], "--help"], prog_name="caudal", terminal_width=int(WIDTH)
    )
    if result.exit_code != 0:
        message = f"{' '.join(path)} --help failed: {result.output}"
        raise RuntimeError(message)
    return fenced("\n".join(line.rstrip() for line in result.output.splitlines()), "text")
