"""What the caller of a webhook is answered, as a `webhookResponse` node decided it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from caudal_core.engine import Engine, Execution
from caudal_core.engine.running.final import error_lines
from caudal_core.graph import Graph
from caudal_core.journal import NodeRun
from caudal_core.values import JSON, decode, to_wire

TYPE = "webhookResponse"

NOT_TAKEN = frozenset(
    (
        "alt-svc",
        "clear-site-data",
        "connection",
        "content-encoding",
        "content-length",
        "content-security-policy",
        "date",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "server",
        "service-worker-allowed",
        "set-cookie",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-content-type-options",
    )
)
"""Headers that are the connection's or the server's own, or that would speak for all of it."""

GUARDS = {
    "content-security-policy": "sandbox allow-forms allow-popups allow-scripts",
    "x-content-type-options": "nosniff",
}
"""A page that a workflow answers must not act as a page of this server."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_CHARSET = re.compile(r"""charset\s*=\s*"?([^\s;"]+)""", re.IGNORECASE)
NO_BODY = (204, 205, 304)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `left_out` names the headers that a workflow may not set."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    left_out: tuple[str, ...] = ()


class UnusableAnswer(Exception):
    """What a node reported is no HTTP answer."""


def decides(graph: Graph) -> bool:
    """Whether a node of the workflow decides the answer."""
    return any(node.type == TYPE for node in graph.nodes)


class Decision:
    """Watches an execution until one of its nodes has decided the answer."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._open = {node.id for node in execution.graph.nodes if node.type == TYPE}
        self._seen = 0
        self.run: NodeRun | None = None

    async def wait(self, seconds: float) -> None:
        """Return once it is made, at the latest after `seconds`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self.made() and (left := until - loop.time()) > 0:
            await self._execution.change(self._execution.version, left)

    def made(self) -> bool:
        """Whether it is known: `run` is the first such node that completed, null if none will."""
        committed = self._execution.committed
        for run in committed[self._seen :]:
            if run.node_id in self._open and run.settles:
                self._open.discard(run.node_id)
                if run.shown == "completed":
                    self.run = run
                    return True
        self._seen = len(committed)
        return not self._open or self._execution.record.finished

    def reason(self) -> str:
        """Why no node decided."""
        record = self._execution.record
        failed = [
            run
            for run in self._execution.committed
            if run.settles and run.error and (run.type == TYPE or not record.finished)
        ]
        if record.error is not None or failed:
            return record.error or error_lines(failed)
        if record.state == "cancelled":
            return "the execution was cancelled before it could answer"
        return f"no branch of the workflow led to a {TYPE}"


async def answer_of(engine: Engine, run: NodeRun) -> Answer:
    """The answer that a node reported; `UnusableAnswer` if HTTP has none like it."""
    report = decode(run.report)
    status = await _value(engine, run, report.get("webhookResponseStatusCode", 200))
    headers = await _value(engine, run, report.get("webhookResponseHeaders") or {})
    body = await _value(engine, run, report.get("webhookResponseBody"))
    if type(status) is not int or not 200 <= status <= 599:
        message = f"{status} is no HTTP status"
        raise UnusableAnswer(message)
    kept, left_out = _headers(headers)
    content = await engine.read(lambda: _content(body, kept))
    return Answer(status, kept | GUARDS, b"" if status in NO_BODY else content, left_out)


async def _value(engine: Engine, run: NodeRun, value: JSON) -> JSON:
    """What is reported; of a value that left by a port only the port's name is."""
    port = value.get("$port") if isinstance(value, dict) and len(value) == 1 else None
    payload = (run.outputs or {}).get(port) if isinstance(port, str) else None
    return value if payload is None else await engine.data(payload)


def _headers(headers: JSON) -> tuple[dict[str, str], tuple[str, ...]]:
    if not isinstance(headers, dict):
        message = "its headers are not an object of names to texts"
        raise UnusableAnswer(message)
    kept: dict[str, str] = {}
    for name, value in headers.items():
        text = value if isinstance(value, str) else to_wire(value).decode()
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(text):
            message = f"HTTP does not carry the header {name!r} with the value {text!r}"
            raise UnusableAnswer(message)
        kept[name.lower()] = text
    left_out = tuple(name for name in kept if name in NOT_TAKEN)
    return {name: text for name, text in kept.items() if name not in NOT_TAKEN}, left_out


def _content(body: JSON, headers: dict[str, str]) -> bytes:
    """The body's bytes; the type that they have is put into the headers unless it is there."""
    kind = headers.setdefault(
        "content-type", "text/plain" if isinstance(body, str) else "application/json"
    )
    charset = _CHARSET.search(kind)
    if charset is None and kind.startswith("text/"):
        headers["content-type"] = f"{kind}; charset=utf-8"
    text = body if isinstance(body, str) else to_wire(body).decode()
    try:
        return text.encode(charset[1] if charset else "utf-8")
    except (LookupError, ValueError):
        message = f"its body cannot be written as '{kind}'"
        raise UnusableAnswer(message) from None
