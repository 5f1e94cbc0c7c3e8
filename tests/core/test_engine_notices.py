"""Plugins and listeners that break while they are told what happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.core.engines import ended, states
from tests.core.flows import HANDLERS, document, give

from caudal_core import hookimpl
from caudal_core.engine import Engine
from caudal_core.engine.notices import Notices
from caudal_core.registry import Registry
from caudal_core.registry.candidate import new_manager

Heard = list[tuple[str, ...]]


class Odd(BaseException):
    """An error that is no `Exception`."""


class Listens:
    """A plugin that writes down what it hears; it takes fewer arguments than there are."""

    def __init__(self, name: str, heard: Heard) -> None:
        self._name = name
        self._heard = heard

    @hookimpl
    def caudal_node_finished(self, node_id: str) -> None:
        """A node has ended."""
        self._heard.append((self._name, node_id))

    @hookimpl
    def caudal_execution_finished(self, status: str) -> None:
        """An execution has ended."""
        self._heard.append((self._name, status))


class Breaks:
    """A plugin that raises whatever it is told."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    @hookimpl
    def caudal_node_finished(self) -> None:
        """A node has ended."""
        raise self._error

    @hookimpl
    def caudal_execution_finished(self) -> None:
        """An execution has ended."""
        raise self._error


def registry(**plugins: object) -> Registry:
    """A registry with these plugins."""
    manager = new_manager()
    for name, plugin in plugins.items():
        manager.register(plugin, name)
    return Registry(Registry.of(*HANDLERS).handlers, hooks=manager.hook)


ERRORS: list[BaseException] = [
    ValueError("no"),
    SystemExit(3),
    KeyboardInterrupt(),
    asyncio.CancelledError(),
    Odd("no"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_plugin_that_breaks(caplog: pytest.LogCaptureFixture, error: BaseException) -> None:
    """What one plugin raises is logged with its name; the others hear, and executions end."""
    heard: Heard = []
    plugins = {"first": Listens("first", heard), "bad": Breaks(error)}
    last = {"last": Listens("last", heard)}
    async with Engine(registry(**plugins, **last)) as engine:
        for _ in range(2):
            execution = await ended(await engine.submit(document({"a": give(1)})))
            assert {"a": "completed"} == states(execution.runs)
        assert None is engine.journal.fault
    once = [("last", "a"), ("first", "a"), ("last", "completed"), ("first", "completed")]
    assert once * 2 == heard
    logged = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert ["the plugin bad failed while it was told what happened"] * 4 == logged


async def test_a_listener_that_leaves() -> None:
    """A listener may raise what it likes, too."""
    told: list[str] = []

    def leaves(*_: Any) -> None:
        raise SystemExit

    async with Engine(registry()) as engine:
        engine.listen(leaves)
        engine.listen(lambda execution, _: told.append(execution.record.state))
        await ended(await engine.submit(document({"a": give(1)})))
    assert "completed" in told


async def test_the_end_of_our_own_task_is_heard() -> None:
    """Where the task itself is to end, the cancellation goes through."""

    class Ended:
        finished = True
        id, workflow_id, state = "e", "w", "completed"

    class Done:
        record = Ended

    async def tells() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        hooks = registry(bad=Breaks(asyncio.CancelledError())).hooks
        Notices().tell(Done, [], hooks)  # type: ignore[arg-type]

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(tells())


def new_wrapper(heard: Heard) -> Callable[..., Iterator[None]]:
    """A wrapper as pluggy has it today."""

    @hookimpl(wrapper=True)
    def caudal_node_finished(node_id: str) -> Iterator[None]:
        heard.append(("before", node_id))
        yield
        heard.append(("after", node_id))

    return caudal_node_finished


def old_wrapper(heard: Heard) -> Callable[..., Iterator[None]]:
    """A wrapper as pluggy had it."""

    @hookimpl(hookwrapper=True)
    def caudal_node_finished(node_id: str) -> Iterator[None]:
        heard.append(("before", node_id))
        outcome: Any = yield
        heard.append(("after", f"{node_id}{outcome.get_result()}"))

    return caudal_node_finished


@pytest.mark.parametrize(("make", "after"), [(new_wrapper, "a"), (old_wrapper, "a[]")])
async def test_a_wrapper_is_called(make: Callable[[Heard], Any], after: str) -> None:
    """A hook that pluggy knows as a wrapper is run to its end."""
    heard: Heard = []

    class Wraps:
        caudal_node_finished = staticmethod(make(heard))

    async with Engine(registry(wraps=Wraps())) as engine:
        await ended(await engine.submit(document({"a": give(1)})))
    assert [("before", "a"), ("after", after)] == heard
