"""`callbackUrl`: who is called at the end of an execution, and who may be."""

import asyncio
import base64
import hashlib
import hmac
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.server.serving import Service, flow, node, service
from tests.server.sink import Sent, listening_sink

from caudal_core.engine.telling import delivery
from caudal_core.journal.notice import CALLBACK, DUE, Notice

FLOW = flow(node("a", "give", value=5), node("out", "output"), name="Five", id="five")
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again at once."""
    monkeypatch.setattr(delivery, "FIRST_WAIT", 0.001)


def signature(sent: Sent, key: bytes) -> str:
    """What the signature of a call must be, by the words of Standard Webhooks."""
    stamp = sent.headers["webhook-timestamp"]
    content = f"{sent.headers['webhook-id']}.{stamp}.".encode() + sent.body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


async def settled(here: Service, execution_id: str) -> Any:
    """How the callback went, once that is known."""
    async with asyncio.timeout(30):
        while True:
            found = (await here.get(f"/api/executions/{execution_id}"))["callback"]
            if found["state"] in ("delivered", "failed"):
                return found
            await asyncio.sleep(0.01)


async def test_the_status_is_sent_signed(tmp_path: Path) -> None:
    """At the end the document of `GET /api/executions/{id}` is sent, with a signature."""
    allowed = {"egress_allow": ("127.0.0.1",), "callback_secret": SECRET}
    async with listening_sink() as sink, service(tmp_path, **allowed) as here:
        execution_id = await here.start(FLOW, callbackUrl=f"{sink.url}?a=1")
        [sent] = await sink.until(1)
        assert {"state": "delivered", "attempts": 1, "lastError": None} == (
            await settled(here, execution_id)
        )
        status = await here.get(f"/api/executions/{execution_id}")
        assert {key: value for key, value in status.items() if key != "callback"} == sent.json
        assert 5 == sent.json["finalOutput"]
        assert "POST /told?a=1 HTTP/1.1" == sent.line
        assert f"127.0.0.1:{sink.port}" == sent.headers["host"]
        assert "application/json" == sent.headers["content-type"]
        assert signature(sent, b"k" * 24) == sent.headers["webhook-signature"]


async def test_the_secret_of_the_folder_signs(tmp_path: Path) -> None:
    """Without a secret in the settings one is made, which only the server's user can read."""
    async with listening_sink() as sink, service(tmp_path, egress_allow=("127.0.0.1",)) as here:
        await here.run(FLOW, callbackUrl=sink.url)
        file = tmp_path / "data" / "callback.secret"
        [sent] = await sink.until(1)
        assert 0o600 == file.stat().st_mode & 0o777
        kept = file.read_text().strip()
    async with listening_sink() as sink, service(tmp_path, egress_allow=("127.0.0.1",)) as here:
        await here.run(FLOW, callbackUrl=sink.url)
        [again] = await sink.until(1)
    key = base64.b64decode(kept.removeprefix("whsec_"))
    for each in (sent, again):
        assert signature(each, key) == each.headers["webhook-signature"]


async def test_it_is_called_until_it_answers(tmp_path: Path) -> None:
    """What is no 2xx is tried again with the same id; a redirect is not followed."""
    async with listening_sink() as sink, service(tmp_path, egress_allow=("127.0.0.1",)) as here:
        elsewhere = f"http://127.0.0.1:{sink.port}/elsewhere"
        sink.answers = ["500 Broken", f"307 Go\r\nlocation: {elsewhere}", "429 Wait"]
        execution_id = await here.start(FLOW, callbackUrl=sink.url)
        assert {"state": "delivered", "attempts": 4, "lastError": None} == (
            await settled(here, execution_id)
        )
        assert {"POST /told HTTP/1.1"} == {sent.line for sent in sink.sent}
        assert 1 == len({sent.headers["webhook-id"] for sent in sink.sent})
        assert 1 == len({sent.body for sent in sink.sent})


async def test_how_it_goes_is_shown(tmp_path: Path) -> None:
    """A failure for good is told with its cause, after a restart too; others have no `callback`."""
    async with listening_sink() as sink, service(tmp_path, egress_allow=("127.0.0.1",)) as here:
        sink.answers = ["410 Gone"]
        execution_id = await here.start(FLOW, callbackUrl=sink.url)
        found = {"state": "failed", "attempts": 1, "lastError": "it answered 410"}
        assert found == await settled(here, execution_id)
        waiting = await here.start(flow(node("g", "gate")), callbackUrl=sink.url)
        status = await here.get(f"/api/executions/{waiting}")
        assert {"state": "waiting", "attempts": 0, "lastError": None} == status["callback"]
        assert "callback" not in await here.run(FLOW)
    async with service(tmp_path) as here:
        assert found == await settled(here, execution_id)


async def test_a_failed_and_a_cancelled_end_are_told_too(tmp_path: Path) -> None:
    """However an execution ends, its callback is called."""
    async with listening_sink() as sink, service(tmp_path, egress_allow=("127.0.0.1",)) as here:
        await here.run(flow(node("f", "fail")), callbackUrl=sink.url)
        held = await here.start(flow(node("g", "gate")), callbackUrl=sink.url)
        await here.until_running(held)
        await here.post(f"/api/executions/{held}/cancel")
        sent = await sink.until(2)
        assert ["failed", "cancelled"] == [each.json["status"] for each in sent]


