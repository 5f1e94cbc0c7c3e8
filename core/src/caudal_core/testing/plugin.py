"""The pytest plugin: a test with the argument `installed_handler` runs for each that is installed.

It loads nothing until a test asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ARGUMENT = "installed_handler"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that names the packages to look at."""
    about = f"distributions whose handlers `{ARGUMENT}` stands for (default: all installed)"
    parser.addini("caudal_packages", about, type="args", default=[])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each handler."""
    if ARGUMENT not in metafunc.fixturenames:
        return
    from caudal_core.testing.conformance import installed_handlers

    found = installed_handlers(*metafunc.config.getini("caudal_packages"))
    metafunc.parametrize(ARGUMENT, found, ids=[handler.type for handler in found])
