"""The journal's writes, as SQL made from the tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Insert,
    Table,
    Update,
    bindparam,
    delete,
    insert,
    literal_column,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from caudal_core.journal import tables


class Statement:
    """Every kind of write; its number is its place in `statements()`.

    Plain numbers, as they are sent to the writer by the thousand.
    """

    WORKFLOW_VERSION: Final = 0
    WORKFLOW: Final = 1
    DELETE_WORKFLOW: Final = 2
    ACCEPT: Final = 3
    NODE: Final = 4
    CANCEL: Final = 5
    FINISH: Final = 6
    PLAN: Final = 7
    CLAIM: Final = 8
    START: Final = 9
    GIVE_UP: Final = 10
    PARK: Final = 11
    TIMER: Final = 12
    NO_TIMER: Final = 13
    WOKEN: Final = 14
    NO_TIMERS: Final = 15
    APPROVAL: Final = 16
    DECIDE: Final = 17
    NODE_STATE: Final = 18


ACCEPT = (
    "id",
    "organization",
    "workflow_id",
    "workflow_name",
    "workflow_hash",
    "plan_hash",
    "inputs",
    "inputs_ref",
    "labels",
    "state",
    "owner",
    "epoch",
    "created",
    "total_nodes",
    "completed_nodes",
    "failed_nodes",
    "seq",
    "parent",
)
FINISH = (
    "state",
    "started",
    "completed",
    "completed_nodes",
    "failed_nodes",
    "seq",
    "final",
    "final_info",
    "error",
)
PARK = ("state", "owner", "deadline", "completed_nodes", "failed_nodes", "seq")
DECIDE = ("state", "decided", "decided_by", "comment", "data")
NODE = tuple(column.name for column in tables.node_run.columns)
"""The columns of each row in the order in which its values come; ids follow for updates."""


def statements() -> list[str]:
    """The SQL of every `Statement`, for SQLite, with `?` for each value."""
    key: BindParameter[str] = bindparam("key")
    by_id = tables.execution.c.id == key
    workflow = tables.workflow
    deletion = update(workflow).where(workflow.c.id == key).values(deleted=bindparam("deleted"))
    made: dict[int, Any] = {
        Statement.WORKFLOW_VERSION: insert(tables.workflow_version).prefix_with("OR IGNORE"),
        Statement.WORKFLOW: _replace(workflow, [c.name for c in workflow.columns]),
        Statement.DELETE_WORKFLOW: deletion,
        Statement.ACCEPT: _replace(tables.execution, ACCEPT),
        Statement.NODE: _replace(tables.node_run, NODE),
        Statement.CANCEL: _update(("cancel_requested",)).where(by_id),
        Statement.FINISH: _update(FINISH).where(by_id),
        Statement.GIVE_UP: _update(("state", "completed", "error")).where(by_id),
        Statement.START: _update(("state", "started")).where(by_id),
        Statement.CLAIM: _update(("epoch", "owner")).where(by_id),
        Statement.PLAN: insert(tables.plan).prefix_with("OR IGNORE"),
        **_waiting(),
    }
    return [_sql(made[number]) for number in range(len(made))]


def _waiting() -> dict[int, Any]:
    """What is written of executions that wait, and of what nodes keep.

    A timer is deleted by its node, all of an execution with it, and a `wake` only if it is the one
    that was seen. An approval is decided once: the first decision stays.
    """
    timer, approval = tables.timer, tables.approval
    of: Any = timer.c.execution == bindparam("execution")
    node: Any = timer.c.node == bindparam("node")
    seen: Any = (timer.c.kind == bindparam("kind")) & (timer.c.due == bindparam("due"))
    undecided = (approval.c.id == bindparam("key")) & (approval.c.state == literal_column("'open'"))
    return {
        Statement.PARK: _update(PARK).where(tables.execution.c.id == bindparam("key")),
        Statement.TIMER: _replace(timer, [c.name for c in timer.columns]),
        Statement.NO_TIMER: delete(timer).where(of, node),
        Statement.WOKEN: delete(timer).where(of, seen),
        Statement.NO_TIMERS: delete(timer).where(of),
        Statement.APPROVAL: insert(approval).prefix_with("OR IGNORE"),
        Statement.DECIDE: _set(approval, DECIDE).where(undecided),
        Statement.NODE_STATE: _replace(tables.node_state, [*tables.node_state.columns.keys()]),
    }


def schema() -> list[str]:
    """What brings the tables into being where they are not there yet."""
    found = []
    for table in tables.metadata.sorted_tables:
        found.append(_sql(CreateTable(table, if_not_exists=True)))
        found += [_sql(CreateIndex(index, if_not_exists=True)) for index in table.indexes]
    version = insert(tables.about).prefix_with("OR IGNORE")
    text = _sql(version.values(key="schema", value=str(tables.SCHEMA_VERSION)), literal=True)
    return [*found, text]


def _replace(table: Table, columns: tuple[str, ...] | list[str]) -> Insert:
    values: dict[str, BindParameter[Any]] = {name: bindparam(name) for name in columns}
    return insert(table).prefix_with("OR REPLACE").values(values)


def _update(columns: tuple[str, ...]) -> Update:
    return _set(tables.execution, columns)


def _set(table: Table, columns: tuple[str, ...]) -> Update:
    """Sets the columns in the order in which they are named, not in that of the table."""
    pairs: list[tuple[Any, BindParameter[Any]]] = [
        (table.c[name], bindparam(name)) for name in columns
    ]
    return update(table).ordered_values(*pairs)


def _sql(clause: Any, *, literal: bool = False) -> str:
    dialect: Callable[..., Any] = sqlite.dialect
    options = {"literal_binds": True} if literal else {}
    return str(clause.compile(dialect=dialect(paramstyle="qmark"), compile_kwargs=options))
