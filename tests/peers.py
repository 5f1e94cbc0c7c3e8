"""Programs beside Python that some tests need."""

from __future__ import annotations

import os
import shutil

import pytest


def need(program: str) -> str:
    """The path of a program; without it the test is skipped, and fails where CI is `true`."""
    found = shutil.which(program)
    if found is not None:
        return found
    reason = f"{program} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and in CI nothing is skipped")
    pytest.skip(reason)
