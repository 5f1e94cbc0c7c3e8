"""`caudal` itself."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

from tests.server.cli.command import caudal

HEAVY = ("fastapi", "pydantic", "rich", "sqlalchemy", "uvicorn")


def test_version() -> None:
    """--version prints the version of the server's package."""
    done = caudal("--version")
    assert 0 == done.exit_code
    assert f"caudal {version('caudal-server')}\n" == done.stdout


def test_help_lists_the_commands() -> None:
    """--help names every command."""
    shown = caudal("--help").stdout
    named = ("serve", "run", "check", "demo", "handlers", "effects")
    named += ("backup", "restore", "migrate", "plugins", "config")
    listed = shown.partition("Commands:\n")[2].splitlines()
    assert list(named) == [line.split()[0] for line in listed if line[2:3].strip()]


def test_unknown_command_is_invalid() -> None:
    """A command that does not exist exits with 2."""
    assert 2 == caudal("fly").exit_code


def test_start_is_light() -> None:
    """Help and version load none of the large libraries."""
    code = (
        "import json, sys; from typer.testing import CliRunner\n"
        "from caudal_server.cli.main import app\n"
        "CliRunner().invoke(app, ['--help']); print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert [] == [name for name in HEAVY if name in json.loads(done.stdout)]
