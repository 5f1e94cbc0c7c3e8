"""HTTP below the application."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.server.raw import connected, post
from tests.server.serving import flow, listening, node

from caudal_server import protocol

EXECUTE = "/api/workflows/execute"
INLINE = json.dumps({"workflow": flow(node("a", "give", value=1))}).encode()
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SOCKET = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"FOO / HTTP/1.1\r\n\r\n", "Invalid method"),
        (b"GET /%b HTTP/1.1\r\n\r\n" % (b"a" * 100_000), "url is too long"),
        (b"GET /\xc3\xb1 HTTP/1.1\r\n\r\n", "Invalid char in url"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", "Content-Length"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", "invalid url"),
        (b"\x16\x03\x01\x02\x00\x01", "Invalid method"),
    ],
    ids=lambda value: value[:12].decode("latin-1") if isinstance(value, bytes) else "",
)
async def test_what_is_no_http_is_answered_in_json(tmp_path: Path, sent: bytes, words: str) -> None:
    """What cannot be read is 400 in the usual form, with the reason, and the end."""
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        answer = await raw.ask(sent)
        assert (400, 400) == (answer.status, answer.json["status"])
        assert words in answer.json["detail"]
        assert b"" == await raw.rest()


@pytest.mark.parametrize("offer", ["websocket", "h2c"])
@pytest.mark.parametrize("cut", [0, 20, len(INLINE)])
async def test_an_offer_in_vain_is_served_as_plain_http(
    tmp_path: Path, offer: str, cut: int
) -> None:
    """Only a GET becomes a WebSocket, and nothing HTTP/2: the call is answered, its body read."""
    call = post(EXECUTE, INLINE, "Connection: Upgrade, HTTP2-Settings", f"Upgrade: {offer}")
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        await raw.send(call[: len(call) - cut])
        await asyncio.sleep(0)
        answer = await raw.ask(call[len(call) - cut :])
        assert (200, True) == (answer.status, answer.json["success"])
        assert 200 == (await raw.ask(call + HEALTH)).status
        assert {"status": "ok"} == (await raw.answer()).json


async def test_half_a_header_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who begins a call and does not go on is answered 408, on a used connection too."""
    monkeypatch.setattr(protocol, "HEADER_SECONDS", 0.1)
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        assert 200 == (await raw.ask(HEALTH)).status
        answer = await raw.ask(HEALTH[:20])
        assert (408, "close") == (answer.status, answer.headers["connection"])
        assert "the headers of the call did not come within 0.1 s" == answer.json["detail"]
        assert b"" == await raw.rest()


async def test_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who connects and says nothing is not kept."""
    monkeypatch.setattr(protocol, "HEADER_SECONDS", 0.1)
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        assert b"" == await raw.rest()


async def test_the_rest_of_an_answered_call_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that nobody reads keeps no connection open by never ending."""
    monkeypatch.setattr(protocol, "HEADER_SECONDS", 0.1)
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        assert 404 == (await raw.ask(post("/nothing", length=100))).status
        await raw.send(b"x")
        assert b"" == await raw.rest()


async def test_the_rest_of_an_answered_call_does_no_harm(tmp_path: Path) -> None:
    """A body that comes after its answer is skipped, and the next call is answered."""
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        assert 404 == (await raw.ask(post("/nothing", length=100))).status
        assert 200 == (await raw.ask(b"x" * 100 + HEALTH)).status


async def test_a_socket_is_under_no_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clocks of HTTP end where a connection becomes a WebSocket."""
    monkeypatch.setattr(protocol, "HEADER_SECONDS", 0.05)
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        assert 200 == (await raw.ask(HEALTH)).status
        assert 101 == (await raw.ask(SOCKET)).status
        await asyncio.sleep(0.2)  # nothing tells of a clock that is not there
        await here.start(flow(node("a", "give", value=1)))
        assert b"execution_progress" in await raw.reader.readuntil(b"execution_progress")
