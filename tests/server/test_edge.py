"""Who may call a server that asks nobody who they are."""

import json
from pathlib import Path

import pytest
import websockets
from tests.server.hooks import Hook, with_hook
from tests.server.raw import connected
from tests.server.serving import flow, listening, node, service

from caudal_server.settings import InvalidSettings, load_settings


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("LocalHost:1", 200),
        ("127.0.0.1:8000", 200),
        ("127.9.8.7", 200),
        ("[::1]", 200),
        ("[::1]:8000", 200),
        ("caudal.example", 403),
        ("caudal.example:8000", 403),
        ("localhost.example:8000", 403),
        ("127.0.0.1.example", 403),
        ("localhost@evil.example", 403),
        ("localhost:8000:80", 403),
        ("localhost:x", 403),
        ("192.168.1.5:8000", 403),
        ("0.0.0.0:8000", 403),
        ("[::]:8000", 403),
        ("[::1", 403),
        ("::1", 403),
        ("[127.0.0.1]", 403),
        ("", 403),
    ],
)
async def test_a_host_is_this_machine(tmp_path: Path, host: str, status: int) -> None:
    """`Host` names this machine by one of its own names, at any port; all else is 403."""
    async with service(tmp_path, memory=True) as here:
        body = await here.get("/healthz", status, headers={"Host": host})
        if status == 403:
            assert "FOREIGN_CALL" == body["code"]
            assert f"Host is '{host}'" in body["detail"]
            assert "made loopback public" in body["detail"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("https://127.0.0.1", 200),
        ("http://[::1]:5173", 200),
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("localhost:3000", 403),
        ("", 403),
    ],
)
async def test_an_origin_is_this_machine(tmp_path: Path, origin: str, status: int) -> None:
    """A page of another site may not call, though a browser of this machine calls for it."""
    async with service(tmp_path, memory=True) as here:
        body = {"workflow": flow(node("a", "give", value=1))}
        headers = {"Origin": origin, "Content-Type": "text/plain"}
        answer = await here.post("/api/workflows/execute", body, status, headers=headers)
        assert (status == 200) == ("executionId" in answer)
        assert (status != 200) == ("Origin is" in answer.get("detail", ""))


@pytest.mark.parametrize(
    "name", ["Forwarded", "Via", "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Host"]
)
async def test_a_proxy_is_told_from_this_machine(tmp_path: Path, name: str) -> None:
    """A call that a proxy hands on is 403, and the text names the header and the cause."""
    async with service(tmp_path, memory=True) as here:
        body = await here.get("/api/executions", 403, headers={name: "1.2.3.4"})
        assert "FORWARDED_CALL" == body["code"]
        assert f"carries {name.lower()}: a proxy has made loopback public" in body["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "caudal.example"}, 200),
        ({"Host": "CAUDAL.example.:8000"}, 200),
        ({"Host": "10.1.0.5:8000"}, 200),
        ({"Host": "[fd00::5]:8000"}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "caudal.example", "X-Forwarded-For": "1.2.3.4"}, 200),
        ({"Host": "caudal.example", "Origin": "https://caudal.example"}, 200),
        ({"Host": "localhost", "Origin": "https://caudal.example"}, 200),
        ({"Host": "localhost", "X-Forwarded-For": "1.2.3.4"}, 403),
        ({"Host": "x.caudal.example"}, 403),
        ({"Host": "caudal.example.evil.example"}, 403),
        ({"Host": "caudal.example", "Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example", "X-Forwarded-Host": "caudal.example"}, 403),
        ({"Host": "10.1.0.6"}, 403),
    ],
)
async def test_the_operator_names_other_hosts(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    """`CAUDAL_ALLOWED_HOSTS` opens those names and no others; a proxy may hand them on."""
    hosts = "caudal.example, 10.1.0.5, fd00::5"
    async with service(tmp_path, memory=True, allowed_hosts=hosts) as here:
        body = await here.get("/healthz", status, headers=headers)
        assert (status == 403) == ("CAUDAL_ALLOWED_HOSTS" in body.get("hint", ""))


@pytest.mark.parametrize("wrong", ["https://a.example", "a.example:80", "*", "a b", "1.2.3", "ñ"])
def test_a_name_that_no_host_has_is_refused(tmp_path: Path, wrong: str) -> None:
    """The start says which one is wrong, and how to write it."""
    with pytest.raises(InvalidSettings, match="is no name of a host; write"):
        load_settings(allowed_hosts=f"good.example,{wrong}", data=tmp_path)


async def test_a_caller_without_host_is_taken(tmp_path: Path) -> None:
    """HTTP/1.0 knows no `Host`, and no browser leaves it out."""
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        assert 200 == (await raw.ask(b"GET /healthz HTTP/1.0\r\n\r\n")).status


async def test_every_host_that_is_given_counts(tmp_path: Path) -> None:
    """A second `Host` smuggles nothing through."""
    async with listening(tmp_path, memory=True) as here, connected(here) as raw:
        lines = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
        assert 403 == (await raw.ask(lines)).status


def test_webhooks_are_no_exception(tmp_path: Path) -> None:
    """A webhook takes no call of another site, and nothing is started."""

    async def test(hook: Hook) -> None:
        workflow = flow(node("in", "webhook"))
        refused = await hook.call(workflow, headers={"Origin": "https://evil.example"})
        assert 403 == refused.status_code
        assert 0 == (await hook.service.get("/api/workflows/w/executions"))["total"]

    with_hook(tmp_path, test)


@pytest.mark.parametrize(
    ("path", "origin", "status", "words"),
    [
        ("/ws", "https://evil.example", 403, "Origin is 'https://evil.example'"),
        ("/nothing", "http://localhost:3000", 404, "there is no WebSocket at /nothing"),
        ("/api/executions", None, 404, "there is no WebSocket at /api/executions"),
    ],
)
async def test_a_socket_is_refused_in_json(
    tmp_path: Path, path: str, origin: str | None, status: int, words: str
) -> None:
    """A WebSocket of another site is 403, one to another path 404, both in the usual form."""
    async with listening(tmp_path, memory=True) as here:
        url = str(here.http.base_url).replace("http://", "ws://").rstrip("/")
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"{url}{path}", additional_headers=_origin(origin))
        answer = refused.value.response
        assert (status, "application/json") == (answer.status_code, answer.headers["content-type"])
        assert words in json.loads(answer.body or b"")["detail"]


async def test_a_refused_socket_is_no_error_of_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody fills the log with errors by calling what is not there."""
    async with listening(tmp_path, memory=True) as here:
        url = str(here.http.base_url).replace("http://", "ws://").rstrip("/")
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(f"{url}/nothing")
    assert [] == [record.message for record in caplog.records if record.levelname == "ERROR"]


def _origin(origin: str | None) -> dict[str, str]:
    return {} if origin is None else {"Origin": origin}


async def test_a_socket_of_this_machine_is_taken(tmp_path: Path) -> None:
    """A page that this machine serves may listen."""
    async with listening(tmp_path, memory=True) as here:
        url = str(here.http.base_url).replace("http://", "ws://").rstrip("/")
        headers = {"Origin": "http://localhost:3000"}
        async with websockets.connect(f"{url}/ws?executionId=x", additional_headers=headers) as one:
            assert "execution_error" == json.loads(await one.recv())["type"]
