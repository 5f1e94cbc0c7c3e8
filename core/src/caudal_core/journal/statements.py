"""The journal's writes, as SQL made from the tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Delete,
    Insert,
    Table,
    Update,
    bindparam,
    delete,
    exists,
    insert,
    literal_column,
    null,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
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
    TRIGGER_EVENT: Final = 10
    TRIGGER_STATE: Final = 11
    TRIGGER_LAST: Final = 12
    TRIGGER_PAUSE: Final = 13
    TRIGGER_RESUME: Final = 14
    PARK: Final = 15
    TIMER: Final = 16
    NO_TIMER: Final = 17
    WOKEN: Final = 18
    NO_TIMERS: Final = 19
    APPROVAL: Final = 20
    DECIDE: Final = 21
    NODE_STATE: Final = 22
    NOTICE: Final = 23
    DROP_NOTICE: Final = 24
    UNUSED: Final = 25
    ERASE_RUNS: Final = 26
    ERASE_EXECUTION: Final = 27
    ERASE_VERSION: Final = 28
    ERASE_PLAN: Final = 29
    ERASE_EVENT: Final = 30
    KEEP_KEY: Final = 31
    ERASE_REST: Final = 32
    """The first of `erasures()`; what comes after it must be counted from its end."""


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
    "client_key",
    "created",
    "total_nodes",
    "completed_nodes",
    "failed_nodes",
    "seq",
    "parent",
    "edited_input",
    "client_hash",
    "origin",
)
"""In the order of the table, as that is the order in which an insert names its columns."""
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
NOTICE = tuple(column.name for column in tables.notice.columns)
NODE = tuple(column.name for column in tables.node_run.columns)
"""The columns of each row in the order in which its values come; ids follow for updates."""


ToSql = Callable[[Any], str]


def statements(to_sql: ToSql | None = None) -> list[str]:
    """The SQL of every `Statement`, for SQLite, with `?` for each value, unless said otherwise."""
    made = clauses()
    return [(to_sql or _sql)(made[number]) for number in range(len(made))]


def clauses() -> dict[int, Any]:
    """Every `Statement` for any database; the order of its values is that of its parameters."""
    key: BindParameter[str] = bindparam("key")
    by_id = tables.execution.c.id == key
    workflow = tables.workflow
    state, pause = tables.trigger_state, tables.trigger_pause
    of_trigger = state.c.trigger == key
    deletion = update(workflow).where(workflow.c.id == key).values(deleted=bindparam("deleted"))
    made: dict[int, Any] = {
        Statement.WORKFLOW_VERSION: insert(tables.workflow_version).prefix_with("OR IGNORE"),
        Statement.WORKFLOW: _replace(workflow, [c.name for c in workflow.columns]),
        Statement.DELETE_WORKFLOW: deletion,
        Statement.ACCEPT: _keep(tables.execution, ACCEPT),
        Statement.NODE: _replace(tables.node_run, NODE),
        Statement.CANCEL: _update(("cancel_requested",)).where(by_id),
        Statement.FINISH: _update(FINISH).where(by_id),
        Statement.START: _update(("state", "started")).where(by_id),
        Statement.CLAIM: _update(("epoch", "owner")).where(by_id),
        Statement.NOTICE: _replace(tables.notice, NOTICE),
        Statement.DROP_NOTICE: delete(tables.notice).where(tables.notice.c.id == key),
        Statement.PLAN: insert(tables.plan).prefix_with("OR IGNORE"),
        Statement.TRIGGER_EVENT: insert(tables.trigger_event).prefix_with("OR IGNORE"),
        Statement.TRIGGER_STATE: _replace(state, [c.name for c in state.columns]),
        Statement.TRIGGER_LAST: update(state).where(of_trigger).values(last=bindparam("planned")),
        Statement.TRIGGER_PAUSE: insert(pause).prefix_with("OR IGNORE"),
        Statement.TRIGGER_RESUME: delete(pause).where(pause.c.scope == key),
        **_waiting(),
        Statement.UNUSED: _replace(tables.about, [c.name for c in tables.about.columns]),
        Statement.ERASE_RUNS: _erase_runs(),
        Statement.ERASE_EXECUTION: delete(tables.execution).where(
            by_id, tables.execution.c.completed.is_not(None)
        ),
        Statement.ERASE_VERSION: delete(tables.workflow_version).where(
            tables.workflow_version.c.hash == key,
            ~exists().where(workflow.c.hash == tables.workflow_version.c.hash),
        ),
        Statement.ERASE_PLAN: delete(tables.plan).where(tables.plan.c.hash == key),
        Statement.ERASE_EVENT: _erase_event(),
        Statement.KEEP_KEY: _keep_key(),
    }
    for number, table in erasures().items():
        made[number] = delete(table).where(table.c.execution == key)
    return made


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


def erasures() -> dict[int, Table]:
    """Whatever else is kept of an execution: every table with a column of its name."""
    found = [t for t in tables.metadata.sorted_tables if "execution" in t.c]
    # A state belongs to its workflow; a key outlives what it started (`_keep_key`).
    own = (tables.node_run, tables.node_state, tables.trigger_event)
    rest = [table for table in found if table not in own]
    return dict(enumerate(rest, Statement.ERASE_REST))


def _erase_event() -> Delete:
    """One that started nothing, by its trigger and its key."""
    event = tables.trigger_event.c
    mine = event.trigger == bindparam("trigger_id"), event.key == bindparam("event_key")
    return delete(tables.trigger_event).where(*mine, event.execution.is_(None))


def _keep_key() -> Update:
    """The event of an execution that is deleted stays, as one that starts nothing any more."""
    event = tables.trigger_event
    mine: BindParameter[str] = bindparam("execution_id")
    changed = update(event).ordered_values(
        (event.c.execution, null()), (event.c.skipped, bindparam("why"))
    )
    return changed.where(event.c.execution == mine)


def _erase_runs() -> Delete:
    """Those of an execution whose numbers are below a bound."""
    run = tables.node_run.c
    mine: BindParameter[str] = bindparam("execution_id")
    return delete(tables.node_run).where(run.execution == mine, run.number < bindparam("bound"))


VERSION_TABLE = (
    "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
)
VERSION = "INSERT INTO alembic_version SELECT {} WHERE NOT EXISTS (SELECT 1 FROM alembic_version)"
"""As what brings a database from one version to the next keeps it (see `journal.schema`)."""


def schema(to_sql: ToSql | None = None) -> list[str]:
    """What brings the tables into being where they are not there yet."""
    found, sql = [], to_sql or _sql
    for table in tables.metadata.sorted_tables:
        found.append(sql(CreateTable(table, if_not_exists=True)))
        found += [sql(CreateIndex(index, if_not_exists=True)) for index in table.indexes]
    return [*found, VERSION_TABLE, VERSION.format(f"'{tables.SCHEMA_VERSION:04d}'")]


def _replace(table: Table, columns: tuple[str, ...] | list[str]) -> Insert:
    values: dict[str, BindParameter[Any]] = {name: bindparam(name) for name in columns}
    return insert(table).prefix_with("OR REPLACE").values(values)


def _keep(table: Table, columns: tuple[str, ...]) -> Insert:
    """Leaves a row that is there as it is; what else a row may break is still an error."""
    values: dict[str, BindParameter[Any]] = {name: bindparam(name) for name in columns}
    return postgresql.insert(table).values(values).on_conflict_do_nothing()  # SQLite's words too


def _update(columns: tuple[str, ...]) -> Update:
    return _set(tables.execution, columns)


def _set(table: Table, columns: tuple[str, ...]) -> Update:
    """Sets the columns in the order in which they are named, not in that of the table."""
    pairs: list[tuple[Any, BindParameter[Any]]] = [
        (table.c[name], bindparam(name)) for name in columns
    ]
    return update(table).ordered_values(*pairs)


def _sql(clause: Any) -> str:
    dialect: Callable[..., Any] = sqlite.dialect
    return str(clause.compile(dialect=dialect(paramstyle="qmark")))
