"""`caudal demo`: a server, a sample workflow over a real spreadsheet, its result."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from caudal_server.cli.options import MAX_PORT, DataFolder
from caudal_server.cli.terminal import say

if TYPE_CHECKING:
    from caudal_server.listeners import Listening
    from caudal_server.serving import Ready

FIRST_PORT = 8000
PORTS_TRIED = 50
INTERRUPTED = 130


def demo(
    *,
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT", min=0, max=MAX_PORT, help="If it is taken, the next free one."
        ),
    ] = FIRST_PORT,
    data: DataFolder = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when the sample workflow has ended.")
    ] = False,
) -> None:
    """Start a server and run a sample workflow over it, as a backend would.

    Then the server is yours until Ctrl-C. Without --data it keeps nothing beyond that.
    """
    tours: list[Future[None]] = []
    with _folder(data) as folder, ThreadPoolExecutor(1) as pool:

        def begin(listening: Listening) -> None:
            from caudal_server.cli.tour import tour

            tours.append(pool.submit(tour, listening, folder, stay=not once))
            tours[0].add_done_callback(end)

        def end(done: Future[None]) -> None:
            if once or done.exception() is not None:
                signal.raise_signal(signal.SIGINT)  # as if somebody had pressed Ctrl-C

        _serve(_free_port(port), folder, begin)
        if not tours or not tours[0].done():
            raise typer.Exit(INTERRUPTED)
    tours[0].result()


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    with TemporaryDirectory(prefix="caudal-demo-") as name:
        yield Path(name)


def _serve(port: int, folder: Path, ready: Ready) -> None:
    """Serve the examples in this process, their files open to them, until a signal ends it."""
    from caudal_server import serving
    from caudal_server.app import create_app
    from caudal_server.assembly import make_engine
    from caudal_server.cli.samples import examples
    from caudal_server.settings import load_settings

    settings = load_settings(
        host="localhost",
        port=port,
        data=folder,
        workflows=examples(),
        file_roots=(examples(),),
        log_level="warning",
    )
    serving.serve(create_app(make_engine(settings), settings), settings, ready=ready)


def _free_port(first: int) -> int:
    """The first port from `first` on that nobody listens at."""
    from caudal_core.errors import InUse
    from caudal_server.listeners import LOCALHOST, listen

    for port in range(first, min(first + PORTS_TRIED, MAX_PORT + 1)):
        try:
            with listen(LOCALHOST, port) as listening:
                return listening.port
        except InUse:
            say(f"! port {port} is in use, trying the next one", "yellow")
    raise InUse(message=f"no port from {first} on is free (--port names another)")
