"""From a workflow's JSON to a graph: every problem at once, warnings apart."""

from __future__ import annotations

from collections import deque
from typing import Any

from pydantic import ValidationError

from caudal_core.config import Config
from caudal_core.errors import InvalidWorkflow, TemplateError, nearest
from caudal_core.graph.model import (
    COMMENT,
    ERROR_PORT,
    OUTPUT,
    Edge,
    Graph,
    GraphNode,
    Options,
)
from caudal_core.graph.problems import (
    Problem,
    config_problem,
    problem,
    shape_problem,
    unknown_keys,
    unknown_type,
)
from caudal_core.handler import Handler
from caudal_core.registry import Registered, Registry
from caudal_core.template import compile_template, templates_in
from caudal_core.values import encode
from caudal_core.workflow import Connection, Node, Settings, Workflow, canonical, content_hash


def build_graph(
    document: dict[str, Any],
    registry: Registry,
    *,
    workflow_id: str | None = None,
    comments: bool = False,
) -> Graph:
    """The graph of a workflow, or `InvalidWorkflow` with every problem that it has.

    `workflow_id` is what stands in for an id that the document lacks. `comments` keeps those that
    nothing is connected to.
    """
    check = _Check(document, registry, comments=comments)
    nodes = check.run()
    if check.problems:
        raise InvalidWorkflow.of(check.problems)
    workflow = check.workflow
    digest = content_hash(canonical(document))
    plan = _plan(nodes)
    return Graph(
        document=document,
        hash=digest,
        workflow_id=workflow.id or workflow_id or f"inline-{digest[:12]}",
        name=workflow.title,
        settings=workflow.settings or Settings(),
        nodes=nodes,
        finals=_finals(nodes),
        warnings=tuple(check.warnings),
        plan=plan,
        plan_hash=content_hash(plan),
    )


def _finals(nodes: tuple[GraphNode, ...]) -> tuple[int, ...]:
    outputs = tuple(node.index for node in nodes if node.type == OUTPUT)
    leaves = (node.index for node in nodes if not node.outgoing and node.type != COMMENT)
    return outputs or tuple(leaves)


