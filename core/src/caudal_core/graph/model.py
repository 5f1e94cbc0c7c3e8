"""The graph that is run: checked, frozen, every look-up done before the first node starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caudal_core.config import Config
from caudal_core.handler import Handler
from caudal_core.workflow import Settings

OUTPUT = "output"
COMMENT = "comment"
MANUAL_INPUT = "manualInput"
"""The types whose name means something to the engine, as the wire contract gives it one."""

ERROR_PORT = "error"
"""The port that a node has beside its own when its `onError` is `branch`."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One connection, by the positions of its nodes."""

    source: int
    output_port: str
    target: int
    input_port: str


@dataclass(frozen=True, slots=True)
class Options:
    """How a node is run; times in seconds."""

    retries: int = 0
    retry_delay: float = 0.0
    timeout: float | None = None
    on_error: str = "fail"
    on_interrupted: str = "fail"
    on_row_error: str = "fail"


@dataclass(frozen=True, slots=True, eq=False)
class GraphNode:
    """One node with all that is needed to run it.

    `incoming` are its edges by input port, in the order of the connections; `outgoing` all edges
    that leave it. `waits` is the number of incoming edges. `input_ref` says in JSON by port which
    nodes and ports the input comes from. `package` is the handler's, with its version. `light`:
    it may be called on the event loop while its input is small. `only_port` is the input port of
    a node that a single edge leads to.
    """

    index: int
    id: str
    type: str
    label: str
    handler: Handler
    config: Config
    options: Options
    package: str
    input_ref: Mapping[str, Any] | None
    incoming: tuple[tuple[str, tuple[Edge, ...]], ...]
    outgoing: tuple[Edge, ...]
    waits: int
    notices: tuple[str, ...] = ()
    light: bool = False
    only_port: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A workflow ready to run. `document` is its JSON as it was given, `hash` that of its text.

    `size` is that of the text, in bytes.

    `plan` says in JSON what each node of an execution is: `{id: {type, label, typeVersion, package,
    input, effect?}}`, `input` by port as a list of `[node, port]`. It is kept with the execution,
    so that its record can be read when the handlers are long gone.
    """

    document: Mapping[str, Any]
    hash: str
    size: int
    workflow_id: str
    name: str
    settings: Settings
    nodes: tuple[GraphNode, ...]
    finals: tuple[int, ...]
    warnings: tuple[dict[str, Any], ...]
    plan: bytes
    plan_hash: str

    @property
    def roots(self) -> tuple[GraphNode, ...]:
        """The nodes that nothing leads to."""
        return tuple(node for node in self.nodes if not node.waits)

    def find(self, node_id: str) -> GraphNode | None:
        """The node with this id."""
        return next((node for node in self.nodes if node.id == node_id), None)
