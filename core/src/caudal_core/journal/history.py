"""Reading executions back. Everything here blocks: call it in a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Engine, Row, Select, func, select

from caudal_core.journal.effects import Effects
from caudal_core.journal.elsewhere import Elsewhere
from caudal_core.journal.filters import Filter, filtered
from caudal_core.journal.notice import ARMED, CALLBACK, DUE, Notice
from caudal_core.journal.records import OPEN, ExecutionRecord, NodeRun
from caudal_core.journal.rows import notes_of, outputs_of, restore_error
from caudal_core.journal.states import NodeStates
from caudal_core.journal.tables import execution, node_run, notice, plan
from caudal_core.journal.waits import Waits
from caudal_core.payload import NO_REPORT
from caudal_core.values import decode

PLANS_KEPT = 64

_RECORD = (
    execution.c.id,
    execution.c.workflow_id,
    execution.c.workflow_name,
    execution.c.workflow_hash,
    execution.c.plan_hash,
    execution.c.total_nodes,
    execution.c.created,
    execution.c.organization,
    execution.c.labels,
    execution.c.state,
    execution.c.epoch,
    execution.c.started,
    execution.c.completed,
    execution.c.completed_nodes,
    execution.c.failed_nodes,
    execution.c.seq,
    execution.c.final,
    execution.c.final_info,
    execution.c.error,
    execution.c.parent,
    execution.c.cancel_requested,
    execution.c.client_key,
    execution.c.client_hash,
    execution.c.origin,
)


@dataclass(frozen=True, slots=True)
class StoredNode:
    """What a node was when its execution was accepted; `input` by port as `[node, port]` lists."""

    id: str
    type: str
    label: str
    input: Mapping[str, Any] | None = None
    effect: str | None = None

    @classmethod
    def of(cls, node_id: str, plan: Mapping[str, Any]) -> StoredNode:
        """From its entry in the plan."""
        return cls(node_id, plan["type"], plan["label"], plan["input"], plan.get("effect"))


class Edited(NamedTuple):
    """The input, by port, that a replay gave a node in place of what led to it."""

    node: str
    ports: Mapping[str, Any]


class History:
    """The executions that the database knows."""

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._plans: dict[str, Mapping[str, StoredNode]] = {}
        self.waits = Waits(database)
        self.states = NodeStates(database)
        self.effects = Effects(database, self.plan)
        self.elsewhere = Elsewhere(database)

    def execution(self, execution_id: str) -> ExecutionRecord | None:
        """One execution, or nothing."""
        found = self._records(select(*_RECORD).where(execution.c.id == execution_id))
        return found[0] if found else None

    def asked_for(self, client_key: str) -> tuple[str, str | None] | None:
        """The execution that was asked for under this key, and the digest of what was asked."""
        columns = execution.c.id, execution.c.client_hash
        query = select(*columns).where(execution.c.client_key == client_key)
        with self._database.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row[0], row[1])

    def executions(self, wanted: Filter) -> list[ExecutionRecord]:
        """A page of executions, newest first."""
        query = filtered(select(*_RECORD), wanted, self._database)
        if wanted.before:
            created, last = wanted.before
            older = (execution.c.created < created) | (
                (execution.c.created == created) & (execution.c.id < last)
            )
            query = query.where(older)
        order = execution.c.created.desc(), execution.c.id.desc()
        return self._records(query.order_by(*order).limit(wanted.limit))

    def count(self, wanted: Filter) -> int:
        """How many executions there are of this kind, whatever the page."""
        with self._database.connect() as connection:
            query = filtered(select(func.count()).select_from(execution), wanted, self._database)
            return int(connection.execute(query).scalar_one())

    def open_states(self) -> dict[str, tuple[int, float]]:
        """By state how many executions have not ended, and when the oldest was accepted."""
        state, oldest = execution.c.state, func.min(execution.c.created)
        query = select(state, func.count(), oldest).where(state.in_(OPEN)).group_by(state)
        with self._database.connect() as connection:
            return {row[0]: (row[1], row[2]) for row in connection.execute(query)}

    def unfinished(self) -> list[str]:
        """The ids of executions that have not ended and do not wait, oldest first."""
        open_states = execution.c.state.in_(("pending", "running"))
        query = select(execution.c.id).where(open_states).order_by(execution.c.created)
        with self._database.connect() as connection:
            return list(connection.execute(query).scalars())

    def inputs(self, execution_id: str) -> tuple[Any, str | None]:
        """What an execution was given: the value, or the name of its blob."""
        columns = execution.c.inputs, execution.c.inputs_ref
        with self._database.connect() as connection:
            row = connection.execute(select(*columns).where(execution.c.id == execution_id)).first()
        return ({}, None) if row is None else _inputs(row[0], row[1])

    def several(self, identities: Sequence[str]) -> dict[str, ExecutionRecord]:
        """Those of these executions that there are."""
        found = self._records(select(*_RECORD).where(execution.c.id.in_(identities)))
        return {record.id: record for record in found}

    def inputs_of_several(self, identities: Sequence[str]) -> dict[str, tuple[Any, str | None]]:
        """What each execution was given, as `inputs` says it."""
        query = select(execution.c.id, execution.c.inputs, execution.c.inputs_ref)
        with self._database.connect() as connection:
            rows = connection.execute(query.where(execution.c.id.in_(identities)))
            return {row[0]: _inputs(row[1], row[2]) for row in rows}

    def runs_of_several(self, records: Sequence[ExecutionRecord]) -> dict[str, list[NodeRun]]:
        """The runs of each execution in the order in which they began."""
        plans = {record.id: self.plan(record.plan_hash) for record in records}
        found: dict[str, list[NodeRun]] = {key: [] for key in plans}
        query = select(*node_run.columns).where(node_run.c.execution.in_(list(plans)))
        with self._database.connect() as connection:
            for row in connection.execute(query.order_by(node_run.c.execution, node_run.c.number)):
                found[row.execution].append(_run(row, plans[row.execution]))
        return found

    def edited(self, execution_id: str) -> Edited | None:
        """The node whose input a replay was given, and that input by port."""
        query = select(execution.c.edited_input).where(execution.c.id == execution_id)
        with self._database.connect() as connection:
            text = connection.execute(query).scalar_one_or_none()
        if text is None:
            return None
        found = decode(text)
        return Edited(found["node"], found["ports"])

    def retries(self, execution_id: str) -> list[str]:
        """The ids of the retries and replays of an execution, oldest first."""
        query = select(execution.c.id).where(execution.c.parent == execution_id)
        with self._database.connect() as connection:
            order = execution.c.created, execution.c.id
            return list(connection.execute(query.order_by(*order)).scalars())

    def notices(self) -> list[Notice]:
        """What is still to be told, or may have to be."""
        query = select(*notice.columns).where(notice.c.state.in_((ARMED, DUE)))
        with self._database.connect() as connection:
            return [Notice(*row) for row in connection.execute(query.order_by(notice.c.created))]

    def notice(self, notice_id: str) -> Notice | None:
        """One of them, as it is now."""
        query = select(*notice.columns).where(notice.c.id == notice_id)
        with self._database.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else Notice(*row)

    def callback(self, execution_id: str) -> Notice | None:
        """Who is called when an execution has ended, and how that went."""
        query = select(*notice.columns).where(
            notice.c.execution == execution_id, notice.c.kind == CALLBACK
        )
        with self._database.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else Notice(*row)

    def runs(self, record: ExecutionRecord, *, last: int | None = None) -> list[NodeRun]:
        """The runs of an execution in the order in which they began; `last` keeps the latest."""
        query = select(*node_run.columns).where(node_run.c.execution == record.id)
        if last is None:
            query = query.order_by(node_run.c.number)
        else:
            query = query.order_by(node_run.c.number.desc()).limit(last)
        nodes = self.plan(record.plan_hash)
        with self._database.connect() as connection:
            found = [_run(row, nodes) for row in connection.execute(query)]
        return found if last is None else found[::-1]

    def plan(self, digest: str) -> Mapping[str, StoredNode]:
        """What the nodes of an execution were, by id."""
        found = self._plans.get(digest)
        if found is None:
            query = select(plan.c.json).where(plan.c.hash == digest)
            with self._database.connect() as connection:
                text = connection.execute(query).scalar_one_or_none()
            nodes = decode(text) if text is not None else {}
            found = {key: StoredNode.of(key, node) for key, node in nodes.items()}
            if len(self._plans) >= PLANS_KEPT:
                self._plans.clear()
            self._plans[digest] = found
        return found

    def _records(self, query: Select[Any]) -> list[ExecutionRecord]:
        with self._database.connect() as connection:
            return [_record(row) for row in connection.execute(query)]


def _inputs(value: bytes | None, ref: str | None) -> tuple[Any, str | None]:
    if value is None and ref is None:
        return {}, None
    return (None if value is None else decode(value)), ref


def _record(row: Row[Any]) -> ExecutionRecord:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    values["labels"] = decode(values["labels"]) if values["labels"] else {}
    return ExecutionRecord(**values)


def _run(row: Row[Any], nodes: Mapping[str, StoredNode]) -> NodeRun:
    node = nodes.get(row.node) or StoredNode(row.node, "", row.node)
    run = NodeRun(row.execution, node, row.number, row.started)
    run.attempt, run.generation, run.epoch = row.attempt, row.generation, row.epoch
    run.seq, run.state, run.shown = row.seq, row.state, row.state
    run.duration = row.duration
    run.outputs = outputs_of(row.ports, row.output, row.output_ref)
    run.message = row.message
    run.key = row.idempotency_key
    run.report = row.report or NO_REPORT
    restore_error(run, row.error)
    run.stored_notes = notes_of(row.notes)
    run.reused = row.reused
    return run
