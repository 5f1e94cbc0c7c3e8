"""Workflows behind a URL: an application's own service."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx2

from caudal_core.errors import error_text
from caudal_core.runner.pool import ThreadPool
from caudal_server.showing import bare
from caudal_server.sources.errors import Unusable
from caudal_server.sources.ids import OF_PATHS
from caudal_server.sources.place import unwrap

ABSENT = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
MAX_REDIRECTS = 3
SMALL = 64_000
"""Bytes up to which an answer is parsed on the event loop."""

PLACEHOLDER = "{id}"
MAX_PORT = 65_535
_BROKEN = (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)
"""What a kept connection shows that the other side closed at the same moment."""


class WorkflowUrl:
    """Asks `template` with `{id}` filled in. `limit` is the size of an answer in bytes.

    It goes straight there: no proxy from the environment, no redirect to another origin.
    """

    def __init__(self, template: str, *, pool: ThreadPool, limit: int) -> None:
        self._template = template
        self._pool = pool
        self._limit = limit
        self._client: httpx2.AsyncClient | None = None
        self.name = bare(template)

    async def fetch(self, workflow_id: str) -> dict[str, Any] | None:
        """The workflow's JSON; nothing where the service says 404, 410 or 204."""
        if workflow_id in OF_PATHS:
            return None
        url = httpx2.URL(self._template.replace(PLACEHOLDER, quote(workflow_id, safe="")))
        body = await self._body(url)
        if body is None:
            return None
        if len(body) <= SMALL:
            return unwrap(body)
        found: dict[str, Any] | None = await self._pool.run(lambda: unwrap(body))
        return found

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _body(self, url: httpx2.URL) -> bytes | None:
        first = url
        for _ in range(MAX_REDIRECTS + 1):
            status, given = await self._get(url)
            if isinstance(given, bytes):
                return None if status in ABSENT else given
            url = url.join(given)
            if _origin(url) != _origin(first):
                message = f"it redirects to another origin, {bare(str(url))}"
                raise Unusable(message)
        message = f"it redirects more than {MAX_REDIRECTS} times"
        raise Unusable(message)

    async def _get(self, url: httpx2.URL) -> tuple[int, bytes | str]:
        """Status and body, or status and where it redirects to."""
        try:
            try:
                return await self._once(url)
            except _BROKEN:
                return await self._once(url)
        except httpx2.TimeoutException:
            raise TimeoutError from None
        except httpx2.TransportError as error:
            message = f"the connection failed: {error_text(error)}"
            raise Unusable(message) from None

    async def _once(self, url: httpx2.URL) -> tuple[int, bytes | str]:
        async with self._opened().stream("GET", url) as response:
            status = response.status_code
            if response.has_redirect_location:
                return status, response.headers["location"]
            if status in ABSENT:
                return status, b""
            if not response.is_success:
                message = f"it answered {status} {response.reason_phrase}".rstrip()
                raise Unusable(message)
            return status, await self._read(response)

    async def _read(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > self._limit:
                message = f"its answer is larger than {self._limit} bytes"
                raise Unusable(message)
        return bytes(body)

    def _opened(self) -> httpx2.AsyncClient:
        if self._client is None:
            self._client = httpx2.AsyncClient(
                headers={"accept": "application/json"},
                limits=httpx2.Limits(keepalive_expiry=2),  # Node closes idle ones after 5 s
                trust_env=False,
            )
        return self._client


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default


def can_be_asked(template: str) -> bool:
    """Whether a template is a URL with a host, and with a port that there can be."""
    try:
        url = httpx2.URL(template.replace(PLACEHOLDER, "id"))
    except (httpx2.InvalidURL, ValueError):
        return False
    return bool(url.host) and (url.port is None or url.port <= MAX_PORT)
