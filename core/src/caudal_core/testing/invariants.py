"""Reads a whole journal and says which promises it breaks: for tests that kill and restart.

::

    assert [] == broken(create_engine("sqlite:///caudal-data/caudal.db"))

It reads the tables themselves, so that it does not share the mistakes of what it checks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from caudal_core.journal.records import FINISHED, SETTLED
from caudal_core.values import decode

if TYPE_CHECKING:
    import sqlalchemy

Rows = Sequence[Any]
Output = Callable[[Any, Any, Mapping[str, Any]], str | None]
"""Gets the execution's row, the run's row and the outputs by port; a text says what is wrong."""


def broken(
    database: sqlalchemy.Engine, *, output: Output = lambda *_: None, ended: bool = True
) -> list[str]:
    """What is wrong in the journal, a line each; nothing if every promise is kept.

    `output` may look at each value that is in its row; with `ended` each execution must have ended.
    """
    from sqlalchemy import select

    from caudal_core.journal import tables

    found = []
    with database.connect() as connection:
        plans = {row.hash: decode(row.json) for row in connection.execute(select(tables.plan))}
        versions = set(connection.scalars(select(tables.workflow_version.c.hash)))
        runs = defaultdict(list)
        for row in connection.execute(select(tables.node_run).order_by(tables.node_run.c.number)):
            runs[row.execution].append(row)
        for row in connection.execute(select(tables.execution)):
            mine = runs.pop(row.id, [])
            wrong = [*_execution(row, plans, versions, ended=ended)]
            if row.plan_hash in plans:
                wrong += _runs(row, mine, plans[row.plan_hash])
            wrong += [text for run in mine if (text := _output(row, run, output))]
            found += [f"execution {row.id} ({row.state}): {text}" for text in wrong]
    return found + [f"runs without their execution {key}" for key in runs]


def _execution(
    row: Any, plans: Mapping[str, Any], versions: set[str], *, ended: bool
) -> Iterator[str]:
    if row.plan_hash not in plans:
        yield "its plan is not there"
    if row.workflow_hash not in versions:
        yield "its workflow's version is not there"
    if row.state not in FINISHED:
        if ended:
            yield "it was accepted and has not ended"
        return
    if row.completed is None:
        yield "it has ended at no time"
    if (row.error is not None) != (row.state == "failed"):
        yield f"its error is {row.error!r}"


def _runs(row: Any, runs: Rows, plan: Mapping[str, Any]) -> Iterator[str]:
    by_node = defaultdict(list)
    for run in runs:
        by_node[run.node, run.generation].append(run)
        if run.epoch > row.epoch:
            yield f"{run.node} was written in the epoch {run.epoch}, beyond {row.epoch}"
    numbers = [run.seq for run in runs if run.seq]
    if len(numbers) != len(set(numbers)):
        yield "two records have one number"
    for (node, _), attempts in by_node.items():
        yield from _attempts(node, attempts)
    if row.state in FINISHED and runs:
        yield from _last(row, {node: runs[-1] for (node, _), runs in by_node.items()}, plan)
    yield from _order(runs, plan)


def _attempts(node: str, runs: Rows) -> Iterator[str]:
    """A result is a node's last record; only what failed is followed by another attempt."""
    if [run.attempt for run in runs] != list(range(1, len(runs) + 1)):
        yield f"{node} has the attempts {[run.attempt for run in runs]}"
    for run in runs[:-1]:
        if run.state != "failed":
            yield f"{node} began again after it was recorded as {run.state}"


def _last(row: Any, last: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[str]:
    """What has ended has a result of every node, and its counts are those of these."""
    states = {node: run.state for node, run in last.items()}
    if missing := plan.keys() - states.keys():
        yield f"it has ended without a record of {', '.join(sorted(missing))}"
    for node, state in states.items():
        if state not in SETTLED:
            yield f"it has ended, and {node} is {state}"
        if row.state == "completed" and state in ("cancelled", "interrupted"):
            yield f"it is completed, and {node} is {state}"
    done = sum(state in ("completed", "skipped") for state in states.values())
    if row.state == "completed" and done != row.completed_nodes:
        yield f"{done} nodes are done, and it counts {row.completed_nodes}"


def _order(runs: Rows, plan: Mapping[str, Any]) -> Iterator[str]:
    """No node is recorded before what it depends on."""
    settled = {run.node: run.seq for run in runs if run.state in SETTLED}
    for run in runs:
        if run.state not in ("completed", "failed"):
            continue
        for source in _sources(plan.get(run.node, {})):
            if settled.get(source, run.seq) >= run.seq:
                yield f"{run.node} is recorded before {source}, which it depends on"


def _sources(planned: Mapping[str, Any]) -> set[str]:
    inputs = planned.get("input") or {}
    return {source for sources in inputs.values() for source, _ in sources}


def _output(row: Any, run: Any, output: Output) -> str | None:
    if run.state != "completed" or run.ports is None or run.output is None:
        return None
    ports = run.ports.split(",")
    value = decode(run.output)
    elsewhere = decode(run.output_ref) if run.output_ref else {}
    values = {ports[0]: value} if len(ports) == 1 else value
    here = {port: found for port, found in values.items() if "hash" not in elsewhere.get(port, {})}
    wrong = output(row, run, here) if here else None
    return f"{run.node}: {wrong}" if wrong else None
