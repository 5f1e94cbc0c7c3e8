"""What happened: the record of executions and node runs, and the store of workflows."""

from caudal_core.journal.journal import Journal, MemorySink, Sink
from caudal_core.journal.records import FINISHED, SETTLED, ExecutionRecord, NodeRun

__all__ = ["FINISHED", "SETTLED", "ExecutionRecord", "Journal", "MemorySink", "NodeRun", "Sink"]
