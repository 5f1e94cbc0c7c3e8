"""Every handler that is installed keeps to the conventions, also one that came today."""

from __future__ import annotations

import pytest

from caudal_core.registry import OURS, Registered, load_registry
from caudal_core.testing import check_handler

REGISTRY = load_registry()


@pytest.mark.parametrize("registered", REGISTRY.handlers.values(), ids=REGISTRY.handlers)
def test_an_installed_handler(registered: Registered) -> None:
    """A handler breaks no rule that it must keep, and ours do all that they should besides."""
    check_handler(registered.handler, strict=registered.package in OURS)


def test_ours_are_taken_in_whole() -> None:
    """No package of this repository is broken, and none of its types belongs to another."""
    ours = [plugin for plugin in REGISTRY.plugins if plugin.name in OURS]
    assert [None] * len(ours) == [plugin.error for plugin in ours]
    assert "caudal-builtin" in {plugin.name for plugin in ours}
