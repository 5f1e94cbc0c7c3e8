"""Handlers of a small package that tests install beside the server's own.

They do what no built-in handler does: hand on Python's own values, wait for each other, fail on
command, count how often they ran.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from caudal_core import (
    Config,
    Context,
    Event,
    Field,
    HandlerError,
    Records,
    Trigger,
    TriggerContext,
    handler,
    hookimpl,
)

PATIENCE = 60.0
"""Seconds after which a handler that waits for a file gives up."""

VALUES: dict[str, Any] = {
    "beyond": 2**53 + 1,
    "below": -(2**53) - 1,
    "largest": 2**53 - 1,
    "long": Decimal("0.1234567890123456789"),
    "short": Decimal("12.5"),
    "float": 0.1,
    "nan": math.nan,
    "infinite": -math.inf,
    "bytes": b"\x00\xffcaudal",
    "duration": timedelta(days=1, hours=1, seconds=0.5),
    "date": date(2026, 3, 29),
    "local": datetime(2026, 3, 29, 2, 30),  # noqa: DTZ001 - that it has no zone is the point
    "zoned": datetime(2026, 3, 29, 2, 30, tzinfo=UTC),
    "time": time(2, 30),
    "id": UUID(int=7),
}


class Nothing(Config):
    """No setting."""


@handler("trialValues", effect="pure")
def values(config: Nothing, data: Any, ctx: Context) -> Any:
    """Hand on one value of each kind that Python has."""
    return dict(VALUES)


@handler("trialTypes", effect="pure")
def types(config: Nothing, data: Any, ctx: Context) -> Any:
    """Hand on the name of the type that each value of the object has inside."""
    return {name: type(value).__name__ for name, value in data.items()}


@handler("trialUnits", effect="pure")
def units(config: Nothing, data: Records, ctx: Context) -> Records:
    """Say of the column `price` what its unit, its quality and its zone are."""
    about = {"unit": "€/MWh", "quality": "Good", "timezone": "Europe/Madrid"}
    return Records(data.rows(), metadata={"price": about})


class Amount(Config):
    """How much of something."""

    rows: int = Field(0, ge=0)
    characters: int = Field(0, ge=0)


@handler("trialLarge", effect="pure")
def large(config: Amount, data: Any, ctx: Context) -> Any:
    """Hand on so many records, or else a text of so many characters."""
    if config.rows:
        return [{"n": number, "text": "x" * config.characters} for number in range(config.rows)]
    return "x" * config.characters


class Failing(Config):
    """How many attempts fail, with which text."""

    times: int = Field(1_000, ge=0)
    text: str = "the tank is empty"
    hint: str = "fill it"


@handler("trialFail", effect="pure", light=True)
def fail(config: Failing, data: Any, ctx: Context) -> Any:
    """Fail in the first attempts, then hand on what came in."""
    if ctx.attempt <= config.times:
        raise HandlerError(config.text, hint=config.hint)
    return data


class Meeting(Config):
    """Files that tell who is there: one that is made, and those that are waited for.

    `stay` are the seconds for which it then stays.
    """

    folder: Path
    mine: str = ""
    others: list[str] = Field(default_factory=list)
    stay: float = 0.0


@handler("trialMeet", effect="idempotent")
async def meet(config: Meeting, data: Any, ctx: Context) -> Any:
    """Say that it is there, wait until the others are, and hand on what came in."""
    if config.mine:
        (config.folder / config.mine).touch()
    until = monotonic() + PATIENCE
    while not all((config.folder / name).exists() for name in config.others):
        if monotonic() > until:
            raise HandlerError(f"waited in vain for {', '.join(config.others)}")
        await asyncio.sleep(0.01)
    await asyncio.sleep(config.stay)
    return data


@handler("trialCount", effect="idempotent")
def count(config: Meeting, data: Any, ctx: Context) -> Any:
    """Write a line into a file each time it runs."""
    with (config.folder / config.mine).open("a", encoding="utf-8") as file:
        file.write("ran\n")
    return {"ran": True}


@handler("trialOnce", effect="at_most_once")
async def once(config: Meeting, data: Any, ctx: Context) -> Any:
    """Write a line into a file and wait: a deed that must not be repeated unasked."""
    count(config, data, ctx)
    return await meet(config, data, ctx)


@handler("trialDeaf", effect="idempotent")
def deaf(config: Meeting, data: Any, ctx: Context) -> Any:
    """Do as `trialMeet`, in a thread that does not look whether anybody still waits for it."""
    (config.folder / config.mine).touch()
    until = monotonic() + PATIENCE
    while not all((config.folder / name).exists() for name in config.others):
        if monotonic() > until:
            raise HandlerError("waited in vain")
        sleep(0.01)
    return data


class Marking(Config):
    """A file in which effects are counted, and how many characters the output is larger by.

    `fails` is how many attempts fail, before they do anything.
    """

    sink: Path
    more: int = 0
    fails: int = 0


def mark(config: Marking, data: Any, ctx: Context) -> dict[str, Any]:
    """Leave a line outside, and hand on what came in with a mark of this node."""
    if ctx.attempt <= config.fails:
        raise HandlerError("not yet")
    line = f"{ctx.execution_id} {ctx.node_id} {ctx.idempotency_key}\n"
    with config.sink.open("a", encoding="utf-8") as file:
        file.write(line)
    came = data if "A" not in data else {**data["A"], **data.get("B", {})}
    own = {ctx.node_id: ctx.execution_id}
    return {**came, **own} if not config.more else {**came, **own, "more": "x" * config.more}


async def mark_async(config: Marking, data: Any, ctx: Context) -> dict[str, Any]:
    """The same from a task."""
    await asyncio.sleep(0)
    return mark(config, data, ctx)


MARKS = (
    handler("trialMark", effect="pure", light=True)(mark),
    handler("trialMarkThread", effect="idempotent")(mark),
    handler("trialMarkAsync", effect="keyed")(mark_async),
    handler("trialMarkOnce", effect="at_most_once")(mark),
    handler("trialMarkJoin", inputs=("A", "B"), effect="pure", light=True)(mark),
)


class Lines(Config):
    """A file that grows, and one for the lines that were acknowledged."""

    folder: Path
    told: str = "told"
    acknowledged: str = "acknowledged"


@handler("trialLines", effect="pure", light=True)
def line(config: Lines, data: Any, ctx: Context) -> Any:
    """Hand on the line that started the execution."""
    return data


class NewLines(Trigger[Lines]):
    """Tells of each line of a file, of all of them again when it is started anew."""

    name = "trialLines"
    config = Lines

    async def listen(self, config: Lines, ctx: TriggerContext) -> AsyncIterator[Event]:
        """An event a line; when the next is asked for, the line is acknowledged."""
        seen = 0
        while True:
            lines = (config.folder / config.told).read_text().split()
            for text in lines[seen:]:
                yield Event(text, {"line": text})
                with (config.folder / config.acknowledged).open("a", encoding="utf-8") as file:
                    file.write(f"{text}\n")
            seen = len(lines)
            await ctx.sleep(0.005)


HANDLERS = (values, types, units, large, fail, meet, deaf, once, count, line, *MARKS)


@hookimpl
def caudal_handlers() -> Any:
    """All of them."""
    return HANDLERS


@hookimpl
def caudal_triggers() -> Any:
    """The one that reads lines."""
    return (NewLines(),)
