"""Bad requests: JSON that is none, and clients that are slow, go away or speak no HTTP."""

from __future__ import annotations

import json
import socket
from time import monotonic, sleep

import pytest
from tests.acceptance.client import LONGEST
from tests.acceptance.flows import flow, node
from tests.acceptance.serving import Server

EXECUTE = "/api/workflows/execute"
INLINE = json.dumps({"workflow": flow([node("t", "trigger")])}).encode()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ('{"workflowId": "x", "inputs": {"v": NaN}}', "NaN"),
        ('{"workflowId": "x", "inputs": {"v": -Infinity}}', "-Infinity"),
        ('{"workflowId": "x", "inputs": {"v": 1e999}}', "1e999"),
        ('{"workflowId": "x", "workflowId": "y"}', "'workflowId' twice"),
        ('{"workflowId": "x", "inputs": {"v": "\\ud800"}}', "surrogate"),
        ('{"workflowId": "x", "inputs": {"\\udc00": 1}}', "surrogate"),
        ('{"workflowId": "x", "inputs": {"v": "\\u0000"}}', "NUL"),
        ('{"workflowId": "x", "inputs": {"v": %s}}' % ("[" * 500 + "]" * 500), "deep"),
        ('{"workflowId": "x", "inputs": %s' % ('{"a":' * 100_000), "deep"),
        ('{"workflowId": "x", "inputs": {"v": %s}}' % ("9" * 5_000), "too long"),
        ('{"workflowId": "x",}', "not JSON"),
        ("{'workflowId': 'x'}", "not JSON"),
        ('{"workflowId": "x"} trailing', "not JSON"),
    ],
    ids=lambda value: value[:40] if len(value) < 60 else value[-20:],
)
def test_json_that_is_none(server: Server, text: str, words: str) -> None:
    """What other readers take in silence is refused, and the text says what it was."""
    body = server.post(EXECUTE, text.encode(), 422)
    assert words in body["detail"]


def test_many_keys_of_which_one_comes_twice(server: Server) -> None:
    """A key that comes twice is found among very many without making others wait."""
    keys = ",".join(f'"k{number}":1' for number in range(200_000))
    text = f'{{"workflowId": "x", "inputs": {{{keys},"k199999":2}}}}'
    assert "'k199999' twice" in server.post(EXECUTE, text.encode(), 422)["detail"]


def test_a_byte_order_mark_is_no_harm(server: Server) -> None:
    """A body that begins with a byte order mark is read."""
    text = json.dumps({"workflow": flow([node("t", "trigger")])})
    assert server.post(EXECUTE, b"\xef\xbb\xbf" + text.encode())["success"]


# -- clients ---------------------------------------------------------------------------------------


def raw(server: Server) -> socket.socket:
    """A bare connection."""
    return socket.create_connection(("localhost", server.port), timeout=LONGEST)


def answered(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    while part := connection.recv(65_536):
        found += part
    return found


def call(body: bytes, *headers: str) -> bytes:
    """A call of `execute` as bytes, after which the connection is closed."""
    lines = [
        f"POST {EXECUTE} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize("size", [8_000, 60_000, 1_000_000])
def test_a_huge_header(server: Server, size: int) -> None:
    """A header of any size gets an answer, and the server goes on."""
    with raw(server) as connection:
        connection.sendall(call(INLINE, f"X-Long: {'x' * size}"))
        status = answered(connection).split(b" ")[1]
    assert status in {b"200", b"400", b"431"}
    assert "running" == server.get("/")["status"]


def test_a_slow_client(server: Server) -> None:
    """A client that sends its call in small pieces is answered like others."""
    whole = call(INLINE)
    with raw(server) as connection:
        for begin in range(0, len(whole), 24):
            connection.sendall(whole[begin : begin + 24])
            sleep(0.02)
        assert answered(connection).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("part", [10, 90, 140])
def test_a_client_that_goes_away(server: Server, part: int) -> None:
    """One that leaves in the middle of its call starts nothing and harms nobody."""
    body = json.dumps({"workflow": flow([node("t", "trigger")], id="gone")}).encode()
    with raw(server) as connection:
        connection.sendall(call(body)[:part])
    assert "running" == server.get("/")["status"]
    assert [] == server.get("/api/executions?workflowId=gone")["executions"]
    assert "Traceback" not in server.said


def test_a_client_that_does_not_wait_for_its_answer(server: Server) -> None:
    """What was sent whole is executed, whether or not somebody waits for the answer."""
    body = json.dumps({"workflow": flow([node("t", "trigger")], id="left")}).encode()
    with raw(server) as connection:
        connection.sendall(call(body))
    path = "/api/executions?workflowId=left&status=completed"
    until = monotonic() + LONGEST
    while not server.get(path)["executions"]:
        assert monotonic() < until
        sleep(0.02)
    assert 1 == len(server.get(path)["executions"])
    assert "Traceback" not in server.said


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_http(server: Server, sent: bytes) -> None:
    """Bytes that are no HTTP end that connection alone."""
    with raw(server) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert not answered(connection).startswith(b"HTTP/1.1 200")
    assert "running" == server.get("/")["status"]
