"""For the tests of handler packages: run a handler, trigger or workflow, check conventions."""

from caudal_core.testing.conformance import check_handler, installed_handlers, review_handler
from caudal_core.testing.handlers import Ran, run_handler
from caudal_core.testing.record_store import MemoryRecordStore
from caudal_core.testing.review import RULES, Finding, Review, Rule
from caudal_core.testing.triggers import run_trigger
from caudal_core.testing.workflows import WorkflowRun, memory_engine, run_on, run_workflow

__all__ = [
    "RULES",
    "Finding",
    "MemoryRecordStore",
    "Ran",
    "Review",
    "Rule",
    "WorkflowRun",
    "check_handler",
    "installed_handlers",
    "memory_engine",
    "review_handler",
    "run_handler",
    "run_on",
    "run_trigger",
    "run_workflow",
]
