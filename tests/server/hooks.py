"""A service whose webhook is called."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
from tests.server.serving import Service, fail, flow, gate, node, rows, service

from caudal_builtin.plugin import caudal_handlers


class Hook:
    """A service with one workflow, and its webhook."""

    def __init__(self, found: Service) -> None:
        self.service = found

    async def call(
        self, workflow: Any, path: str = "", method: str = "POST", **options: Any
    ) -> httpx2.Response:
        """Save the workflow, call its webhook."""
        saved = await self.service.http.put("/api/workflows/w", json=workflow)
        assert saved.is_success, saved.text
        return await self.service.http.request(method, f"/api/webhook/w{path}", **options)

    async def output(self, answer: httpx2.Response) -> Any:
        """The final output of the execution that the answer names."""
        assert 200 == answer.status_code, answer.text
        return (await self.service.ended(answer.json()["executionId"]))["finalOutput"]

    async def begun(self) -> str:
        """The id of the one execution, once one of its nodes runs."""
        begun = asyncio.Event()
        unlisten = self.service.engine.listen(lambda *_: begun.set())
        await begun.wait()
        unlisten()
        execution_id = self.service.engine.unfinished[0].id
        await self.service.until_running(execution_id)
        return execution_id


def with_hook(
    folder: Path, test: Callable[[Hook], Awaitable[None]], *own: Any, **settings: Any
) -> None:
    """Run a test against a service of its own with the installed handlers and some more."""
    taken = {item.type for item in own}
    installed = [item for item in caudal_handlers() if item.type not in taken]

    async def run() -> None:
        async with service(folder, *installed, rows, fail, gate, *own, **settings) as found:
            await test(Hook(found))

    asyncio.run(run())


def answering(*between: Any, **config: Any) -> dict[str, Any]:
    """A workflow that takes a call and answers it."""
    named = {f"webhookResponse{key[0].upper()}{key[1:]}": value for key, value in config.items()}
    return flow(node("in", "webhook"), *between, node("out", "webhookResponse", **named))
