"""Handlers that ask a person or wait for a moment, and what waits with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.core.engines import LONG, running, until
from tests.core.flows import document, give

from caudal_core import Config, Context, Handler, Outputs, Question, Reply, Wait, handler
from caudal_core.engine import Engine, Execution
from caudal_core.journal.waits import Approval, ApprovalFilter
from caudal_core.values import decode


class Asking(Config):
    """What is asked, and for how long."""

    seconds: float | None = None
    effect: str = ""


class Asker:
    """Handlers that ask a person or wait for a moment, and remember how often they were called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.replies: list[Reply] = []

    @property
    def handlers(self) -> tuple[Handler, ...]:
        """`ask` and `askLight` ask a person; `doze` waits for a moment; `wrong` does not fit."""

        def ask(config: Asking, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            if ctx.answer is None:
                ctx.log.info("asks")
                ctx.say("waits for Ana")
                question = Question("May it go on?", "u1", "Ana", "mail")
                return Wait(question, seconds=config.seconds, memo={"n": 7})
            self.replies.append(ctx.answer)
            ctx.log.info("was told")
            ctx.say("answered")
            return Outputs(yes=data) if ctx.answer.approved else Outputs(no=data)

        @handler("doze")
        def doze(config: Asking, data: Any, ctx: Context) -> Any:
            self.calls.append(ctx.node_id)
            if ctx.answer is None:
                return Wait(seconds=config.seconds)
            self.replies.append(ctx.answer)
            return data

        @handler("wrong")
        def wrong(config: Config, data: Any, ctx: Context) -> Any:
            return Wait(seconds=1, memo="x" * 70_000)

        ports = ("yes", "no")
        return (
            handler("ask", outputs=ports)(ask),
            handler("askLight", outputs=ports, light=True)(ask),
            handler("askKeyed", outputs=ports, effect="keyed")(ask),
            handler("askOnce", outputs=ports, effect="at_most_once")(ask),
            doze,
            wrong,
        )


@asynccontextmanager
async def asking(folder: Path | None, asker: Asker, *more: Handler) -> AsyncIterator[Engine]:
    """An engine with the handlers that ask."""
    async with running(folder, *asker.handlers, *more) as engine:
        yield engine


def place(tmp_path: Path, *, stored: bool) -> Path | None:
    """Where the engine keeps things."""
    return tmp_path if stored else None


async def waits(execution: Execution) -> None:
    """Return once it is told that the execution waits."""
    await until(execution, lambda: execution.record.state == "waiting")


async def the_open(engine: Engine) -> list[Approval]:
    """What can be decided."""
    return await engine.approvals.list(ApprovalFilter())


async def final(engine: Engine, execution_id: str) -> tuple[str, Any]:
    """How it ended, with the final output."""
    async with asyncio.timeout(LONG):
        while True:
            record = (await engine.view(execution_id, last=0)).record
            if record.finished:
                return record.state, None if record.final is None else decode(record.final)
            execution = await engine.watch(execution_id)
            assert execution is not None
            await execution.change(execution.version, 0.05)


YES_OR_NO = ("a x", "x.yes y", "x.no n")


def question(kind: str = "ask", **config: Any) -> dict[str, Any]:
    """A workflow that asks once."""
    nodes: dict[str, Any] = {"a": give({"v": 1}), "x": {"type": kind, "config": config}}
    return document({**nodes, "y": "pass", "n": "pass"}, *YES_OR_NO)
