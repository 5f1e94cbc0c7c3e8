"""Which port each connection leaves and which it enters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from caudal_core.graph.model import ERROR_PORT
from caudal_core.graph.problems import Problem, Suggestions, pointer, problem
from caudal_core.graph.reading import Reading
from caudal_core.registry import Registered
from caudal_core.workflow import Connection, Node


@dataclass(frozen=True, slots=True)
class Placed:
    """A node with its place in the JSON and, if its type is known, its handler."""

    index: int
    node: Node
    registered: Registered | None


class Way(NamedTuple):
    """A connection that is in order."""

    source: str
    output: str
    target: str
    input: str


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a connection: the key that names its port, and the ports that there are."""

    index: int
    connection: Connection
    placed: Placed
    key: str
    ports: tuple[str, ...]

    def problem(self, named: str) -> Problem:
        """That the node has no such port."""
        kind = "output" if self.key == "outputType" else "input"
        node, name = self.placed.node, self.connection.id or self.index
        have = ", ".join(f"'{port}'" for port in self.ports)
        message = (
            f"connection {name}: node '{node.id}' ({node.type}) has no {kind} port '{named}'; "
            f"it has {have}"
        )
        if named == ERROR_PORT and kind == "output":
            message += "; set the node's onError to 'branch' to have an error port"
        place = pointer("connections", self.index, self.key)
        ids = {"node_id": node.id, "connection_id": self.connection.id}
        return problem("UNKNOWN_PORT", message, place, **ids)


class Wiring:
    """Finds the ports of all connections, and gathers what is wrong with them."""

    def __init__(
        self, reading: Reading, found: Mapping[str, Placed], suggestions: Suggestions
    ) -> None:
        self._reading = reading
        self._found = found
        self._suggestions = suggestions
        self._into: dict[str, list[tuple[int, Connection]]] = {}
        for index, connection in reading.connections:
            self._into.setdefault(connection.to_node_id, []).append((index, connection))
        self._positions = dict(self._by_position())
        self.problems: list[Problem] = []

    def ways(self) -> list[Way]:
        """The connections that are in order."""
        return [way for c in self._reading.connections if (way := self._way(*c)) is not None]

    def _way(self, index: int, connection: Connection) -> Way | None:
        source = self._node(index, connection, "fromNodeId", connection.from_node_id)
        target = self._node(index, connection, "toNodeId", connection.to_node_id)
        if source is None or target is None:
            return None
        if source.registered is None or target.registered is None:
            return None
        leaves = source.registered.handler.outputs
        if source.node.on_error == "branch":
            leaves = (*leaves, ERROR_PORT)
        enters = target.registered.handler.inputs
        output = self._port(
            _End(index, connection, source, "outputType", leaves), connection.output_port
        )
        position = self._positions.get(index, 0)
        fallback = enters[position] if position < len(enters) else enters[0]
        named = connection.input_port or fallback
        into = self._port(_End(index, connection, target, "inputPort", enters), named)
        if output is None or into is None:
            return None
        return Way(connection.from_node_id, output, connection.to_node_id, into)

    def _node(self, index: int, connection: Connection, key: str, node_id: str) -> Placed | None:
        if node_id in self._found or node_id in self._reading.broken:
            return self._found.get(node_id)
        hint = self._suggestions.hint(node_id, self._found)
        message = f"connection {connection.id or index}: there is no node '{node_id}'{hint}"
        place = pointer("connections", index, key)
        self.problems.append(problem("UNKNOWN_NODE", message, place, connection_id=connection.id))
        return None

    def _port(self, end: _End, named: str | None) -> str | None:
        if not named:
            return end.ports[0]
        if named in end.ports:
            return named
        self.problems.append(end.problem(named))
        return None

    def _by_position(self) -> Iterator[tuple[int, int]]:
        """By connection the number of its input port, where no connection into a node names one."""
        for arriving in self._into.values():
            if not any(connection.input_port for _, connection in arriving):
                for position, (index, _) in enumerate(arriving):
                    yield index, position
