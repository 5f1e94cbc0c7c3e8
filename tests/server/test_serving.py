"""Where the server listens, and how it is set up."""

import asyncio
import http.client
import resource
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import flow, listening, node

from caudal_core.errors import Unavailable
from caudal_server.listeners import listen
from caudal_server.openapi import document, text
from caudal_server.serving import raise_file_limit
from caudal_server.settings import InvalidSettings, load_settings


def test_localhost_is_both_loopback_addresses() -> None:
    """`localhost` listens on 127.0.0.1 and, where the machine has it, on ::1 at the same port."""
    with listen("localhost", 0) as found:
        ports = {made.getsockname()[1] for made in found.sockets}
        assert {found.port} == ports
        assert "127.0.0.1" == found.sockets[0].getsockname()[0]
        assert f"http://localhost:{found.port}" == found.url


def test_a_taken_port_is_named() -> None:
    """A port in use is said so, with what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(Unavailable, match=f"port {port} is in use"),
            listen("127.0.0.1", port),
        ):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])  # noqa: S104
def test_a_host_that_others_reach_is_refused(host: str) -> None:
    """Without credentials nothing but this machine may call."""
    with pytest.raises(InvalidSettings, match="this machine alone"), listen(host, 0):
        pass


async def test_a_plain_client_keeps_its_connection(tmp_path: Path) -> None:
    """Bare HTTP/1.1 to localhost: execute and polls go over one connection."""

    def client(port: int) -> str:
        connection = http.client.HTTPConnection("localhost", port, timeout=20)
        connection.connect()
        used = connection.sock
        headers = {"Content-Type": "application/json"}
        body = '{"workflow": {"nodes": [{"id": "a", "type": "give"}]}}'
        connection.request("POST", "/api/workflows/execute", body, headers)
        answer = connection.getresponse().read().decode()
        execution_id = answer.partition('"executionId":"')[2].partition('"')[0]
        for _ in range(20):
            connection.request("GET", f"/api/executions/{execution_id}?wait=1")
            answer = connection.getresponse().read().decode()
        assert used is connection.sock
        connection.close()
        return answer

    async with listening(tmp_path) as here:
        port = here.http.base_url.port
        assert port
        assert '"status":"completed"' in await asyncio.to_thread(client, port)


async def test_a_large_body_is_refused_in_json(tmp_path: Path) -> None:
    """A sender of too much reads why, although its body was not."""
    async with listening(tmp_path, max_body=10_000) as here:
        body = {"workflow": flow(node("a", "give", value="x" * 300_000))}
        answer = await here.http.post("/api/workflows/execute", json=body)
        assert 413 == answer.status_code
        assert "the limit is 10,000" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ((1024, 4096), (4096, 4096)),
        ((1024, 1_048_576), (65_536, 1_048_576)),
        ((1024, resource.RLIM_INFINITY), (65_536, resource.RLIM_INFINITY)),
        ((100_000, 1_048_576), None),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None),
    ],
)
def test_as_many_connections_as_the_system_allows(
    monkeypatch: pytest.MonkeyPatch, now: Any, wanted: Any
) -> None:
    """The soft limit of open files becomes the hard one, 65,536 at most, and is never lowered."""
    limits = [now]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: limits.append(limit))
    raise_file_limit()
    assert [now, *([wanted] if wanted else [])] == limits


def test_an_applications_env_file_may_lie_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names without the prefix mean nothing here; an odd encoding does no harm."""
    monkeypatch.chdir(tmp_path)
    lines = "# contraseña\nPORT=3001\nJWT_SECRET=your-secret-key\nCAUDAL_LOCALE=es-ES\n"
    (tmp_path / ".env").write_bytes(lines.encode("latin-1"))
    settings = load_settings()
    assert (8000, "es-ES") == (settings.port, settings.locale)
    monkeypatch.setenv("CAUDAL_PORT", "x")
    with pytest.raises(InvalidSettings, match="CAUDAL_PORT"):
        load_settings()


def test_the_openapi_document_is_whole() -> None:
    """Every operation has its own id and a summary, every reference leads somewhere."""
    found = document()
    operations = [operation for path in found["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(operation["summary"] for operation in operations)
    names = {part.partition('"')[0] for part in text().split("#/components/schemas/")[1:]}
    assert names <= set(found["components"]["schemas"])
    assert text() == text()
