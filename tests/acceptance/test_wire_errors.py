"""Errors are JSON with a text in `detail`, whoever makes them and whatever was asked."""

from __future__ import annotations

from typing import Any

import pytest
from tests.acceptance.flows import flow, node
from tests.acceptance.serving import Server, serving

EXECUTE = "/api/workflows/execute"


def refused(server: Server, method: str, path: str, body: Any, status: int, **headers: str) -> str:
    """The `detail` of an answer that must be an error."""
    found = server.ask(method, path, body, **headers).expect(status)
    assert isinstance(found["detail"], str)
    assert found["detail"]
    return str(found["detail"])


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/", "/api/executions/", "/api/nodes/x"])
def test_unknown_paths(server: Server, path: str) -> None:
    """What is not there is 404."""
    assert path in refused(server, "GET", path, None, 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", EXECUTE),
        ("DELETE", "/"),
        ("PUT", "/api/nodes/execute"),
        ("GET", "/api/executions/x/cancel"),
        ("POST", "/api/executions/x/logs"),
    ],
)
def test_wrong_methods(server: Server, method: str, path: str) -> None:
    """A method that is not possible is 405, and says which are."""
    assert method in refused(server, method, path, None, 405)
    assert server.ask(method, path).headers["allow"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"{", "line 1, column 2"),
        (b'{"workflowId": }', "not JSON"),
        (b"workflowId=1", "not JSON"),
        (b"[]", "a list"),
        (b'"x"', "a text"),
        (b"null", "null"),
        (b"7", "a number"),
        (b"{}", "workflowId is missing"),
        (b'{"workflowId": ""}', "workflowId is missing"),
        (b'{"workflowId": {}}', "workflowId is an object"),
        (b'{"workflowId": "x", "inputs": []}', "inputs is a list"),
        (b'{"workflow": "x"}', "workflow is a text"),
        (b'{"workflowId": "\xff"}', "not UTF-8"),
    ],
)
def test_bad_bodies(server: Server, body: bytes, words: str) -> None:
    """A body that is not what is expected is 422 and says what it is."""
    assert words in refused(server, "POST", EXECUTE, body, 422)


@pytest.mark.parametrize("path", [EXECUTE, "/api/nodes/execute", "/api/workflows/validate"])
def test_no_body(server: Server, path: str) -> None:
    """A call without a body is refused like one with an empty body."""
    assert "empty" in refused(server, "POST", path, None, 422)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png"])
def test_another_content_type(server: Server, kind: str) -> None:
    """JSON is read as JSON under any content type; what is none is refused in JSON."""
    body = b'{"workflowId": "nobody"}'
    wanted = {"Content_Type": kind}
    assert "Workflow nobody" in refused(server, "POST", EXECUTE, body, 404, **wanted)
    assert "not JSON" in refused(server, "POST", EXECUTE, b"a=1", 422, **wanted)


@pytest.mark.parametrize("path", ["/api/workflows/nobody", "/api/handlers/nobody"])
def test_unknown_things(server: Server, path: str) -> None:
    """What has an id that nobody has is 404, with the id."""
    assert "nobody" in refused(server, "GET", path, None, 404)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=many", "limit=1e3", "limit=99999999999999999999"]
)
def test_bad_parameters(server: Server, query: str) -> None:
    """A parameter that cannot be meant is 422 and is named."""
    assert "limit" in refused(server, "GET", f"/api/workflows/x/executions?{query}", None, 422)


def test_a_body_that_is_too_large(tmp_path: Any) -> None:
    """A body above CAUDAL_MAX_BODY is 413 and names both sizes; the connection may be used on."""
    with serving(tmp_path, CAUDAL_MAX_BODY="2000") as server:
        body = {"workflow": flow([node("t", "trigger", text="x" * 3_000)])}
        detail = refused(server, "POST", EXECUTE, body, 413)
        assert "2,000" in detail
        assert "running" == server.get("/")["status"]
        small = {"workflow": flow([node("t", "trigger")])}
        assert server.post(EXECUTE, small)["success"]


def test_one_connection_serves_all(server: Server) -> None:
    """Errors do not end the connection: what follows on it is answered."""
    for _ in range(3):
        server.get("/nothing", 404)
        server.post(EXECUTE, b"{", 422)
        assert "running" == server.get("/")["status"]
    assert "close" != server.ask("GET", "/nothing").headers.get("connection")
