"""`GET /api/executions/{id}/logs`, and the nodes and data below an execution."""

from pathlib import Path

from tests.server.serving import flow, node, service

ENTRY = {
    "id",
    "executionId",
    "nodeId",
    "nodeType",
    "nodeLabel",
    "status",
    "inputData",
    "outputData",
    "error",
    "duration",
    "timestamp",
}


async def test_every_node_has_an_entry(tmp_path: Path) -> None:
    """`/logs` has every node that was settled, with all fields, in the order of time."""
    async with service(tmp_path) as here:
        status = await here.run(flow(node("a", "give", value={"x": 1}), node("out", "output")))
        body = await here.get(f"/api/executions/{status['executionId']}/logs")
        assert status["executionId"] == body["executionId"]
        first, last = body["logs"]
        assert set(first) >= ENTRY
        assert ("a", {}) == (first["nodeId"], first["inputData"])
        assert {"x": 1} == last["inputData"]
        assert {"success": True, "message": "1 object", "outputData": {"x": 1}} == last[
            "outputData"
        ]


async def test_entries_are_the_same_after_a_restart(tmp_path: Path) -> None:
    """What `/logs` shows does not depend on whether the server still remembers it."""
    made = (node("r", "rows", rows=9), node("h", "halves"), node("f", "fail"))
    async with service(tmp_path) as here:
        execution_id = (await here.run(flow(*made)))["executionId"]
        before = await here.get(f"/api/executions/{execution_id}/logs")
    async with service(tmp_path) as here:
        assert before == await here.get(f"/api/executions/{execution_id}/logs")


async def test_several_ports_are_an_object_by_port(tmp_path: Path) -> None:
    """A result of several ports is by port; a reported value that a port has stands beside it."""
    async with service(tmp_path) as here:
        status = await here.run(flow(node("r", "rows", rows=3), node("h", "halves")))
        body = await here.get(f"/api/executions/{status['executionId']}/logs")
        result = body["logs"][1]["outputData"]
        assert {"even", "odd"} == set(result["outputData"])
        assert result["outputData"]["even"] == result["evenRecords"]
        assert 1 == result["oddCount"]


async def test_large_values_are_previews_that_say_where_all_is(tmp_path: Path) -> None:
    """Above 64 kB the first 20 records stand there, with the true size and an address."""
    made = flow(node("r", "rows", rows=4000, text="z" * 30), node("out", "output"))
    async with service(tmp_path) as here:
        execution_id = (await here.run(made))["executionId"]
    for _ in range(2):
        async with service(tmp_path) as here:
            logs = (await here.get(f"/api/executions/{execution_id}/logs"))["logs"]
            assert 20 == len(logs[0]["outputData"]["outputData"])
            assert 20 == len(logs[1]["inputData"])
            for info in (logs[0]["outputDataInfo"], logs[1]["inputDataInfo"]):
                assert (True, 4000) == (info["truncated"], info["rows"])
                page = await here.get(info["href"], params={"offset": 3999, "limit": 5})
                assert (4000, [3999]) == (page["total"], [row["n"] for row in page["data"]])


async def test_columns_keep_their_metadata(tmp_path: Path) -> None:
    """What is known of a column stands beside the data as `metadata`."""
    async with service(tmp_path) as here:
        status = await here.run(flow(node("r", "rows", rows=1), node("u", "units")))
        body = await here.get(f"/api/executions/{status['executionId']}/logs")
        assert {"n": {"unit": "kWh"}} == body["logs"][1]["outputData"]["metadata"]


async def test_every_attempt_has_an_entry(tmp_path: Path) -> None:
    """A node that is tried again has an entry for each attempt, under its own id."""
    async with service(tmp_path) as here:
        tried = {**node("f", "fail"), "retries": 1}
        execution_id = (await here.run(flow(tried)))["executionId"]
        logs = (await here.get(f"/api/executions/{execution_id}/logs"))["logs"]
        assert [1, 2] == [entry["attempt"] for entry in logs]
        assert 2 == len({entry["id"] for entry in logs})
        found = await here.get(f"/api/executions/{execution_id}/nodes/f")
        assert ("failed", 2) == (found["status"], len(found["attempts"]))


async def test_pages_of_data(tmp_path: Path) -> None:
    """Records come by pages with a link to the next; any other value whole."""
    async with service(tmp_path) as here:
        made = flow(node("r", "rows", rows=5), node("g", "give", value="text"))
        execution_id = (await here.run(made))["executionId"]
        path = f"/api/executions/{execution_id}/nodes"
        page = await here.http.get(f"{path}/r/data?offset=1&limit=2")
        assert [1, 2] == [row["n"] for row in page.json()["data"]]
        assert "offset=3" in page.headers["link"]
        whole = await here.get(f"{path}/g/data")
        assert ("text", None) == (whole["data"], whole["total"])
        await here.get(f"{path}/g/data?format=pdf", 422)
        await here.get(f"{path}/g/data?limit=0", 422)
        await here.get(f"{path}/g/data?port=other", 404)
        await here.get(f"{path}/none/data", 404)


async def test_data_of_a_running_node_is_409(tmp_path: Path) -> None:
    """A node that has not ended has no data to give yet."""
    async with service(tmp_path) as here:
        execution_id = await here.start(flow(node("g", "gate"), node("out", "output")))
        await here.until_running(execution_id)
        path = f"/api/executions/{execution_id}/nodes"
        assert "running" == (await here.get(f"{path}/g/data", 409))["nodeStatus"]
        assert "pending" == (await here.get(f"{path}/out/data", 409))["nodeStatus"]
