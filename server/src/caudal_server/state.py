"""What the routers share: it hangs on the application, and these give it with its type."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    from caudal_core.engine import Engine
    from caudal_core.runner.pool import ThreadPool
    from caudal_core.triggers import TriggerService
    from caudal_core.uploads import Uploads
    from caudal_server.settings import Settings
    from caudal_server.sources import WorkflowFinder


def engine(connection: HTTPConnection) -> Engine:
    """The engine that runs everything."""
    found: Engine = connection.app.state.engine
    return found


def settings(connection: HTTPConnection) -> Settings:
    """How the server is set up."""
    found: Settings = connection.app.state.settings
    return found


def finder(connection: HTTPConnection) -> WorkflowFinder:
    """Where workflows are looked for."""
    found: WorkflowFinder = connection.app.state.finder
    return found


def uploads(connection: HTTPConnection) -> Uploads:
    """The uploaded files."""
    found: Uploads = connection.app.state.uploads
    return found


def uploading(connection: HTTPConnection) -> ThreadPool:
    """The threads that read and write uploaded files."""
    found: ThreadPool = connection.app.state.uploading
    return found


def stopping(connection: HTTPConnection) -> asyncio.Event:
    """Set when the server is about to stop: whoever waits for something to happen gives up."""
    found: asyncio.Event = connection.app.state.stopping
    return found


def triggers(connection: HTTPConnection) -> TriggerService:
    """What starts workflows by itself."""
    found: TriggerService = connection.app.state.triggers
    return found


def recording(connection: HTTPConnection) -> ThreadPool:
    """The threads in which entities and records are read and written."""
    found: ThreadPool = connection.app.state.recording
    return found
