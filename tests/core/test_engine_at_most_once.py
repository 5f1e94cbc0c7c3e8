"""What must not be repeated is not repeated by `retries`, be there a restart between or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.core.engines import Gate, ended, running, states, until
from tests.core.flows import document, give

from caudal_core import Config, Context, DataError, Handler, Row, handler
from caudal_core.engine.ledger import effects
from caudal_core.journal.effects import EffectFilter

TWICE = {"retries": 2}


def _sends(calls: list[int], fails: type[Exception]) -> Handler:
    @handler("send", effect="at_most_once")
    def send(config: Config, data: Any, ctx: Context) -> Any:
        calls.append(ctx.attempt)
        raise fails("no answer")

    return send


async def test_a_failure_that_is_the_end_stays_so_over_a_restart(tmp_path: Path) -> None:
    """Where attempts were left but none was to follow, none follows after a restart either."""
    calls: list[int] = []
    gate, send = Gate(), _sends(calls, RuntimeError)
    workflow = document({"x": {"type": "send", **TWICE}, "h": "held"})
    async with running(tmp_path, send, gate.handler) as engine:
        execution = await engine.submit(workflow)
        await until(execution, lambda: states(execution.runs).get("x") == "failed")
        await gate.entered.wait()
    gate.open.set()
    async with running(tmp_path, send, gate.handler) as engine:
        found = engine.live(execution.id)
        assert found is not None
        assert "failed" == (await ended(found)).record.state
        assert [("x", 1)] == [(run.node_id, run.attempt) for run in found.runs if run.error]
    assert [1] == calls


async def test_what_it_refused_itself_is_tried_again_over_a_restart(tmp_path: Path) -> None:
    """An error of the handler's own says that nothing was done: no attempt is lost or added."""
    calls: list[int] = []
    gate, send = Gate(), _sends(calls, DataError)
    node = {"type": "send", **TWICE, "retryDelaySeconds": 0.4}
    async with running(tmp_path, send, gate.handler) as engine:
        execution = await engine.submit(document({"x": node, "h": "held"}))
        await until(execution, lambda: states(execution.runs).get("x") == "failed")
        await gate.entered.wait()
    gate.open.set()
    async with running(tmp_path, send, gate.handler) as engine:
        found = engine.live(execution.id)
        assert found is not None
        await ended(found)
        view = await engine.read_back(execution.id)
        assert [1, 2, 3] == [run.attempt for run in view.runs if run.node_id == "x"]
        assert [False, False, True] == [run.settles for run in view.runs if run.node_id == "x"]
        assert all("again" not in (run.error or {}) for run in view.runs)
        assert all("again" not in (done.error or {}) for done in await effects(engine, ALL))
    assert [1, 2, 3] == calls


ALL = EffectFilter()


async def test_what_cannot_be_handed_on_is_not_sent_again(tmp_path: Path) -> None:
    """The handler had returned, so it had happened: `retries` do not repeat it."""
    calls: list[int] = []

    @handler("send", effect="at_most_once")
    def send(config: Config, data: Any, ctx: Context) -> Any:
        calls.append(ctx.attempt)
        return object()

    async with running(tmp_path, send) as engine:
        execution = await ended(await engine.submit(document({"x": {"type": "send", **TWICE}})))
        assert "failed" == execution.record.state
        (done,) = await effects(engine, ALL)
        assert not done.known, "it may have happened"
    assert [1] == calls


@pytest.mark.parametrize("raised", [DataError("bad"), ValueError("bad")], ids=["own", "other"])
async def test_records_that_went_before_are_not_sent_again(
    tmp_path: Path, raised: Exception
) -> None:
    """Where one record of many fails, those before it have happened: none is repeated."""
    sent: list[int] = []

    @handler("send", effect="at_most_once", per_row=True)
    def send(config: Config, row: Row, ctx: Context) -> Row:
        if row["v"] == 2:
            raise raised
        sent.append(row["v"])
        return row

    records = [{"v": n} for n in range(3)]
    workflow = document({"a": give(records), "x": {"type": "send", **TWICE}}, "a x")
    async with running(tmp_path, send) as engine:
        execution = await ended(await engine.submit(workflow))
        assert "failed" == execution.record.state
        (done,) = await effects(engine, ALL)
        assert not done.known, "some of it has happened"
    assert [0, 1] == sent
