"""`GET /api/executions/{id}`."""

import asyncio
from pathlib import Path

from tests.server.serving import flow, node, service

KEYS = {
    "executionId",
    "workflowId",
    "status",
    "createdAt",
    "startedAt",
    "completedAt",
    "currentNodeId",
    "error",
    "progress",
    "logs",
    "finalOutput",
}


async def test_the_status_has_every_field(tmp_path: Path) -> None:
    """A completed execution's status is the document that pollers know."""
    async with service(tmp_path) as here:
        status = await here.run(flow(node("a", "rows", rows=2), node("out", "output")))
        assert set(status) >= KEYS
        assert {
            "totalNodes": 2,
            "completedNodes": 2,
            "failedNodes": 0,
            "percentage": 100,
        } == status["progress"]
        assert [{"n": 0, "text": "x"}, {"n": 1, "text": "x"}] == status["finalOutput"]
        assert status["currentNodeId"] is status["error"] is None
        assert "Z" == status["createdAt"][-1]
        entry = status["logs"][0]
        assert "inputData" not in entry
        assert {
            "success": True,
            "message": "made 2 rows",
            "outputData": status["finalOutput"],
            "made": 2,
        } == entry["outputData"]


async def test_a_failure_names_node_cause_and_remedy(tmp_path: Path) -> None:
    """`error` is «label (id): cause; what to do»; what depends on the node is skipped."""
    async with service(tmp_path) as here:
        failing = {**node("f", "fail"), "label": "Pump"}
        status = await here.run(flow(failing, node("out", "output")))
        assert "failed" == status["status"]
        assert "Pump (f): the tank is empty; fill it" == status["error"]
        assert ["failed", "skipped"] == [entry["status"] for entry in status["logs"]]
        failed, skipped = status["logs"]
        assert "the tank is empty; fill it" == failed["error"] == failed["outputData"]["error"]
        assert failed["outputData"]["success"] is False
        assert skipped["outputData"] is None


async def test_a_running_node_is_the_current_one(tmp_path: Path) -> None:
    """While a node runs it is `currentNodeId`, its entry has no result, its progress shows."""
    async with service(tmp_path) as here:
        execution_id = await here.start(flow(node("a", "give", value=1), node("g", "gate")))
        status = await here.until_running(execution_id)
        while "g" != status["currentNodeId"] or "progress" not in status["logs"][-1]:
            await asyncio.sleep(0.01)
            status = await here.get(f"/api/executions/{execution_id}")
        entry = status["logs"][-1]
        assert ("running", None) == (entry["status"], entry["outputData"])
        assert {"done": 1, "total": 4, "message": "a quarter"} == entry["progress"]
        assert [{"level": "info", "message": "waiting"}] == entry["log"]
        assert status["finalOutput"] is None


async def test_only_the_last_ten_are_shown(tmp_path: Path) -> None:
    """`logs` are the last ten entries, in the order of time."""
    async with service(tmp_path) as here:
        nodes = [node(f"n{number}", "give", value=number) for number in range(15)]
        status = await here.run(flow(*nodes))
        assert [f"n{number}" for number in range(5, 15)] == [
            entry["nodeId"] for entry in status["logs"]
        ]


async def test_large_data_leaves_the_status_small(tmp_path: Path) -> None:
    """A result above 64 kB is a preview beside its true size; an entry's is under 2 kB."""
    async with service(tmp_path) as here:
        made = node("a", "rows", rows=5000, text="ñ" * 50)
        status = await here.run(flow(made, node("out", "output")))
        assert 20 == len(status["finalOutput"])
        info = status["finalOutputInfo"]
        assert (True, 5000) == (info["truncated"], info["rows"])
        assert info["bytes"] > 500_000
        page = await here.get(info["href"])
        assert 5000 == page["total"]
        response = await here.http.get(f"/api/executions/{status['executionId']}")
        assert len(response.content) < 20_000
        shown = status["logs"][0]["outputData"]
        assert 5000 == shown["outputDataInfo"]["rows"]


async def test_a_state_that_the_caller_has_is_304(tmp_path: Path) -> None:
    """The `ETag` of an unchanged document is answered without a body."""
    async with service(tmp_path) as here:
        status = await here.run(flow(node("a", "give", value=1)))
        path = f"/api/executions/{status['executionId']}"
        tag = (await here.http.get(path)).headers["etag"]
        same = await here.http.get(path, headers={"If-None-Match": tag})
        assert (304, b"") == (same.status_code, same.content)
        other = await here.http.get(path, headers={"If-None-Match": '"other"'})
        assert 200 == other.status_code


async def test_waiting_returns_on_the_next_change(tmp_path: Path) -> None:
    """`?wait=` answers on a change, and at once where the caller's state is an old one."""
    async with service(tmp_path) as here:
        execution_id = await here.start(flow(node("g", "gate")))
        path = f"/api/executions/{execution_id}"
        await here.until_running(execution_id)
        await asyncio.sleep(0.5)
        waiting = asyncio.create_task(here.get(f"{path}?wait=30"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await here.post(f"{path}/cancel")
        assert "cancelled" == (await waiting)["status"]
        assert "cancelled" == (await here.get(f"{path}?wait=60"))["status"]


async def test_progress_never_falls(tmp_path: Path) -> None:
    """Poll after poll the percentage grows, and is 100 only at the end."""
    async with service(tmp_path) as here:
        nodes = [node(f"g{number}", "gate", rows=15) for number in range(8)]
        execution_id = await here.start(flow(*nodes))
        seen: list[int] = []
        while not seen or seen[-1] != 100:
            status = await here.get(f"/api/executions/{execution_id}")
            seen.append(status["progress"]["percentage"])
            assert (status["status"] == "completed") is (seen[-1] == 100)
            await asyncio.sleep(0.005)
        assert sorted(seen) == seen
        assert len(set(seen)) > 3


async def test_an_unknown_execution_is_404(tmp_path: Path) -> None:
    """What nobody started is said not to be there, whatever is asked of it."""
    async with service(tmp_path) as here:
        for path in ("", "/logs", "/events", "/nodes/a", "/nodes/a/data"):
            body = await here.get(f"/api/executions/none{path}", 404)
            assert "Execution none not found" == body["detail"]
        await here.post("/api/executions/none/cancel", status=404)


async def test_several_outputs_are_an_object_by_node(tmp_path: Path) -> None:
    """With several outputs, large ones say where each is."""
    async with service(tmp_path) as here:
        nodes = [
            node("a", "rows", rows=3000, text="y" * 40),
            node("one", "output"),
            node("two", "output"),
        ]
        links = [{"fromNodeId": "a", "toNodeId": end} for end in ("one", "two")]
        status = await here.run({"nodes": nodes, "connections": links})
        assert {"one", "two"} == set(status["finalOutput"])
        info = status["finalOutputInfo"]
        assert 3000 == (await here.get(info["nodes"]["one"]))["total"]
