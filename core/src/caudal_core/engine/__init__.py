"""The engine: takes executions, runs them, tells how they go."""

from caudal_core.engine.again import Replay
from caudal_core.engine.engine import Engine
from caudal_core.engine.execution import Execution
from caudal_core.engine.library import Library
from caudal_core.engine.options import EngineOptions
from caudal_core.engine.postgres import PostgresStorage
from caudal_core.engine.storage import FolderStorage, MemoryStorage, Storage
from caudal_core.engine.view import ExecutionView
from caudal_core.engine.watched import Watched

__all__ = [
    "Engine",
    "EngineOptions",
    "Execution",
    "ExecutionView",
    "FolderStorage",
    "Library",
    "MemoryStorage",
    "PostgresStorage",
    "Replay",
    "Storage",
    "Watched",
]
