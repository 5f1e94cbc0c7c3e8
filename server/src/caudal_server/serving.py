"""The server as a process: where it listens, how it starts and how it stops.

The first SIGTERM or SIGINT lets it refuse new work, gives what runs its time to end, and then
stops; a second one stops it at once.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from caudal_core.engine import Engine
from caudal_server import origins
from caudal_server.listeners import Listening, listen
from caudal_server.logs import configure_logs
from caudal_server.protocol import Protocol, SocketProtocol
from caudal_server.settings import InvalidSettings, Settings

KEEP_ALIVE = 75
SWITCH_SECONDS = 0.0005
GC_THRESHOLDS = (5_000, 1, 200)
"""Most executions begin and end within one step of the collector, which holds up answers by about
1 ms; a second generation of several steps would hold them up by the sum of these."""
LAST_SECONDS = 5
"""Seconds that answers under way get when the server stops."""

OPEN_FILES = 65_536
"""File descriptors that are enough: each connection is one."""

Ready = Callable[[Listening], None]

_log = logging.getLogger("caudal.server")


def serve(app: FastAPI, settings: Settings, *, ready: Ready | None = None) -> None:
    """Serve until a signal says to stop; returns when all is closed.

    `ready` is called once requests are answered, with the addresses that are listened on. Raises
    `InvalidSettings` where it may not listen, `Unavailable` where the port or the data is taken.
    """
    _check(settings)
    configure_logs(settings.log_level)
    _warn(settings)
    raise_file_limit()
    with listen(settings.host, settings.port) as listening:
        sys.setswitchinterval(SWITCH_SECONDS)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(app, settings, listening, ready or _announce))


def _check(settings: Settings) -> None:
    if origins.demands_authentication():
        message = (
            f"{origins.AUTH} asks for credentials, and this version cannot check any; "
            f"it serves this machine alone: set {origins.AUTH}=off to do so"
        )
        raise InvalidSettings(message=message)
    if settings.workflows is not None and not settings.workflows.is_dir():
        message = f"CAUDAL_WORKFLOWS: {settings.workflows} is no folder; make it, or name another"
        raise InvalidSettings(message=message)


def _warn(settings: Settings) -> None:
    """Say what is set in vain, and what opens the server to others."""
    if settings.allowed_hosts:
        text = "whoever reaches %s can do everything: this version asks nobody who they are"
        _log.warning(text, ", ".join(settings.allowed_hosts))
    for name in origins.without_effect():
        _log.warning("%s has no effect in this version", name)
    for name, meant in origins.unknown().items():
        hint = f"; did you mean {meant}?" if meant else ""
        _log.warning("%s is no setting%s", name, hint)


def raise_file_limit() -> None:
    """Allow as many open connections as the system lets this process have, within reason."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _announce(listening: Listening) -> None:
    _log.info("listening on %s", listening.url)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop where it exists, else what Python brings."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _serve(app: FastAPI, settings: Settings, listening: Listening, ready: Ready) -> None:
    if settings.public_url is None:
        app.state.engine.outbox.base_url = listening.url
    async with app.router.lifespan_context(app):
        _settle()
        server = _Server(app, settings, lambda: ready(listening))
        await server.serve(sockets=list(listening.sockets))


def _settle() -> None:
    """What is there now stays: the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


class _Server(uvicorn.Server):
    """uvicorn, with an end of our own: drained, and without a signal as its exit status."""

    def __init__(self, app: FastAPI, settings: Settings, ready: Callable[[], None]) -> None:
        super().__init__(uvicorn_config(app))
        self._engine: Engine = app.state.engine
        self._stopping: asyncio.Event = app.state.stopping
        self._seconds = settings.drain_seconds
        self._ready = ready
        self._draining: asyncio.Task[None] | None = None
        self._asked = False

    async def startup(self, sockets: Any = None) -> None:
        """Begin to answer, then tell."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """A signal has come: drain; die of the second one."""
        if self._asked:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self._asked = True
        self._loop.call_soon_threadsafe(self._begin_to_stop)

    def _begin_to_stop(self) -> None:
        self._draining = self._loop.create_task(self._drain())

    async def _drain(self) -> None:
        self._engine.closing = True
        waiting = self._engine.unfinished
        if waiting and self._seconds:
            text = "stopping: %d executions get up to %g s to end; a second signal stops at once"
            _log.info(text, len(waiting), self._seconds)
            try:
                async with asyncio.timeout(self._seconds):
                    await asyncio.gather(*(execution.finished() for execution in waiting))
            except TimeoutError:
                _log.info("%d executions go on at the next start", len(self._engine.unfinished))
        self._stopping.set()
        self.should_exit = True


def uvicorn_config(app: FastAPI) -> uvicorn.Config:
    """How uvicorn is set up; the lifespan is not its business."""
    return uvicorn.Config(
        app,
        http=Protocol,
        ws=SocketProtocol,
        ws_per_message_deflate=False,  # a third of what telling takes, and no wire is shorter
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=LAST_SECONDS,
    )
