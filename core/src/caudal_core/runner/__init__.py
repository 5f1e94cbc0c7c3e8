"""How nodes are run: the protocol, and the runner that is built in."""

from caudal_core.runner.call import Deliveries, NodeResult
from caudal_core.runner.embedded import EmbeddedRunner
from caudal_core.runner.protocol import Job, Runner

__all__ = ["Deliveries", "EmbeddedRunner", "Job", "NodeResult", "Runner"]