class _Check:
    """One pass over one workflow, gathering what is wrong with it."""

    def __init__(
        self, document: dict[str, Any], registry: Registry, *, comments: bool = False
    ) -> None:
        self.comments = comments
        self.document = document
        self.registry = registry
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.workflow = Workflow(nodes=[])
        self.found: dict[str, tuple[int, Node, Registered | None]] = {}

    def run(self) -> tuple[GraphNode, ...]:
        try:
            self.workflow = Workflow.model_validate(self.document)
        except ValidationError as error:
            self.problems += [shape_problem(dict(e), self.document) for e in error.errors()]
            return ()
        self._find_nodes()
        connections = self.workflow.connections or []
        edges = [edge for c in enumerate(connections) if (edge := self._edge(*c)) is not None]
        self._check_cycles()
        kept = self._kept(edges)
        configs = {node_id: self._config(*self.found[node_id]) for node_id in kept}
        return () if self.problems else self._nodes(kept, edges, configs)

    def _find_nodes(self) -> None:
        places: dict[str, int] = {}
        for index, node in enumerate(self.workflow.nodes):
            if node.id in places:
                message = f"two nodes have the id '{node.id}' (at {places[node.id]} and {index})"
                pointer = f"/nodes/{index}/id"
                self.problems.append(
                    problem("DUPLICATE_NODE_ID", message, pointer, node_id=node.id)
                )
                continue
            places[node.id] = index
            registered = self.registry.handlers.get(node.type)
            if registered is None:
                self.problems.append(unknown_type(node.type, node.id, index, self.registry))
            self.found[node.id] = (index, node, registered)

    def _edge(self, index: int, connection: Connection) -> tuple[str, str, str, str] | None:
        """`(from, output port, to, input port)`, or nothing where the connection is wrong."""
        source = self._end(index, connection, "fromNodeId", connection.from_node_id)
        target = self._end(index, connection, "toNodeId", connection.to_node_id)
        if source is None or target is None or source[2] is None or target[2] is None:
            return None
        outputs = source[2].handler.outputs
        if source[1].on_error == "branch":
            outputs = (*outputs, ERROR_PORT)
        inputs = target[2].handler.inputs
        output = self._port(index, connection, "outputType", outputs, source[1])
        fallback = self._positional(index, connection, inputs)
        into = self._port(index, connection, "inputPort", inputs, target[1], fallback)
        if output is None or into is None:
            return None
        return connection.from_node_id, output, connection.to_node_id, into

    def _end(
        self, index: int, connection: Connection, key: str, node_id: str
    ) -> tuple[int, Node, Registered | None] | None:
        if node_id in self.found:
            return self.found[node_id]
        near = nearest(node_id, list(self.found))
        hint = f"; did you mean '{near}'?" if near else ""
        message = f"connection {connection.id or index}: there is no node '{node_id}'{hint}"
        self.problems.append(
            problem(
                "UNKNOWN_NODE",
                message,
                f"/connections/{index}/{key}",
                connection_id=connection.id,
            )
        )
        return None

    def _positional(self, index: int, connection: Connection, inputs: tuple[str, ...]) -> str:
        """The port of a connection that names none: the first.

        Where the target has several and no connection into it names one, the second connection
        enters the second port.
        """
        if len(inputs) < 2:
            return inputs[0] if inputs else ""
        into = [
            (place, other)
            for place, other in enumerate(self.workflow.connections or [])
            if other.to_node_id == connection.to_node_id
        ]
        if any(other.input_port for _, other in into):
            return inputs[0]
        position = [place for place, _ in into].index(index)
        return inputs[position] if position < len(inputs) else inputs[0]

    def _port(  # noqa: PLR0917 - all of them say which port is meant
        self,
        index: int,
        connection: Connection,
        key: str,
        ports: tuple[str, ...],
        node: Node,
        fallback: str | None = None,
    ) -> str | None:
        named = connection.output_type if key == "outputType" else connection.input_port
        if not named and ports:
            return fallback or ports[0]
        if named in ports:
            return named
        kind = "output" if key == "outputType" else "input"
        have = ", ".join(f"'{port}'" for port in ports) or "none"
        message = (
            f"connection {connection.id or index}: node '{node.id}' ({node.type}) has no {kind} "
            f"port '{named or ''}'; it has {have}"
        )
        if named == ERROR_PORT and kind == "output":
            message += "; set the node's onError to 'branch' to have an error port"
        self.problems.append(
            problem(
                "UNKNOWN_PORT",
                message,
                f"/connections/{index}/{key}",
                node_id=node.id,
                connection_id=connection.id,
            )
        )
        return None

    def _check_cycles(self) -> None:
        after: dict[str, list[str]] = {node_id: [] for node_id in self.found}
        waits = dict.fromkeys(self.found, 0)
        for c in self.workflow.connections or []:
            if c.from_node_id in after and c.to_node_id in after:
                after[c.from_node_id].append(c.to_node_id)
                waits[c.to_node_id] += 1
        ready = deque(node_id for node_id, count in waits.items() if not count)
        while ready:
            for target in after[ready.popleft()]:
                waits[target] -= 1
                if not waits[target]:
                    ready.append(target)
        stuck = {node_id for node_id, count in waits.items() if count}
        if stuck:
            cycle = _a_cycle(after, stuck)
            message = f"the workflow has a cycle: {' → '.join(cycle)}"
            pointer = f"/nodes/{self.found[cycle[0]][0]}"
            self.problems.append(problem("CYCLE", message, pointer, node_id=cycle[0]))

    def _kept(self, edges: list[tuple[str, str, str, str]]) -> list[str]:
        """The ids of the nodes that run: all but comments that nothing is connected to."""
        connected = {end for edge in edges for end in (edge[0], edge[2])}
        kept = [
            node_id
            for node_id, (_, node, _) in self.found.items()
            if self.comments or node.type != COMMENT or node_id in connected
        ]
        if not kept and not self.problems:
            message = "the workflow has no node that could run"
            self.problems.append(problem("EMPTY_WORKFLOW", message, "/nodes"))
        return kept

    def _config(self, index: int, node: Node, registered: Registered | None) -> Config | None:
        if registered is None:
            return None
        stored, model = node.config or {}, registered.handler.config
        self.warnings += unknown_keys(model, stored, node.id, index)
        try:
            config = registered.handler.parse(stored, node.type_version or 1)
        except ValidationError as error:
            self.problems += [
                config_problem(dict(e), model, node.id, index, stored) for e in error.errors()
            ]
            return None
        self._check_templates(config, node, index)
        return config

    def _check_templates(self, config: Config, node: Node, index: int) -> None:
        for name in type(config).template_fields():
            for text in templates_in(getattr(config, name)):
                try:
                    compile_template(text)
                except TemplateError as error:
                    message = f"node '{node.id}': {error}"
                    pointer = f"/nodes/{index}/config"
                    self.problems.append(
                        problem("INVALID_TEMPLATE", message, pointer, node_id=node.id)
                    )

    def _nodes(
        self,
        kept: list[str],
        named: list[tuple[str, str, str, str]],
        configs: dict[str, Config | None],
    ) -> tuple[GraphNode, ...]:
        place = {node_id: index for index, node_id in enumerate(kept)}
        incoming: list[list[Edge]] = [[] for _ in kept]
        outgoing: list[list[Edge]] = [[] for _ in kept]
        for source, output, target, into in named:
            edge = Edge(place[source], output, place[target], into)
            incoming[edge.target].append(edge)
            outgoing[edge.source].append(edge)
        return tuple(
            self._node(place[node_id], kept, configs, incoming, outgoing) for node_id in kept
        )

    def _node(
        self,
        place: int,
        kept: list[str],
        configs: dict[str, Config | None],
        incoming: list[list[Edge]],
        outgoing: list[list[Edge]],
    ) -> GraphNode:
        node_id = kept[place]
        _, node, registered = self.found[node_id]
        config = configs[node_id]
        if registered is None or config is None:  # these were problems, so we are not here
            raise AssertionError(node_id)
        arriving = _by_port(incoming[place], registered.handler.inputs)
        return GraphNode(
            index=place,
            id=node_id,
            type=node.type,
            label=node.title,
            handler=registered.handler,
            config=config,
            options=_options(node),
            package=f"{registered.package} {registered.version}",
            input_ref=_input_ref(arriving, kept) if arriving else None,
            incoming=arriving,
            outgoing=tuple(outgoing[place]),
            waits=len(incoming[place]),
            notices=tuple(w["message"] for w in self.warnings if w.get("nodeId") == node_id)
            if self.warnings
            else (),
            light=_light(registered.handler, node),
            only_port=arriving[0][0] if len(incoming[place]) == 1 else None,
        )


