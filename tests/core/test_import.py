"""What is loaded when Caudal is imported, as every plugin and every command pays for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

CHILD = "import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"


def loaded(module: str) -> set[str]:
    """The modules that a fresh interpreter has after importing one."""
    command = [sys.executable, "-c", CHILD.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


HEAVY = {"httpx", "httpx2", "numpy", "openpyxl", "pandas", "pyarrow", "pytest", "sqlalchemy"}


@pytest.mark.parametrize(
    "module", ["caudal_core", "caudal_core.registry", "caudal_core.graph", "caudal_core.testing"]
)
def test_importing_is_light(module: str) -> None:
    """What authors of handlers import loads no heavy library, neither the database nor pytest."""
    assert set() == loaded(module) & HEAVY


def test_the_api_for_authors_loads_no_engine() -> None:
    """`import caudal_core` loads neither engine nor journal nor the testing kit."""
    parts = {name.removeprefix("caudal_core.").partition(".")[0] for name in loaded("caudal_core")}
    assert set() == parts & {"engine", "journal", "testing", "runner", "graph"}


def test_the_pytest_plugin_is_lazy() -> None:
    """The pytest plugin loads no registry, no engine and no handler until a test asks for it."""
    found = loaded("caudal_core.testing.plugin")
    assert set() == found & {"caudal_core.engine", "caudal_builtin", "sqlalchemy", "pytest"}


def test_everything_public_is_there() -> None:
    """Every name that the package says it has can be imported from it."""
    import caudal_core
    import caudal_core.testing

    for module in (caudal_core, caudal_core.testing):
        assert [] == [name for name in module.__all__ if not hasattr(module, name)]
        assert sorted(module.__all__, key=str) == sorted(set(module.__all__), key=str)
