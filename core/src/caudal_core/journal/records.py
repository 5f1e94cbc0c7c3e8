"""What is known of an execution and of a node's run, the same live and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from caudal_core.notes import Notes
from caudal_core.payload import Payload

ExecutionState = Literal["pending", "running", "waiting", "completed", "failed", "cancelled"]
NodeState = Literal[
    "pending", "running", "waiting", "completed", "failed", "skipped", "cancelled", "interrupted"
]
OPEN = ("pending", "running", "waiting")
"""The states of executions that have not ended."""

FINISHED = frozenset(("completed", "failed", "cancelled"))
SETTLED = frozenset(("completed", "failed", "skipped", "cancelled", "interrupted"))


@dataclass(slots=True, eq=False)
class ExecutionRecord:
    """One execution. What has not been committed yet is not in here.

    `final` is the final output in journal form (a preview, if `final_info` says so). Times are
    seconds since 1970. `edited_input` is there only while the execution is being accepted.
    `origin` is `notice` where the execution tells of another one; nobody is told of its failure.
    """

    id: str
    workflow_id: str
    workflow_name: str
    workflow_hash: str
    plan_hash: str
    total_nodes: int
    created: float
    organization: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    state: ExecutionState = "pending"
    epoch: int = 1
    started: float | None = None
    completed: float | None = None
    completed_nodes: int = 0
    failed_nodes: int = 0
    seq: int = 0
    final: bytes | None = None
    final_info: bytes | None = None
    error: str | None = None
    parent: str | None = None
    cancel_requested: float | None = None
    client_key: str | None = None
    client_hash: str | None = None
    edited_input: bytes | None = None
    origin: str | None = None

    def end(self, ending: Ending) -> None:
        """It has ended, and that is committed."""
        self.state, self.completed = ending.state, ending.completed
        self.completed_nodes, self.failed_nodes = ending.completed_nodes, ending.failed_nodes
        self.seq, self.error = ending.seq, ending.error
        self.final, self.final_info = ending.final, ending.final_info

    @property
    def finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in FINISHED

    @property
    def percentage(self) -> int:
        """How much is done; 100 only at the end of a completed execution."""
        if self.state == "completed":
            return 100
        return min(99, 100 * (self.completed_nodes + self.failed_nodes) // (self.total_nodes or 1))


class Ending(NamedTuple):
    """How an execution ended, as fields of its record; they come true once that is committed."""

    state: ExecutionState
    completed: float
    completed_nodes: int
    failed_nodes: int
    seq: int
    final: bytes | None
    final_info: bytes | None
    error: str | None


class PlannedNode(Protocol):
    """What a run must know of its node; a `GraphNode` is one."""

    @property
    def id(self) -> str:
        """The node's id in its workflow."""

    @property
    def type(self) -> str:
        """The type that names its handler."""

    @property
    def label(self) -> str:
        """What people call it."""


class NodeRun:
    """One attempt at one node.

    `state` is what has happened, `shown` what may be told: it follows once the record is committed.
    `outputs` are the payloads by the ports taken; read back, a large one has its preview as data
    and the blob's name in `ref`. `input` is what came in, merged by port (null: not kept here).
    `again`: it failed and another attempt follows; such a one never `settles`, and of a restored
    execution none does before it is found to be its node's last. `number` counts the runs of
    the execution in the order in which they began; `owner` is the live execution. `key` is the
    idempotency key of an effect, `reply` how a wait ended that it had asked for. `reused` names the
    execution in which it ran, where that was another one.
    """

    attempt: int = 1
    generation: int = 0
    epoch: int = 1
    seq: int = 0
    state: NodeState = "running"
    shown: NodeState = "running"
    duration: float | None = None
    input: Mapping[str, Payload] | None = None
    outputs: dict[str, Payload] | None = None
    message: str | None = None
    report: bytes = b"{}"
    error: dict[str, Any] | None = None
    settles: bool = True
    again: bool = False
    owner: Any = None
    ctx: Any = None
    key: str | None = None
    reply: Any = None
    stored_notes: Notes | None = None
    reused: str | None = None

    def __init__(
        self, execution_id: str, node: PlannedNode, number: int, started: float | None
    ) -> None:
        self.execution_id = execution_id
        self.node = node
        self.number = number
        self.started = started

    @property
    def id(self) -> str:
        """Names this attempt among all."""
        return f"{self.execution_id}:{self.node.id}:{self.generation}.{self.attempt}"

    @property
    def node_id(self) -> str:
        """The node's id in its workflow."""
        return self.node.id

    @property
    def type(self) -> str:
        """The node's type."""
        return self.node.type

    @property
    def label(self) -> str:
        """What people call the node."""
        return self.node.label

    @property
    def notes(self) -> Notes | None:
        """What the node has said so far, if anything."""
        return self.ctx.said if self.ctx is not None else self.stored_notes

    def rest(self) -> None:
        """Nothing more will happen: of its context only the log stays.

        It knows its execution no longer, so that no circle of references keeps both.
        """
        self.owner = None
        if self.ctx is None:
            return
        notes = self.ctx.said
        self.ctx = None
        if notes is not None:
            notes.changed = None
        if notes is not None and notes.log:
            self.stored_notes = notes
