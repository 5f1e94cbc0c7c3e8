"""Puts what is large where large values are kept, and waits for room where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from caudal_core.errors import Unavailable
from caudal_core.payload import Payload, TablePayload
from caudal_core.tables.columns import Columns

FIRST_WAIT = 0.05
LONGEST_WAIT = 2.0


class Keeper:
    """`put` stores bytes and names them (null: nothing is kept); `in_thread` runs what blocks.

    `reopen` gives a table that was put from where it is kept, if that is a file: it then needs no
    memory of its own.
    """

    def __init__(
        self,
        put: Callable[[bytes | memoryview], str] | None,
        in_thread: Callable[[Callable[[], Any]], Awaitable[Any]],
        reopen: Callable[[str], Columns | None] = lambda _: None,
    ) -> None:
        self.keeps = put is not None
        self._put = put
        self._in_thread = in_thread
        self._reopen = reopen
        self._waiting = 0
        self._why = ""

    @property
    def fault(self) -> str | None:
        """Why results wait for room, if they do."""
        return self._why if self._waiting else None

    def wants(self, payload: Payload) -> bool:
        """Whether it is to be kept elsewhere and is not yet."""
        return self.keeps and payload.large and payload.ref is None

    async def keep(self, payload: Payload) -> None:
        """Keep one if it is large; where that fails it is tried until it succeeds."""
        try:
            await self._keep(payload)
        except OSError as error:
            self._why = f"a result cannot be written: {error}"
            self._waiting += 1
            try:
                await self._keep_at_last(payload)
            finally:
                self._waiting -= 1

    async def _keep_at_last(self, payload: Payload) -> None:
        delay = FIRST_WAIT
        while self.wants(payload):
            await asyncio.sleep(delay)
            delay = min(LONGEST_WAIT, delay * 2)
            try:
                await self._keep(payload)
            except OSError as error:
                self._why = f"a result cannot be written: {error}"

    async def keep_now(self, payload: Payload) -> None:
        """Keep one if it is large; `Unavailable` where that fails."""
        try:
            await self._keep(payload)
        except OSError as error:
            raise Unavailable(message=f"the inputs cannot be written: {error}") from error

    async def _keep(self, payload: Payload) -> None:
        if self._put is not None and self.wants(payload):
            payload.ref = await self._in_thread(partial(self._stored, self._put, payload))

    def _stored(self, put: Callable[[bytes | memoryview], str], payload: Payload) -> str:
        name = put(payload.content())
        if isinstance(payload, TablePayload) and (table := self._reopen(name)) is not None:
            payload.moved(table)
        return name
