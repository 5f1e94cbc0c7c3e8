"""Handlers that do the worst: their node fails, their execution ends, nobody else notices."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from tests.core.flows import HANDLERS, document, give

from caudal_core import Config, Context, Handler, HandlerError, Outputs, Records, handler
from caudal_core.engine import Engine, FolderStorage
from caudal_core.registry import Registry

LONG = 10.0
"""Seconds after which something hangs."""

KINDS = pytest.mark.parametrize("kind", ["light", "thread", "async"])


class BadTemplate(HandlerError):
    """An error whose text names what it was not given."""

    code = "BAD"
    en = "{nobody} knows"
    es = "nadie"


class BadText(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        message = "no text"
        raise ValueError(message)


class Kind(enum.StrEnum):
    """A text that is more than a text."""

    ONE = "one"


def deep() -> None:
    """Go on for ever."""
    deep()


def ouroboros() -> list[Any]:
    """A list that holds itself."""
    found: list[Any] = []
    found.append(found)
    return found


def tower(height: int) -> Any:
    """A list in a list in a list."""
    found: Any = 0
    for _ in range(height):
        found = [found]
    return found


def made(kind: str, act: Callable[[Context], Any], outputs: tuple[str, ...] = ("out",)) -> Handler:
    """A handler of this kind that does something."""

    def function(config: Config, data: Any, ctx: Context) -> Any:
        return act(ctx)

    async def coroutine(config: Config, data: Any, ctx: Context) -> Any:
        return act(ctx)

    decorate = handler("hostile", light=kind == "light", outputs=outputs)
    return decorate(coroutine if kind == "async" else function)


class Base(BaseException):
    """Not even an `Exception`, as the panic of a library that is not written in Python."""


def raises(error: BaseException) -> Callable[[Context], Any]:
    """What raises."""

    def act(ctx: Context) -> Any:
        raise error

    return act


ERRORS: dict[str, Callable[[Context], Any]] = {
    "ValueError": raises(ValueError("no")),
    "a text without sense": raises(ValueError("half \ud800")),
    "a NUL": raises(HandlerError("a\x00b")),
    "a long text": raises(ValueError("x" * 1_000_000)),
    "a template with a hole": raises(BadTemplate()),
    "braces": raises(HandlerError("{x} {{y}} {")),
    "no text": raises(BadText()),
    "no argument": raises(ValueError()),
    "a group": raises(ExceptionGroup("two", [ValueError(1), KeyError(2)])),
    "StopIteration": raises(StopIteration(1)),
    "SystemExit": raises(SystemExit(3)),
    "CancelledError": raises(asyncio.CancelledError()),
    "TimeoutError": raises(TimeoutError()),
    "MemoryError": raises(MemoryError()),
    "KeyboardInterrupt": raises(KeyboardInterrupt()),
    "a base exception": raises(Base("panic")),
    "endless recursion": lambda _: deep(),
    "AssertionError": raises(AssertionError()),
}

RESULTS: dict[str, Callable[[Context], Any]] = {
    "an object": lambda _: object(),
    "itself": lambda _: ouroboros(),
    "a tower": lambda _: tower(100_000),
    "a coroutine's name": lambda _: deep,
    "a generator": lambda _: iter("abc"),
    "half a character": lambda _: {"a": "\ud800"},
    "a key of half a character": lambda _: {"\ud800": 1},
    "a deep value": lambda _: tower(240),
    "a number without end": lambda _: 10**5000,
    "two keys of one text": lambda _: {1: "a", "1": "b"},
    "a zone that is no JSON": lambda _: Records([{"a": 1}], metadata={"a": {"tz": UTC}}),
    "metadata of the wrong kind": lambda _: Records([{"a": 1}], metadata={"a": 5}),  # type: ignore[dict-item]
    "a port that is not there": lambda _: Outputs(nowhere=1),
}


def says(text: Any, **report: Any) -> Callable[[Context], Any]:
    """What says something odd."""

    def act(ctx: Context) -> Any:
        ctx.say(text, **report)
        return 1

    return act


SAYINGS: dict[str, Callable[[Context], Any]] = {
    "half a character": says("half \ud800"),
    "a NUL": says("a\x00b"),
    "a number": says(5),
    "a large number": says(2**70),
    "nothing": says(None),
    "a kind of text": says(Kind.ONE),
    "an object": says(object()),
    "a list": says([1]),
    "a report that is no JSON": says("ok", thing=object()),
    "a report without sense": says("ok", thing="\ud800"),
    "a report that points": says("ok", thing={"$port": "nowhere"}),
    "a log without sense": lambda ctx: ctx.log.info("half \ud800"),
    "a log of an object": lambda ctx: ctx.log.info(object()),  # type: ignore[arg-type]
    "a log of the wrong kind": lambda ctx: ctx.log.info("%d", "one"),
    "progress of an object": lambda ctx: ctx.progress(object()),  # type: ignore[arg-type]
}


async def survives(hostile: Handler, folder: Path | None = None, **options: Any) -> tuple[str, str]:
    """The status of a hostile node, and of its execution; the engine must have come through."""
    storage = FolderStorage(folder) if folder else None
    async with Engine(Registry.of(*HANDLERS, hostile), storage=storage) as engine:
        nodes = {"x": {"type": "hostile", **options}, "y": "pass", "other": give(1), "z": "pass"}
        execution = await engine.submit(document(nodes, "x y", "other z"))
        assert await execution.finished(LONG), "the execution hangs"
        found = {run.node_id: run.shown for run in execution.runs}
        assert {"other": "completed", "z": "completed"}.items() <= found.items()
        plain = await engine.submit(document({"a": give(1), "b": "passThread"}, "a b"))
        assert await plain.finished(LONG), "the engine hangs"
        assert ("completed", None) == (plain.record.state, engine.journal.fault)
        history = engine.storage.history
        if history is not None:
            record = await engine.read(lambda: history.execution(execution.id))
            runs = await engine.read(lambda: history.runs(record))
            assert execution.record.state == record.state
            assert found == {run.node_id: run.state for run in runs}
        return found["x"], execution.record.state


@KINDS
@pytest.mark.parametrize("case", ERRORS)
async def test_whatever_is_raised(case: str, kind: str) -> None:
    """Whatever a handler raises, its node is failed and so is its execution."""
    assert ("failed", "failed") == await survives(made(kind, ERRORS[case]))


@KINDS
@pytest.mark.parametrize(
    "case", ["no text", "a template with a hole", "SystemExit", "a base exception"]
)
async def test_whatever_is_raised_again(case: str, kind: str) -> None:
    """The same holds in every attempt."""
    assert ("failed", "failed") == await survives(made(kind, ERRORS[case]), retries=2)


@KINDS
@pytest.mark.parametrize("case", RESULTS)
async def test_whatever_is_returned(case: str, kind: str) -> None:
    """What cannot be handed on or recorded fails the node that returned it."""
    assert ("failed", "failed") == await survives(made(kind, RESULTS[case]))


@KINDS
@pytest.mark.parametrize("case", SAYINGS)
async def test_whatever_is_said(tmp_path: Path, case: str, kind: str) -> None:
    """What a node says is recorded or fails the node; it never stops the journal."""
    status, state = await survives(made(kind, SAYINGS[case]), tmp_path)
    assert {"completed": "completed", "failed": "failed"}[status] == state


@KINDS
async def test_too_much_is_said(tmp_path: Path, kind: str) -> None:
    """A node that logs without end is cut short, and how much is missing is known."""

    def act(ctx: Context) -> Any:
        for number in range(10_000):
            ctx.log.info("line %d %s", number, "x" * 10_000)
        return 1

    assert ("completed", "completed") == await survives(made(kind, act), tmp_path)


async def test_a_runner_that_breaks() -> None:
    """What a runner of somebody else raises fails the node as well."""
    from caudal_core.runner import EmbeddedRunner, Job, NodeResult

    class Broken(EmbeddedRunner):
        inlines = False

        async def run(self, job: Job) -> NodeResult:
            message = f"no cluster for {job.handler.type}"
            raise ConnectionError(message)

    async with Engine(Registry.of(*HANDLERS), runner=Broken()) as engine:
        execution = await engine.submit(document({"a": give(1)}))
        assert await execution.finished(LONG)
        assert "give (a): ConnectionError: no cluster for give" == execution.record.error
