"""What is told of the server itself."""

from pathlib import Path

import pytest
from tests.server.serving import flow, listening, node, service


async def test_the_root_names_the_service(tmp_path: Path) -> None:
    """`GET /` tells service, status, version and the time in UTC."""
    async with service(tmp_path) as here:
        body = await here.get("/")
        assert "Workflow Orchestration Service" == body["service"]
        assert "running" == body["status"]
        assert "1.0.0" == body["version"]
        assert "Z" == body["timestamp"][-1]
        assert 4 == len(body)


async def test_alive_and_ready(tmp_path: Path) -> None:
    """A server that can take work says so."""
    async with service(tmp_path) as here:
        assert {"status": "ok"} == await here.get("/healthz")
        assert {"status": "ready"} == await here.get("/readyz")


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz"])
async def test_a_head_is_answered(tmp_path: Path, path: str) -> None:
    """What watches a service by HEAD gets the answer of GET without its body."""
    async with listening(tmp_path) as here:
        head, get = await here.http.head(path), await here.http.get(path)
        assert (200, b"") == (head.status_code, head.content)
        assert get.headers["content-length"] == head.headers["content-length"]


async def test_a_faulty_journal_is_not_ready(tmp_path: Path) -> None:
    """When the journal cannot be written, `/readyz` says why, and new work is refused."""
    async with service(tmp_path) as here:
        here.engine.journal.fault = "the disk is full"
        ready = await here.http.get("/readyz")
        assert 503 == ready.status_code
        assert "the disk is full" == ready.json()["detail"]
        assert "5" == ready.headers["retry-after"]
        refused = await here.http.post("/api/workflows/execute", json={"workflow": flow()})
        assert 503 == refused.status_code
        here.engine.journal.fault = None


async def test_threads_that_do_not_come_back(tmp_path: Path) -> None:
    """When more than half of the threads are lost to nodes that nobody waits for, it says so."""
    async with service(tmp_path) as here:
        pool = here.engine.runner._pool  # type: ignore[attr-defined] # noqa: SLF001
        pool.abandoned = pool.size // 2
        assert {"status": "ready"} == await here.get("/readyz")
        pool.abandoned = pool.size // 2 + 1
        told = await here.get("/readyz", 503)
        assert f"abandoned {pool.size // 2 + 1} threads" in told["detail"]
        pool.abandoned = 0


async def test_a_stopping_server_is_not_ready(tmp_path: Path) -> None:
    """A server that stops is alive but takes no work."""
    async with service(tmp_path) as here:
        here.engine.closing = True
        assert "the server is stopping" == (await here.get("/readyz", 503))["detail"]
        assert {"status": "ok"} == await here.get("/healthz")
        body = {"workflow": flow(node("a", "give", value=1))}
        refused = await here.http.post("/api/workflows/execute", json=body)
        assert 503 == refused.status_code
        assert "5" == refused.headers["retry-after"]


async def test_unknown_paths_and_methods_are_json(tmp_path: Path) -> None:
    """What is not there is said in JSON with a text in `detail`."""
    async with service(tmp_path) as here:
        nowhere = await here.get("/nowhere", 404)
        assert "there is nothing at /nowhere" == nowhere["detail"]
        wrong = await here.http.put("/api/nodes/execute", json={})
        assert 405 == wrong.status_code
        assert "POST" in wrong.json()["detail"]
        assert "POST" in wrong.headers["allow"]
        assert (await here.get("/api/executions/", 404))["detail"]


async def test_the_documentation_asks_nothing_of_the_internet(tmp_path: Path) -> None:
    """`/docs` and all that it loads come from this server."""
    async with service(tmp_path) as here:
        page = (await here.http.get("/docs")).text
        assert "https://" not in page
        for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
            assert f"/docs/{name}" in page
            file = await here.http.get(f"/docs/{name}")
            assert 200 == file.status_code
            assert len(file.content) > 100
        assert 404 == (await here.http.get("/docs/other.js")).status_code
        assert "3.1.0" == (await here.get("/openapi.json"))["openapi"]


async def test_a_mistake_of_the_server_is_json(tmp_path: Path) -> None:
    """An error that nobody foresaw is a 500 in the same form."""
    async with service(tmp_path) as here:
        finder, here.app.state.finder = here.app.state.finder, None
        body = await here.post("/api/workflows/execute", {"workflowId": "a"}, 500)
        assert "INTERNAL" == body["code"]
        assert "/api/workflows/execute" in body["detail"]
        here.app.state.finder = finder
