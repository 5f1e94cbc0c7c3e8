"""Worker processes: for work that can hang, take all memory or end the program that does it."""

from caudal_core.workers.answers import Answer
from caudal_core.workers.pool import Limits, Workers, shared_workers

__all__ = ["Answer", "Limits", "Workers", "shared_workers"]
