"""For the tests of handler packages: run one handler, run a workflow, check the conventions."""

from caudal_core.testing.handlers import Ran, run_handler

__all__ = ["Ran", "run_handler"]
