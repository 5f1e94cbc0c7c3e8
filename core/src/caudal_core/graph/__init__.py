"""From a workflow and the installed handlers to a checked graph."""

from caudal_core.graph.check import build_graph
from caudal_core.graph.model import ERROR_PORT, MANUAL_INPUT, Edge, Graph, GraphNode, Options

__all__ = ["ERROR_PORT", "MANUAL_INPUT", "Edge", "Graph", "GraphNode", "Options", "build_graph"]
