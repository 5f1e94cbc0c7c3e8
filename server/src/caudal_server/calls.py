"""Calls to URLs that are told something: callbacks, and notices of failures and recoveries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from caudal_core.engine import Engine
from caudal_core.errors import CallFailed, CallRefused, NotFound, error_text
from caudal_core.journal.notice import Notice
from caudal_core.values import to_wire
from caudal_server.documents import status_document
from caudal_server.egress import HINT, Egress, NotAllowed, host_of, port_of
from caudal_server.settings import Settings
from caudal_server.signing import signed, signing_key

if TYPE_CHECKING:
    import httpx2

SECONDS = 15.0
"""How long one call may take."""


class UrlCaller:
    """Goes straight to the address that was looked at: no proxy, no redirect, nothing kept alive.

    A connection is used once, as another host may have the same address.
    """

    def __init__(self, engine: Engine, egress: Egress, settings: Settings) -> None:
        self._engine = engine
        self._egress = egress
        self._settings = settings
        self._key: bytes | None = None
        self._client: httpx2.AsyncClient | None = None

    async def call(self, notice: Notice, told: Mapping[str, Any] | None) -> None:
        """See `caudal_core.engine.telling.delivery.Caller`."""
        import httpx2

        body = to_wire(told) if told is not None else await self._status(notice)
        headers = signed(await self._signing_key(), notice.id, body)
        url = httpx2.URL(notice.target)
        try:
            async with asyncio.timeout(SECONDS):
                status = await self._sent(url, headers, body, trusted=self._is_ours(notice))
        except TimeoutError:
            raise CallFailed(message=f"it did not answer within {SECONDS:g} s") from None
        except NotAllowed as error:
            raise CallFailed(message=f"{error}; {HINT}") from None
        except (httpx2.TransportError, OSError) as error:
            raise CallFailed(message=f"the connection failed: {error_text(error)}") from None
        _judge(status)

    async def close(self) -> None:
        """Close what is open."""
        if self._client is not None:
            await self._client.aclose()

    def _is_ours(self, notice: Notice) -> bool:
        """Whether the operator named this URL; anybody else's must be allowed."""
        return notice.target == self._settings.on_failure

    async def _status(self, notice: Notice) -> bytes:
        """The document of `GET /api/executions/{id}`, but for how this call itself goes."""
        engine = self._engine
        try:
            view = await engine.view(notice.execution or "", last=10)
        except NotFound as error:
            raise CallRefused(message=error.text()) from None
        document: bytes = await engine.read(
            lambda: to_wire(status_document(replace(view, callback=None)))
        )
        return document

    async def _signing_key(self) -> bytes:
        if self._key is None:
            given, folder = self._settings.callback_secret, self._settings.data
            self._key = await self._engine.read(partial(signing_key, given, folder))
        return self._key

    async def _sent(
        self, url: httpx2.URL, headers: dict[str, str], body: bytes, *, trusted: bool
    ) -> int:
        """The status of the answer; of its body nothing is read."""
        host = host_of(url)
        address = await self._egress.address(host, port_of(url), anywhere=trusted)
        sent = {
            **headers,
            "host": url.netloc.decode("ascii"),
            "content-type": "application/json",
            "user-agent": f"caudal/{version('caudal-server')}",
        }
        client, names = self._opened(), {"sni_hostname": host}
        target = url.copy_with(host=address)
        request = client.build_request("POST", target, content=body, headers=sent, extensions=names)
        response = await client.send(request, stream=True, follow_redirects=False)
        await response.aclose()
        return response.status_code

    def _opened(self) -> httpx2.AsyncClient:
        import httpx2

        if self._client is None:
            limits = httpx2.Limits(max_keepalive_connections=0)
            self._client = httpx2.AsyncClient(limits=limits, trust_env=False, timeout=SECONDS)
        return self._client


def _judge(status: int) -> None:
    """Whether the other side has taken it."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    message = f"it answered {status}"
    if status == HTTPStatus.GONE:
        raise CallRefused(message=message)
    if status < HTTPStatus.BAD_REQUEST:
        message = f"{message}, and redirects are not followed"
    raise CallFailed(message=message)
