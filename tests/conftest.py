"""What all tests share."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from hypothesis import settings

# No deadline: a busy machine is slow at times, and no test is about that.
settings.register_profile("caudal", deadline=None)
settings.load_profile("caudal")

LONGEST = 60
"""Seconds after which an `async def` test has hung."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an `async def` test on an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj) or pyfuncitem.get_closest_marker("anyio"):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    asyncio.run(asyncio.wait_for(test, LONGEST))
    return True
