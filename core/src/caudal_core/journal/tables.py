"""The tables of the journal and the store, once for every database.

Times are seconds since 1970 in UTC. JSON is kept as bytes in journal form (`caudal_core.values`).
"""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text, text

SCHEMA_VERSION = 1

metadata = MetaData()

about = Table(
    "about",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

workflow_version = Table(
    "workflow_version",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("json", LargeBinary, nullable=False),
    Column("created", Float, nullable=False),
)

plan = Table(
    "plan",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("json", LargeBinary, nullable=False),
)
"""What the nodes of an execution were when it was accepted (`Graph.plan`)."""

workflow = Table(
    "workflow",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("organization", Text),
    Column("created", Float, nullable=False),
    Column("deleted", Float),
)

execution = Table(
    "execution",
    metadata,
    Column("id", Text, primary_key=True),
    Column("organization", Text),
    Column("workflow_id", Text, nullable=False),
    Column("workflow_name", Text, nullable=False),
    Column("workflow_hash", Text, nullable=False),
    Column("plan_hash", Text, nullable=False),
    Column("inputs", LargeBinary),
    Column("inputs_ref", Text),
    Column("labels", LargeBinary),
    Column("state", Text, nullable=False),
    Column("owner", Text),
    Column("epoch", Integer, nullable=False),
    Column("cancel_requested", Float),
    Column("deadline", Float),
    Column("client_key", Text, unique=True),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("completed", Float),
    Column("total_nodes", Integer, nullable=False),
    Column("completed_nodes", Integer, nullable=False),
    Column("failed_nodes", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("final", LargeBinary),
    Column("final_info", LargeBinary),
    Column("error", Text),
    Column("parent", Text),
    Column("edited_input", LargeBinary),
    Column("client_hash", Text),
    Column("origin", Text),
    Index("execution_by_workflow", "workflow_id", "created"),
    Index("execution_by_created", "created"),
    Index("execution_by_state", "state", "created"),
    Index(
        "execution_by_organization",
        "organization",
        "created",
        sqlite_where=text("organization IS NOT NULL"),
        postgresql_where=text("organization IS NOT NULL"),
    ),
    Index(
        "execution_by_parent",
        "parent",
        sqlite_where=text("parent IS NOT NULL"),
        postgresql_where=text("parent IS NOT NULL"),
    ),
)

node_run = Table(
    "node_run",
    metadata,
    Column("execution", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("idempotency_key", Text),
    Column("ports", Text),
    Column("output", LargeBinary),
    Column("output_ref", LargeBinary),
    Column("message", Text),
    Column("report", LargeBinary),
    Column("notes", LargeBinary),
    Column("error", LargeBinary),
    Column("started", Float),
    Column("duration", Float),
    Column("reused", Text),
    sqlite_with_rowid=False,
)
Index(
    "effect_by_started",
    node_run.c.started,
    sqlite_where=node_run.c.idempotency_key.is_not(None),
    postgresql_where=node_run.c.idempotency_key.is_not(None),
)
"""One attempt at one node. `number` counts the attempts of an execution in the order in which they
began, so that rows are added at the end of the tree; what the node is, the plan says. `reused`
names the execution in which it ran, where a retry or a replay took its result over."""

timer = Table(
    "timer",
    metadata,
    Column("execution", Text, primary_key=True),
    Column("node", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("due", Float),
    Column("about", LargeBinary),
    Index("timer_by_due", "due"),
    Index(
        "timer_to_wake",
        "execution",
        sqlite_where=text("kind = 'wake'"),
        postgresql_where=text("kind = 'wake'"),
    ),
)
"""What an execution waits for; see `caudal_core.journal.waits.Timer`."""

trigger_event = Table(
    "trigger_event",
    metadata,
    Column("trigger", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("execution", Text),
    Column("planned", Float),
    Column("created", Float, nullable=False),
    Column("skipped", Text),
    Index("trigger_event_by_created", "trigger", "created"),
    Index("trigger_event_by_execution", "execution"),
)
"""What a trigger has told of, each key once, and the execution that it started; null where it
started none, and why."""

trigger_state = Table(
    "trigger_state",
    metadata,
    Column("trigger", Text, primary_key=True),
    Column("config", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("last", Float),
)
"""How far a trigger is: the hash of the config that it listens with (empty: it does not), since
when, and the last planned time that was recorded."""

trigger_pause = Table(
    "trigger_pause",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("since", Float, nullable=False),
)
"""What is paused: `all`, `workflow ID` or `trigger ID`."""

trigger_lease = Table(
    "trigger_lease",
    metadata,
    Column("trigger", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Float, nullable=False),
)
"""Which server listens for a trigger, and until when, by the database's clock."""

approval = Table(
    "approval",
    metadata,
    Column("id", Text, primary_key=True),
    Column("execution", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("node_label", Text, nullable=False),
    Column("workflow_id", Text, nullable=False),
    Column("workflow_name", Text, nullable=False),
    Column("organization", Text),
    Column("kind", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("due", Float),
    Column("state", Text, nullable=False),
    Column("decided", Float),
    Column("decided_by", Text),
    Column("comment", Text),
    Column("data", LargeBinary),
    Index("approval_by_state", "state", "id"),
    Index("approval_by_execution", "execution"),
)
"""What people are asked, and how they decided."""

node_state = Table(
    "node_state",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("node", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("execution", Text, nullable=False),
    Column("changed", Float, nullable=False),
)
"""What a node of a workflow keeps between executions, and which one wrote it."""

notice = Table(
    "notice",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("execution", Text),
    Column("workflow_id", Text),
    Column("organization", Text),
    Column("cause", Text),
    Column("count", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("due", Float),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("told", LargeBinary),
    Index("notice_by_execution", "execution"),
    Index("notice_by_state", "state"),
)
"""Who is to be told of what (`caudal_core.journal.notice`). It is written in the transaction of
what it tells of; a callback's row stays as long as its execution, any other until it is told."""

server = Table(
    "server",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("started", Float, nullable=False),
    Column("lease_until", Float, nullable=False),
)
"""The servers that have executions, where several share a database, and until when each is believed
to live, by the database's clock. An owner that is not here has lost what it had."""

Index(
    "execution_to_cancel",
    execution.c.owner,
    sqlite_where=execution.c.cancel_requested.is_not(None) & execution.c.completed.is_(None),
    postgresql_where=execution.c.cancel_requested.is_not(None) & execution.c.completed.is_(None),
)
