"""One handler run in a test, as its author writes it."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest

from caudal_core import Config, Context, DataError, Field, handler
from caudal_core.testing import run_handler


class New(Config):
    """The config of the second version."""

    new_key: int = Field(0)


def lift(config: dict[str, Any], version: int) -> dict[str, Any]:
    """Ten old units are one new one."""
    return {"newKey": 10 * int(config.get("oldKey", 0)), "from": version}


@handler("second", version=2, effect="pure", migrate=lift)
def second(config: New, data: Any, ctx: Context) -> int:
    """Hand on the config."""
    return config.new_key


@handler("waits", effect="pure")
async def waits(config: Config, data: Any, ctx: Context) -> Any:
    """Hand on what comes in, with what the test has set."""
    await asyncio.sleep(0)
    if data == "bad":
        raise DataError("no good")
    return [data, SET.get()]


SET = contextvars.ContextVar("SET", default="nothing")


def test_a_config_of_today() -> None:
    """Without a version the config is as the handler wants it now, and nothing is migrated."""
    assert 7 == run_handler(second, 1, {"newKey": 7}).output


@pytest.mark.parametrize(("version", "expected"), [(1, 30), (2, 0), (3, 0)])
def test_a_config_of_another_version(version: int, expected: int) -> None:
    """A config that was stored at an older version is migrated from it."""
    assert expected == run_handler(second, 1, {"oldKey": 3}, type_version=version).output


def test_a_handler_that_waits() -> None:
    """A handler that waits is run to its end."""
    assert [1, "nothing"] == run_handler(waits, 1).output


async def test_a_handler_that_waits_in_a_test_that_waits() -> None:
    """In an `async def` test too, with what the test has set and what the handler raises."""
    SET.set("something")
    assert [1, "something"] == run_handler(waits, 1).output
    assert 0 == run_handler(second, 1).output
    with pytest.raises(DataError, match="no good"):
        run_handler(waits, "bad")
