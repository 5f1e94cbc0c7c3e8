"""Bodies of requests: how long they may take, how large they may be, who waits for them."""

import asyncio
import json
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import pytest
from tests.server.raw import connected, post
from tests.server.serving import flow, listening, node, service

from caudal_server import bodies

EXECUTE = "/api/workflows/execute"
INLINE = json.dumps({"workflow": flow(node("a", "give", value=1))}).encode()
CONTINUE = "Expect: 100-continue"


async def test_a_silent_body_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who begins a body and does not go on is answered 408."""
    monkeypatch.setattr(bodies, "SILENT", 0.1)
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        answer = await raw.ask(post(EXECUTE, b"{", length=20))
        assert (408, "TOO_SLOW", "close") == (
            answer.status,
            answer.json["code"],
            answer.headers["connection"],
        )
        assert "0.1 s of silence" in answer.json["detail"]
        assert b"" == await raw.rest()


async def test_a_dripping_body_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that never pauses for long is not waited for either, if it takes too long in all."""
    monkeypatch.setattr(bodies, "LONGEST", 0.3)

    async with listening(tmp_path, memory=True) as here, connected(here) as raw:

        async def drip() -> None:
            while True:
                await raw.send(b" ")
                await asyncio.sleep(0.02)

        await raw.send(post(EXECUTE, length=1_000_000))
        dripping = asyncio.create_task(drip())
        assert 408 == (await raw.answer()).status
        dripping.cancel()


@pytest.mark.parametrize("part", [b"", b"{"])
async def test_who_sends_while_the_server_stops_hears_so(tmp_path: Path, part: bytes) -> None:
    """A stopping server waits for nobody's body: 503 in JSON, with the time to come again."""
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        await raw.send(post(EXECUTE, part, length=20))
        here.app.state.stopping.set()
        answer = await raw.answer()
        assert (503, "5") == (answer.status, answer.headers["retry-after"])
        assert "the server is stopping" in answer.json["detail"]


@pytest.mark.parametrize(
    ("length", "headers"), [(8 * 1000 + 1, []), (1001, [CONTINUE]), (10**15, [CONTINUE])]
)
async def test_too_much_is_refused_before_it_comes(
    tmp_path: Path, length: int, headers: list[str]
) -> None:
    """Who says that far too much comes, or asks whether it may, is answered 413 at once."""
    async with listening(tmp_path, memory=True, max_body=1000) as here, connected(here) as raw:
        answer = await raw.ask(post(EXECUTE, b"", *headers, length=length))
        assert 413 == answer.status
        assert f"the body has {length:,} bytes; the limit is 1,000" == answer.json["detail"]


@pytest.mark.parametrize("announced", [True, False])
async def test_a_limit_holds_for_what_comes_in_one_piece(
    tmp_path: Path, *, announced: bool
) -> None:
    """A body that is whole before anybody looks is measured as any other: 413, in either form."""
    body = b'{"workflowId": "%b"}' % (b"x" * 1000)
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    head = f"POST {EXECUTE} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = post(EXECUTE, body) if announced else head.encode() + chunks
    async with listening(tmp_path, memory=True, max_body=1000) as here, connected(here) as raw:
        answer = await raw.ask(sent)
        assert 413 == answer.status
        assert f"the body has {len(body):,} bytes; the limit is 1,000" == answer.json["detail"]


async def test_who_asks_is_told_to_go_on(tmp_path: Path) -> None:
    """`Expect: 100-continue` with a body that fits is answered so, and then the body is read."""
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        assert 100 == (await raw.ask(post(EXECUTE, b"", CONTINUE, length=len(INLINE)))).status
        assert 200 == (await raw.ask(INLINE)).status


async def test_a_large_body_needs_no_reading_thread(tmp_path: Path) -> None:
    """What reads the store may be busy: a large body is parsed all the same."""
    body = {"nodeType": "give", "inputData": "x" * (2 * bodies.SMALL_BODY)}
    async with service(tmp_path) as here, Held(here.engine.read, 8):
        answer = await here.post("/api/nodes/execute", body)
        assert body["inputData"] == answer["output"]["outputData"]


async def test_large_bodies_keep_nobody_from_reading(tmp_path: Path) -> None:
    """While large bodies are parsed, what is stored is read all the same."""
    async with service(tmp_path) as here:
        await here.run(flow(node("a", "give", value=1), id="w"))
        async with Held(here.app.state.parsing.run, 8):
            assert 1 == (await here.get("/api/workflows/w/executions"))["total"]


class Held(AsyncExitStack):
    """So many calls of `run` that do not end before this does."""

    def __init__(self, run: Any, count: int) -> None:
        super().__init__()
        self._run = run
        self._count = count
        self._go = threading.Event()

    async def __aenter__(self) -> Self:
        calls = [asyncio.ensure_future(self._run(self._go.wait)) for _ in range(self._count)]
        await asyncio.sleep(0)  # they are with the threads now

        async def end() -> None:
            self._go.set()
            await asyncio.gather(*calls)

        self.push_async_callback(end)
        return await super().__aenter__()
