"""Who may import whom, as `[tool.importlinter]` in the root pyproject.toml says it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def broken(contract: str) -> str:
    """The report of import-linter on one contract, empty when it is kept."""
    program = str(Path(sys.executable).with_name("lint-imports"))
    command = [program, "--no-cache", "--no-logo", "--contract", contract]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("contract", ["packages", "server", "core"])
def test_contract_is_kept(contract: str) -> None:
    """The server stands over the plugins, these over core, and core has one order inside."""
    assert broken(contract) == ""