def _by_port(edges: list[Edge], ports: tuple[str, ...]) -> tuple[tuple[str, tuple[Edge, ...]], ...]:
    found = ((port, tuple(edge for edge in edges if edge.input_port == port)) for port in ports)
    return tuple((port, group) for port, group in found if group)


def _input_ref(
    arriving: tuple[tuple[str, tuple[Edge, ...]], ...], ids: list[str]
) -> dict[str, list[list[str]]]:
    return {
        port: [[ids[edge.source], edge.output_port] for edge in edges] for port, edges in arriving
    }


def _light(handler: Handler, node: Node) -> bool:
    inline = handler.light and not handler.is_async and not handler.per_row
    return inline and node.timeout_seconds is None


def _plan(nodes: tuple[GraphNode, ...]) -> bytes:
    return encode(
        {
            node.id: {
                "type": node.type,
                "label": node.label,
                "typeVersion": node.handler.version,
                "package": node.package,
                "input": node.input_ref,
            }
            for node in nodes
        }
    )


def _options(node: Node) -> Options:
    return Options(
        retries=node.retries or 0,
        retry_delay=node.retry_delay_seconds or 0.0,
        timeout=node.timeout_seconds,
        on_error=node.on_error or "fail",
        on_interrupted=node.on_interrupted or "fail",
        on_row_error=node.on_row_error or "fail",
    )


def _a_cycle(after: dict[str, list[str]], stuck: set[str]) -> list[str]:
    """One cycle among nodes of which none can start, its first node named again at the end."""
    before: dict[str, str] = {}
    for source, targets in after.items():
        for target in targets:
            if source in stuck and target in stuck:
                before.setdefault(target, source)
    path = [next(node for node in after if node in before)]
    while before[path[-1]] not in path:
        path.append(before[path[-1]])
    cycle = path[path.index(before[path[-1]]) :]
    cycle.reverse()
    return [*cycle, cycle[0]]
