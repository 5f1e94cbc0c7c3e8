"""Any workflows, cancelled, stopped and cut off in any order, against the plain evaluator."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import create_engine
from tests.core.engines import LONG
from tests.core.test_engine_random import Act, Connection, act, evaluate, handlers, workflows

from caudal_core import Context, Handler, handler
from caudal_core.engine import Engine, FolderStorage
from caudal_core.engine.view import ExecutionView
from caudal_core.registry import Registry
from caudal_core.testing.invariants import broken

T = TypeVar("T")
Workflow = tuple[dict[str, dict[str, Any]], list[Connection]]
MOMENT = 0.004
"""Seconds that an asynchronous node takes, so that much is under way when the engine is cut off."""


def slow() -> tuple[Handler, ...]:
    """The handlers of the evaluator, the asynchronous ones slower."""

    async def act_slowly(config: Act, data: Any, ctx: Context) -> Any:
        await asyncio.sleep(MOMENT)
        return act(config, data, ctx)

    found = [made for made in handlers() if not made.is_async]
    for made in handlers():
        if made.is_async:
            shape: Any = {"inputs": made.inputs, "outputs": made.outputs, "effect": "keyed"}
            found.append(handler(made.type, **shape)(act_slowly))
    return tuple(found)


class EngineMachine(RuleBasedStateMachine):
    """One folder, and one engine after the other over it."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory()
        self._begun: dict[str, tuple[Workflow, dict[str, Any]]] = {}
        self._cancelled: set[str] = set()
        self._told: dict[str, str] = {}

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    @initialize()
    def begin(self) -> None:
        """The first engine."""
        self._engine = Engine(Registry.of(*slow()), storage=FolderStorage(self._folder.name))
        self._do(self._engine.start())

    @rule(workflow=workflows(), inputs=st.dictionaries(st.sampled_from("xy"), st.integers(0, 9)))
    def submit(self, workflow: Workflow, inputs: dict[str, Any]) -> None:
        """Accept an execution."""
        names = ("fromNodeId", "outputType", "toNodeId", "inputPort")
        document = {
            "nodes": [{"id": name, **node} for name, node in reversed(workflow[0].items())],
            "connections": [dict(zip(names, c, strict=True)) for c in workflow[1]],
        }
        execution = self._do(self._engine.submit(document, inputs))
        self._begun[execution.id] = workflow, inputs

    @precondition(lambda self: self._begun)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Cancel one, which may have ended; what that answers must stay true."""
        identity = data.draw(st.sampled_from(sorted(self._begun)))
        done, before = self._do(self._engine.cancel(identity))
        if done:
            self._cancelled.add(identity)
        elif before != "cancelled":
            assert identity not in self._cancelled

    @rule(moments=st.integers(0, 4))
    def wait(self, moments: int) -> None:
        """Let things go on; what has then ended must stay as it is."""
        self._do(asyncio.sleep(moments * MOMENT))
        for identity in self._begun:
            record = self._do(self._engine.view(identity, last=0)).record
            if record.finished:
                assert self._told.setdefault(identity, record.state) == record.state

    @rule()
    def restart(self) -> None:
        """Stop the engine in order, and go on with another one."""
        self._do(self._engine.close())
        self.begin()

    @rule()
    def cut(self) -> None:
        """The engine is gone from one moment to the next; what was not committed is lost."""
        self._do(cut_off(self._engine))
        self.begin()

    def teardown(self) -> None:
        """Everything ends, each as the evaluator says, and the journal is sound."""
        try:
            if hasattr(self, "_engine"):
                views = self._do(all_ended(self._engine, list(self._begun)))
                for identity, view in views.items():
                    self._check(identity, view)
                self._do(self._engine.close())
                database = create_engine(f"sqlite:///{Path(self._folder.name) / 'caudal.db'}")
                assert [] == broken(database)
                database.dispose()
        finally:
            self._runner.close()
            self._folder.cleanup()

    def _check(self, identity: str, view: ExecutionView) -> None:
        (nodes, connections), inputs = self._begun[identity]
        errors = {run.node_id: run.error for run in view.runs}
        expected = evaluate(nodes, connections, inputs, errors)
        states = {run.node_id: run.shown for run in view.runs}
        given_up = {name for name, state in states.items() if state == "cancelled"}
        state = view.record.state
        assert self._told.get(identity, state) == state
        if identity in self._cancelled:
            assert "cancelled" == state
        else:
            assert ("failed" if expected.failed else "completed") == state
            assert not given_up
        assert nodes.keys() == states.keys()
        for run in view.runs:
            if run.node_id not in given_up and run.shown == states[run.node_id]:
                assert expected.states[run.node_id] == run.shown
                self._check_output(run, expected.left.get(run.node_id, {}))

    def _check_output(self, run: Any, left: dict[str, Any]) -> None:
        found = {port: payload.data for port, payload in (run.outputs or {}).items()}
        if run.shown == "completed" or found:
            assert left == found


async def cut_off(engine: Engine) -> None:
    """Let nothing more be written, then drop everything."""
    journal: Any = engine.journal
    journal._task.cancel()  # noqa: SLF001 - there is no public way to die
    await asyncio.gather(journal._task, return_exceptions=True)  # noqa: SLF001
    await journal._sink.close()  # noqa: SLF001
    left = [*engine._conductor.tasks, *(task for e in engine.unfinished for task in e.tasks)]  # noqa: SLF001
    engine.closing = True
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await engine.runner.close()
    engine.storage.close()
    engine._reading.close()  # noqa: SLF001


async def all_ended(engine: Engine, identities: list[str]) -> dict[str, ExecutionView]:
    """Each execution once it has ended."""
    found = {}
    for identity in identities:
        execution = engine.live(identity)
        if execution is not None:
            assert await execution.finished(LONG)
        found[identity] = await engine.view(identity)
        assert found[identity].record.finished
    return found


EngineMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestEngineMachine = EngineMachine.TestCase
