"""`caudal serve`, and the client that speaks to it as a backend does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.server.cli.command import caudal
from tests.server.cli.process import EXAMPLES, running, taken_port

from caudal_core.errors import Unavailable
from caudal_server.cli.follow import Backend, Refused


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server with the examples, beside the environment file of an application."""
    folder = tmp_path_factory.mktemp("served")
    (folder / ".env").write_text("PORT=3001\nJWT_SECRET=your-secret-key\n")
    flags = ["--port", "0", "--data", "kept", "--workflows", str(EXAMPLES)]
    with running("serve", *flags, folder=folder, CAUDAL_FILE_ROOTS=EXAMPLES) as server:
        yield int(server.until(r"listening on http://localhost:(\d+)"))
        assert 0 == server.interrupt()
    assert (folder / "kept" / "caudal.db").is_file()


def test_workflow_of_the_folder_is_followed_to_its_end(port: int) -> None:
    """A workflow is executed by its id alone; polls tell its nodes until it has ended."""
    backend = Backend(port)
    accepted = backend.execute("price-filter")
    assert "pending" == accepted["status"]
    *_, last = backend.follow(accepted["executionId"], every=0.05)
    backend.close()
    assert "completed" == last["status"]
    assert ["prices", "expensive", "per-kwh", "result"] == [e["nodeId"] for e in last["logs"]]
    assert 120 <= last["finalOutput"][0]["Price (€/MWh)"]


def test_refusal_is_told_with_its_detail(port: int) -> None:
    """An answer that is no success raises with the text that the server gave."""
    backend = Backend(port)
    with pytest.raises(Refused, match="answered 404: Workflow nobody not found"):
        backend.execute("nobody")
    assert "running" == backend.ask("GET", "/")["status"]
    backend.close()


def test_server_that_is_not_there_is_told() -> None:
    """A call that nobody answers raises with its method and path."""
    with taken_port() as port:
        pass
    with pytest.raises(Unavailable, match="GET / was not answered: ConnectionRefusedError"):
        Backend(port).ask("GET", "/")


def test_example_answers_its_webhook(port: int) -> None:
    """The webhook example decides status, headers and body of the HTTP answer."""
    url = f"http://localhost:{port}/api/webhook/webhook-answer"
    over = httpx2.post(url, json={"meter": "0417", "kWh": 131.5, "limit": 120})
    assert (202, "0417") == (over.status_code, over.headers["X-Alarm"])
    assert {"meter": "0417", "alarm": True, "excess": 11.5} == over.json()
    under = httpx2.post(url, json={"meter": "0417", "kWh": 20, "limit": 120})
    assert (200, {"meter": "0417", "kWh": 20}) == (under.status_code, under.json())


def test_taken_port_is_told() -> None:
    """A port that is in use ends the start with 1 and says what to do."""
    with taken_port() as port:
        done = caudal("serve", "--port", str(port))
    assert 1 == done.exit_code
    assert f"port {port} is in use" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--database", "mysql+pymysql://me:hush@host/app"], "is of the kind 'mysql'"),
        (["--database", "nonsense"], "CAUDAL_DATABASE_URL is no database's address"),
        (["--host", "192.0.2.1"], "the host '192.0.2.1' is not this machine's own"),
        (["--port", "70000"], "'--port': Input should be less than or equal to 65535"),
        (["--port", "-1"], "'--port': Input should be greater than or equal to 0"),
        (["--workflows", "nowhere"], "dir 'nowhere' does not exist"),
        (["--runner", "embeded"], "did you mean 'embedded'?"),
    ],
)
def test_flag_that_does_not_fit_is_invalid(flags: list[str], said: str) -> None:
    """A flag that this version cannot follow exits with 2, says why, and leaves nothing behind."""
    done = caudal("serve", *flags)
    assert 2 == done.exit_code
    assert said in done.stderr
    assert [] == list(Path().iterdir())


def test_flags_win_over_the_environment(tmp_path: Path) -> None:
    """What a flag says counts, whatever the environment says; the data is where it says."""
    env: dict[str, str] = {"CAUDAL_PORT": "70000", "CAUDAL_DATA": "elsewhere"}
    with running("serve", "--port", "0", "--data", "here", folder=tmp_path, **env) as server:
        port = int(server.until(r"localhost:(\d+)"))
        body = json.loads(httpx2.get(f"http://127.0.0.1:{port}/").content)
        assert "Workflow Orchestration Service" == body["service"]
        assert 0 == server.interrupt()
    assert ["here"] == [path.name for path in tmp_path.iterdir()]


def test_what_is_set_in_vain_or_opens_the_server_is_told_at_the_start(tmp_path: Path) -> None:
    """Hosts that may call are named with what that means; so is each name without effect."""
    env: dict[str, str] = {
        "CAUDAL_ALLOWED_HOSTS": "caudal.example, 10.1.0.5",
        "CAUDAL_PROXIES": "10.1.0.1",
        "CAUDAL_PROT": "9000",
        "CAUDAL_XYZZY": "1",
    }
    with running("serve", "--port", "0", folder=tmp_path, **env) as server:
        server.until(r"listening on")
        assert 0 == server.interrupt()
    for said in (
        "whoever reaches caudal.example, 10.1.0.5 can do everything: this version asks nobody",
        "CAUDAL_PROXIES has no effect in this version",
        "CAUDAL_PROT is no setting; did you mean CAUDAL_PORT?",
        'event="CAUDAL_XYZZY is no setting"',
    ):
        assert said in server.said
    with running("serve", "--port", "0", folder=tmp_path) as server:
        server.until(r"listening on")
        assert 0 == server.interrupt()
    assert "can do everything" not in server.said


def test_a_folder_of_workflows_that_is_missing_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder that the environment names and that is not there stops the start, by its name."""
    monkeypatch.setenv("CAUDAL_WORKFLOWS", "nowhere")
    done = caudal("serve", "--port", "0")
    assert 2 == done.exit_code
    assert "CAUDAL_WORKFLOWS: nowhere is no folder" in done.stderr


@pytest.mark.parametrize(
    "source",
    [
        "http://[::1/{id}",
        "postgresql+psycopg://u:hush@h:port/db",
        "postgresql+psycopg://u:pa@ss:hush@host/db",
        "https://u:pa/hush@host/{id}",
    ],
)
def test_a_source_that_cannot_be_read_is_told_without_its_secret(
    monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """An address that makes no sense stops the start with 2; its password is not repeated."""
    monkeypatch.setenv("CAUDAL_WORKFLOW_SOURCE", source)
    done = caudal("serve", "--port", "0")
    assert 2 == done.exit_code
    assert done.stderr.startswith("✗ CAUDAL_WORKFLOW_SOURCE is ")
    assert "hush" not in done.output