async def test_no_proxy_of_the_environment_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call goes straight to its host, whatever the environment names as a proxy."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with listening_sink() as sink, service(tmp_path, egress_allow=("127.0.0.1",)) as here:
        await here.run(FLOW, callbackUrl=sink.url)
        await sink.until(1)


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ((), "http://127.0.0.1:1/x"),
        ((), "http://example.org/x"),
        (("10.0.0.0/8",), "http://127.0.0.1:1/x"),
        (("example.org",), "http://127.0.0.1:1/x"),
        (("10.0.0.0/8",), "http://localhost:1/x"),
        (("10.0.0.0/8",), "http://127.1:1/x"),
        (("10.0.0.0/8",), "http://0x7f000001:1/x"),
        (("10.0.0.0/8",), "http://[::1]:1/x"),
        (("10.0.0.0/8",), "http://[::ffff:127.0.0.1]:1/x"),
    ],
)
async def test_what_is_not_allowed_is_403(
    tmp_path: Path, allowed: tuple[str, ...], url: str
) -> None:
    """A host that no entry names or contains is refused, with what to do; nothing runs."""
    async with service(tmp_path, egress_allow=allowed) as here:
        body = {"workflow": FLOW, "callbackUrl": url}
        problem = await here.post("/api/workflows/execute", body, 403)
        assert "EGRESS_REFUSED" == problem["code"]
        assert "may not be called" in problem["detail"]
        assert "CAUDAL_EGRESS_ALLOW" in problem["hint"]
        assert [] == (await here.get("/api/executions"))["executions"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (7, "callbackUrl is a number"),
        ("ftp://example.org/x", "no URL that can be called"),
        ("http:///x", "no URL that can be called"),
        ("example.org", "no URL that can be called"),
        ("http://example.org:70000/", "no URL that can be called"),
        ("http://user:word@example.org/", "a user or a password in it"),
        ("http://" + "x" * 2_000, "2,007 characters"),
        ("http://[::1/", "callbackUrl is no URL"),
        ("http://no-such-host.invalid/", "cannot be found"),
    ],
)
async def test_what_makes_no_sense_is_422(tmp_path: Path, url: Any, said: str) -> None:
    """A callback that could never be called is refused with its reason; nothing runs."""
    async with service(tmp_path, egress_allow=("10.0.0.0/8",)) as here:
        body = {"workflow": FLOW, "callbackUrl": url}
        problem = await here.post("/api/workflows/execute", body, 422)
        assert said in problem["detail"]
        assert "word" not in problem["detail"].replace("password", "")
        assert [] == (await here.get("/api/executions"))["executions"]


@pytest.mark.parametrize("allowed", ["127.0.0.0/8", "localhost", "LOCALHOST."])
async def test_a_host_is_allowed_by_name_or_address(tmp_path: Path, allowed: str) -> None:
    """An entry is a name, an address or a CIDR."""
    async with listening_sink() as sink, service(tmp_path, egress_allow=(allowed,)) as here:
        url = f"http://localhost:{sink.port}/told"
        if "/" in allowed:
            url = sink.url
        await here.run(FLOW, callbackUrl=url)
        [sent] = await sink.until(1)
        assert url.partition("//")[2].partition("/")[0] == sent.headers["host"]


async def test_what_is_allowed_no_more_is_not_called(tmp_path: Path) -> None:
    """The host is looked at again when it is called: the settings may be others by then."""
    async with listening_sink() as sink:
        async with service(tmp_path, egress_allow=("127.0.0.1",)) as here:
            held = flow(node("g", "gate", rows=50))
            execution_id = await here.start(held, callbackUrl=sink.url)
        async with service(tmp_path) as here:
            await here.ended(execution_id)
            async with asyncio.timeout(30):
                while True:
                    status = await here.get(f"/api/executions/{execution_id}")
                    if status["callback"]["attempts"]:
                        break
                    await asyncio.sleep(0.01)
            assert "CAUDAL_EGRESS_ALLOW" in status["callback"]["lastError"]
            assert [] == sink.sent


async def test_nobody_but_the_operator_has_urls_called(tmp_path: Path) -> None:
    """A notice with a URL that the settings do not name goes the way of a callback."""
    async with listening_sink() as sink, service(tmp_path) as here:
        told = Notice("n", "failure", DUE, sink.url, None, None, None, None, 1, 0.0, 0.0)
        with pytest.raises(Exception, match="CAUDAL_EGRESS_ALLOW"):
            await here.app.state.caller.call(told, {})
        assert [] == sink.sent
        gone = Notice("n", CALLBACK, DUE, sink.url, "nobody", None, None, None, 1, 0.0, 0.0)
        with pytest.raises(Exception, match="not found"):
            await here.app.state.caller.call(gone, None)


def certificate(folder: Path, name: str) -> Path:
    """A certificate for a name, and its key, in one file; nobody vouches for it."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    pem = serialization.Encoding.PEM
    file = folder / "certificate.pem"
    file.write_bytes(key.private_bytes(pem, form, plain) + made.public_bytes(pem))
    return file


async def test_a_secure_call_names_its_host_and_checks_it(tmp_path: Path) -> None:
    """The connection goes to the address, the name stays in SNI, and a certificate must fit."""
    named: list[Any] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate(tmp_path, "localhost"))
    context.sni_callback = lambda _socket, name, _context: named.append(name)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server, service(tmp_path, egress_allow=("localhost",)) as here:
        url = f"https://localhost:{port}/told"
        told = Notice("n", "failure", DUE, url, None, None, None, None, 1, 0.0, 0.0)
        with pytest.raises(Exception, match="certificate verify failed"):
            await here.app.state.caller.call(told, {})
    assert {"localhost"} == set(named)
