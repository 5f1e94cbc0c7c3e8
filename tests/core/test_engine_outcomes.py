"""Effects that must not be repeated and were cut off: the world is asked, then a person."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import LONG, ended, running, states, until
from tests.core.flows import document

from caudal_core import Config, Context, Handler, Outcome, handler
from caudal_core.engine import Engine
from caudal_core.engine.view import ExecutionView
from caudal_core.engine.waits.approvals import Decision
from caudal_core.errors import HandlerDefinitionError
from caudal_core.journal.waits import ApprovalFilter
from caudal_core.values import decode


class Deed:
    """A deed that is cut off in its first life, and what is found out about it."""

    def __init__(self, found: Any = None, *, late: bool = False) -> None:
        self.done: list[int] = []
        self.asked: list[tuple[Any, str, datetime]] = []
        self.keys: set[str] = set()
        self.begun = asyncio.Event()
        self.second = False
        self._found = found
        self._late = late

    def look(self, data: Any, key: str, since: datetime) -> Any:
        """What the world says."""
        self.asked.append((data, key, since))
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def handler(self, **options: Any) -> Handler:
        """The deed, with a reconcile if something is found."""

        async def deed(config: Config, data: Any, ctx: Context) -> Any:
            self.done.append(ctx.attempt)
            self.keys.add(ctx.idempotency_key)
            self.begun.set()
            if not self.second:
                await asyncio.sleep(1_000)
            return {"did": data}

        def now(config: Any, data: Any, key: str, since: datetime, ctx: Context) -> Any:
            return self.look(data, key, since)

        async def later(config: Any, data: Any, key: str, since: datetime, ctx: Context) -> Any:
            await asyncio.sleep(0)
            return self.look(data, key, since)

        if self._found is not None:
            options["reconcile"] = later if self._late else now
        return handler("deed", effect="at_most_once", **options)(deed)


async def seen(engine: Engine, execution_id: str) -> ExecutionView:
    """The execution, once it has ended."""
    async with asyncio.timeout(LONG):
        while True:
            view = await engine.view(execution_id)
            execution = await engine.watch(execution_id)
            if view.record.finished or execution is None:
                return await engine.view(execution_id)
            await execution.change(execution.version, 0.05)


async def cut_off(folder: Path, deed: Deed, **options: Any) -> str:
    """The id of an execution whose server went away while it did the deed."""
    async with running(folder, deed.handler()) as engine:
        workflow = document({"x": {"type": "deed", **options}, "z": "pass"}, "x z")
        execution = await engine.submit(workflow, {"v": 1})
        await asyncio.wait_for(deed.begun.wait(), LONG)
        await engine.journal.flush()
    deed.second = True
    return execution.id


HAPPENED = Outcome.happened({"found": 1})
NOT = Outcome.did_not_happen()
UNKNOWN = Outcome.unknown()


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("found", "policy", "state", "final", "calls"),
    [
        (HAPPENED, "fail", "completed", {"found": 1}, 1),
        (HAPPENED, "rerun", "completed", {"found": 1}, 1),
        (NOT, "fail", "completed", {"did": {"v": 1}}, 2),
        (UNKNOWN, "fail", "interrupted", None, 1),
        (UNKNOWN, "rerun", "completed", {"did": {"v": 1}}, 2),
        (OSError("no line"), "fail", "interrupted", None, 1),
        (OSError("no line"), "rerun", "completed", {"did": {"v": 1}}, 2),
        ("nonsense", "fail", "interrupted", None, 1),
    ],
)
async def test_the_world_is_asked(  # noqa: PLR0917 - a table of cases
    tmp_path: Path, found: Any, policy: str, state: str, final: Any, calls: int, *, late: bool
) -> None:
    """After a crash `reconcile` is asked before the policy; only what it cannot tell is decided."""
    deed = Deed(found, late=late)
    before = datetime.now(UTC)
    execution_id = await cut_off(tmp_path, deed, onInterrupted=policy)
    async with running(tmp_path, deed.handler()) as engine:
        view = await seen(engine, execution_id)
    assert state == states(view.runs)["x"]
    assert (final, calls) == (decode(view.record.final or b"null"), len(deed.done))
    ((data, key, since),) = deed.asked
    assert ({"v": 1}, {key}) == (data, deed.keys)
    assert before <= since <= datetime.now(UTC)
    (run,) = (run for run in view.runs if run.node_id == "x")
    assert (1, 1) == (run.attempt, len([run for run in view.runs if run.node_id == "x"]))


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize("found", [None, UNKNOWN])
async def test_a_person_is_asked(tmp_path: Path, found: Any, *, happened: bool) -> None:
    """With `ask` a person says whether it has happened: over another restart, and once."""
    deed = Deed(found)
    execution_id = await cut_off(tmp_path, deed, onInterrupted="ask")
    async with running(tmp_path, deed.handler()) as engine:
        execution = await engine.watch(execution_id)
        assert execution is not None
        await until(execution, lambda: execution.record.state == "waiting")
        assert "waiting" == states(execution.runs)["x"]
    async with running(tmp_path, deed.handler()) as engine:
        (asked,) = await engine.approvals.list(ApprovalFilter())
        assert ("outcome", "x", execution_id) == (asked.kind, asked.node, asked.execution)
        assert "Has 'deed' (x) happened?" in asked.question
        assert 1 == len(deed.done)
        decision = Decision(approved=happened, person="Eva", data={"w": 2} if happened else None)
        await engine.approvals.decide(asked.id, decision)
        view = await seen(engine, execution_id)
    assert {"x": "completed", "z": "completed"} == states(view.runs)
    assert ({"w": 2} if happened else {"did": {"v": 1}}) == decode(view.record.final or b"null")
    assert (1 if happened else 2) == len(deed.done)
    if happened:
        (run,) = (run for run in view.runs if run.node_id == "x")
        assert "it has happened, says Eva" == run.message


async def test_one_that_is_asked_about_can_be_cancelled(tmp_path: Path) -> None:
    """Then nobody knows what became of it, and that is what is recorded."""
    deed = Deed()
    execution_id = await cut_off(tmp_path, deed, onInterrupted="ask")
    async with running(tmp_path, deed.handler()) as engine:
        execution = await engine.watch(execution_id)
        assert execution is not None
        await until(execution, lambda: execution.record.state == "waiting")
        assert (True, "waiting") == await engine.cancel(execution_id)
        await ended(execution)
        assert ("cancelled", {"x": "interrupted", "z": "cancelled"}) == (
            execution.record.state,
            states(execution.runs),
        )
    assert 1 == len(deed.done)


@pytest.mark.parametrize(
    ("found", "state", "tries"),
    [
        (HAPPENED, "completed", [1]),
        (NOT, "failed", [1, 2]),
        (UNKNOWN, "interrupted", [1]),
        (None, "interrupted", [1]),
    ],
)
async def test_after_its_time(found: Any, state: str, tries: list[int]) -> None:
    """One that ran out of time is looked up as well; where it has not happened it is retried."""
    deed = Deed(found)
    async with running(None, deed.handler()) as engine:
        node = {"type": "deed", "timeoutSeconds": 0.05, "retries": 1}
        execution = await engine.submit(document({"x": node}), {"v": 1})
        await ended(execution)
        assert (state, tries) == (states(execution.runs)["x"], deed.done)


async def test_after_a_time_out_a_person_is_asked() -> None:
    """The same with `ask`: the execution waits for what a person says."""
    deed = Deed()
    async with running(None, deed.handler()) as engine:
        node = {"type": "deed", "timeoutSeconds": 0.05, "onInterrupted": "ask"}
        execution = await engine.submit(document({"x": node}), {"v": 1})
        await until(execution, lambda: execution.record.state == "waiting")
        deed.second = True
        (asked,) = await engine.approvals.list(ApprovalFilter())
        await engine.approvals.decide(asked.id, Decision(approved=False))
        assert "completed" == (await ended(execution)).record.state
    assert [1, 1] == deed.done


@pytest.mark.parametrize(("found", "tries"), [(NOT, [1, 2]), (HAPPENED, [1]), (UNKNOWN, [1])])
async def test_an_error_nobody_foresaw(found: Any, tries: list[int]) -> None:
    """It may have come from anywhere: with a `reconcile` the world is asked before a retry."""
    made: list[int] = []

    def look(config: Any, data: Any, key: str, since: datetime, ctx: Context) -> Outcome:
        return found  # type: ignore[no-any-return]

    @handler("risky", effect="at_most_once", reconcile=look)
    def risky(config: Config, data: Any, ctx: Context) -> Any:
        made.append(ctx.attempt)
        if ctx.attempt == 1:
            raise ConnectionResetError
        return "done"

    async with running(None, risky) as engine:
        execution = await engine.submit(document({"x": {"type": "risky", "retries": 1}}))
        await ended(execution)
        assert ("failed" if found is UNKNOWN else "completed") == execution.record.state
    assert tries == made


def test_a_reconcile_that_does_not_fit() -> None:
    """It says so when it is defined: parameters that are not five, an effect that needs none."""

    def short(config: Any, data: Any) -> Outcome:
        return UNKNOWN

    def right(config: Any, data: Any, key: str, since: datetime, ctx: Context) -> Outcome:
        return UNKNOWN

    def run(config: Config, data: Any, ctx: Context) -> Any:
        return data

    with pytest.raises(HandlerDefinitionError, match="does not take 5 parameters"):
        handler("a", effect="at_most_once", reconcile=short)(run)
    with pytest.raises(HandlerDefinitionError, match="declare the effect at_most_once"):
        handler("a", effect="keyed", reconcile=right)(run)
