"""From a workflow's JSON to a graph: every problem at once, warnings apart."""

from __future__ import annotations

from typing import Any, NamedTuple

from caudal_core.config import Config
from caudal_core.errors import InvalidWorkflow
from caudal_core.graph.configs import read_config
from caudal_core.graph.cycles import cycles, printed
from caudal_core.graph.model import COMMENT, OUTPUT, Edge, Graph, GraphNode, Options
from caudal_core.graph.problems import Problem, Suggestions, pointer, problem, unknown_type
from caudal_core.graph.reading import read
from caudal_core.graph.wiring import Placed, Way, Wiring
from caudal_core.handler import UNRECORDED, Handler
from caudal_core.registry import Registry
from caudal_core.values import encode
from caudal_core.workflow import Node, Settings, canonical, content_hash

CYCLES = 20
"""Cycles of one workflow up to which each is printed."""


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
    text = canonical(document)
    digest = content_hash(text)
    plan = _plan(nodes)
    return Graph(
        document=document,
        hash=digest,
        size=len(text),
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
    return outputs or tuple(node.index for node in nodes if _is_leaf(node, nodes))


def _is_leaf(node: GraphNode, nodes: tuple[GraphNode, ...]) -> bool:
    """Whether nothing follows; a comment is neither a leaf nor something that follows."""
    after = (nodes[edge.target] for edge in node.outgoing)
    noted = all(other.type == COMMENT and not other.outgoing for other in after)
    return noted and node.type != COMMENT


class _Check:
    """One pass over one workflow, gathering what is wrong with it."""

    def __init__(
        self, document: dict[str, Any], registry: Registry, *, comments: bool = False
    ) -> None:
        self._comments = comments
        self._registry = registry
        self._reading = read(document)
        self._found: dict[str, Placed] = {}
        self._suggestions = Suggestions()
        self.workflow = self._reading.workflow
        self.problems = self._reading.problems
        self.warnings: list[Problem] = []

    def run(self) -> tuple[GraphNode, ...]:
        """The nodes, or none where there are problems."""
        self._find_nodes()
        wiring = Wiring(self._reading, self._found, self._suggestions)
        ways = wiring.ways()
        self.problems += wiring.problems
        self._check_cycles()
        kept = self._kept(ways)
        configs = [self._config(self._found[node_id]) for node_id in kept]
        return () if self.problems else self._nodes(kept, ways, configs)

    def _find_nodes(self) -> None:
        for index, node in self._reading.nodes:
            first = self._found.get(node.id)
            if first is not None:
                message = f"two nodes have the id '{node.id}' (at {first.index} and {index})"
                place = pointer("nodes", index, "id")
                self.problems.append(problem("DUPLICATE_NODE_ID", message, place, node_id=node.id))
                continue
            registered = self._registry.handlers.get(node.type)
            if registered is None:
                self.problems.append(self._unknown(index, node))
            self._found[node.id] = Placed(index, node, registered)

    def _unknown(self, index: int, node: Node) -> Problem:
        return unknown_type(node.type, node.id, index, self._registry, self._suggestions)

    def _check_cycles(self) -> None:
        ends = ((c.from_node_id, c.to_node_id) for _, c in self._reading.connections)
        edges = [edge for edge in ends if self._found.keys() >= set(edge)]
        found = cycles(self._found, edges)
        for cycle in found[:CYCLES]:
            message = f"the workflow has a cycle: {printed(cycle)}"
            place = pointer("nodes", self._found[cycle[0]].index)
            self.problems.append(problem("CYCLE", message, place, node_id=cycle[0]))
        if len(found) > CYCLES:
            message = f"and {len(found) - CYCLES} more cycles"
            self.problems.append(problem("CYCLE", message, pointer("nodes")))

    def _kept(self, ways: list[Way]) -> list[str]:
        """The ids of the nodes that run: all but comments that nothing is connected to."""
        connected = {end for way in ways for end in (way.source, way.target)}
        kept = [
            node_id
            for node_id, placed in self._found.items()
            if self._comments or placed.node.type != COMMENT or node_id in connected
        ]
        if not kept and not self.problems:
            message = "the workflow has no node that could run"
            self.problems.append(problem("EMPTY_WORKFLOW", message, pointer("nodes")))
        return kept

    def _config(self, placed: Placed) -> Config | None:
        if placed.registered is None:
            return None
        handler = placed.registered.handler
        node, index = placed.node, placed.index
        config, problems, warnings = read_config(handler, node, index, self._suggestions)
        self.problems += problems
        self.warnings += warnings
        return config

    def _nodes(
        self, kept: list[str], ways: list[Way], configs: list[Config | None]
    ) -> tuple[GraphNode, ...]:
        place = {node_id: index for index, node_id in enumerate(kept)}
        edges = _Edges([[] for _ in kept], [[] for _ in kept])
        for way in ways:
            edges.add(Edge(place[way.source], way.output, place[way.target], way.input))
        notices = self._notices()
        return tuple(
            _node(index, self._found[node_id], config, edges, kept, notices.get(node_id, ()))
            for index, (node_id, config) in enumerate(zip(kept, configs, strict=True))
        )

    def _notices(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for warning in self.warnings:
            found.setdefault(warning["nodeId"], []).append(warning["message"])
        return {node_id: tuple(messages) for node_id, messages in found.items()}


class _Edges(NamedTuple):
    """By a node's position the edges that lead to it, and those that leave it."""

    incoming: list[list[Edge]]
    outgoing: list[list[Edge]]

    def add(self, edge: Edge) -> None:
        self.incoming[edge.target].append(edge)
        self.outgoing[edge.source].append(edge)


def _node(  # noqa: PLR0917 - all that a node is made of
    place: int,
    placed: Placed,
    config: Config | None,
    edges: _Edges,
    ids: list[str],
    notices: tuple[str, ...],
) -> GraphNode:
    node, registered = placed.node, placed.registered
    if registered is None or config is None:  # these were problems, so we are not here
        raise AssertionError(node.id)
    incoming = edges.incoming[place]
    arriving = _by_port(incoming, registered.handler.inputs)
    return GraphNode(
        index=place,
        id=node.id,
        type=node.type,
        label=node.title,
        handler=registered.handler,
        config=config,
        options=_options(node),
        package=f"{registered.package} {registered.version}",
        input_ref=_input_ref(arriving, ids) if arriving else None,
        incoming=arriving,
        outgoing=tuple(edges.outgoing[place]),
        waits=len(incoming),
        notices=notices,
        light=_light(registered.handler, node),
        only_port=arriving[0][0] if len(incoming) == 1 else None,
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
    # `@handler` refuses the rest; one that was made without it has nobody to stop it.
    inline = handler.light and not handler.is_async and not handler.per_row
    return inline and handler.effect in UNRECORDED and node.timeout_seconds is None


def _plan(nodes: tuple[GraphNode, ...]) -> bytes:
    return encode({node.id: _planned(node) for node in nodes})


def _planned(node: GraphNode) -> dict[str, Any]:
    """What a node is, for its record; its effect where that counts beyond the execution."""
    effect = node.handler.effect
    return {
        "type": node.type,
        "label": node.label,
        "typeVersion": node.handler.version,
        "package": node.package,
        "input": node.input_ref,
        **({} if effect in UNRECORDED else {"effect": effect}),
    }


def _options(node: Node) -> Options:
    return Options(
        retries=node.retries or 0,
        retry_delay=node.retry_delay_seconds or 0.0,
        timeout=node.timeout_seconds,
        on_error=node.on_error or "fail",
        on_interrupted=node.on_interrupted or "fail",
        on_row_error=node.on_row_error or "fail",
    )
