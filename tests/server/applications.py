"""An application beside the server: where it keeps its workflows, and how they are looked for."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.server.serving import HANDLERS, Service, service

from caudal_core.engine import Engine, FolderStorage
from caudal_core.handler import Handler
from caudal_core.registry import Registry
from caudal_server.settings import Settings
from caudal_server.sources import Found, WorkflowFinder

NODES = [{"id": "n1", "type": "trigger"}]
WORKFLOW: dict[str, Any] = {"name": "Prices", "nodes": NODES, "connections": []}

DRAFT: dict[str, Any] = {"name": "Draft", "nodes": []}

Answer = tuple[int, Any]
"""Status and body: bytes as they are, the address of a redirect, any other value as JSON."""
Reply = Answer | dict[str, Answer] | Callable[[], Answer]
"""One answer for every path, answers by path, or a function that gives the answer."""


class Application:
    """A service over HTTP; `paths` are those that it was asked for."""

    def __init__(self, reply: Reply) -> None:
        self.paths: list[str] = []
        self._reply = reply
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def answer(self, path: str) -> Answer:
        """What is there."""
        self.paths.append(path)
        if callable(self._reply):
            return self._reply()
        return self._reply if isinstance(self._reply, tuple) else self._reply[path]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(application: Application) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = application.answer(self.path)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", body)
                data = b""
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nothing: a test says what it found by itself."""

    return Handler


@contextmanager
def applied(reply: Reply) -> Iterator[Application]:
    """An application that answers so."""
    application = Application(reply)
    try:
        yield application
    finally:
        application.close()


def find(
    *workflow_ids: str,
    stored: dict[str, Any] | None = None,
    sources: tuple[Any, ...] = (),
    folder: Path | None = None,
    seconds: float = 5,
    **settings: Any,
) -> list[Found]:
    """What is found under these ids, asked for one after the other."""

    async def ask() -> list[Found]:
        storage = FolderStorage(folder) if folder else None
        async with Engine(Registry(sources=sources), storage=storage) as engine:
            for workflow_id, document in (stored or {}).items():
                await engine.library.save(document, workflow_id=workflow_id)
            finder = WorkflowFinder(engine, Settings(**settings), seconds=seconds)
            try:
                return [await finder.find(workflow_id) for workflow_id in workflow_ids]
            finally:
                await finder.close()

    return asyncio.run(ask())


def write(folder: Path, name: str, content: Any) -> None:
    """Write one file of a folder of workflows."""
    folder.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")


def with_service(
    folder: Path,
    test: Callable[[Service], Awaitable[None]],
    *more: Handler,
    **settings: Any,
) -> None:
    """Run a test against a service of its own, with a few handlers and these."""

    async def run() -> None:
        async with service(folder, *HANDLERS, *more, **settings) as found:
            await test(found)

    asyncio.run(run())
