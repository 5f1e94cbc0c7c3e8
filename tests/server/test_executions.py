"""Cancelling, running one node, and lists of executions."""

from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import Service, flow, listening, node, service

FLOW = flow(node("a", "give", value=5), id="five", name="Five")


async def test_cancel_ends_an_execution(tmp_path: Path) -> None:
    """A running execution is cancelled; one that has ended answers 200 with `success` false."""
    async with service(tmp_path) as here:
        execution_id = await here.start(flow(node("g", "gate"), node("out", "output")))
        await here.until_running(execution_id)
        path = f"/api/executions/{execution_id}/cancel"
        answer = await here.post(path)
        assert (True, execution_id, "running") == (
            answer["success"],
            answer["executionId"],
            answer["previousStatus"],
        )
        status = await here.ended(execution_id)
        assert "cancelled" == status["status"]
        assert ["cancelled", "cancelled"] == [entry["status"] for entry in status["logs"]]
        again = await here.post(path)
        assert (False, "cancelled") == (again["success"], again["previousStatus"])


async def test_one_node_is_run_by_itself(tmp_path: Path) -> None:
    """`nodes/execute` gives the whole result, however large."""
    async with service(tmp_path) as here:
        body = {
            "workflowId": "none",
            "nodeId": "n1",
            "nodeType": "rows",
            "node": {"config": {"rows": 3000, "text": "x" * 40}},
        }
        answer = await here.post("/api/nodes/execute", body)
        assert (True, "n1", "rows", "made 3000 rows") == (
            answer["success"],
            answer["nodeId"],
            answer["nodeType"],
            answer["message"],
        )
        assert 3000 == len(answer["output"]["outputData"])
        assert answer["output"]["success"] is True
        given = {"nodeType": "halves", "inputData": [{"n": 1}]}
        answer = await here.post("/api/nodes/execute", given)
        assert [{"n": 1}] == answer["output"]["outputData"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"nodeType": "fail"}, "the tank is empty; fill it"),
        ({"nodeType": "giv"}, "give"),
        ({"nodeType": "rows", "node": {"config": {"rows": "many"}}}, "rows"),
    ],
)
async def test_a_node_that_fails_is_200(tmp_path: Path, body: Any, said: str) -> None:
    """A node's failure, an unknown type and a wrong config are `success: false`."""
    async with service(tmp_path, memory=True) as here:
        answer = await here.post("/api/nodes/execute", body)
        assert answer["success"] is False
        assert said in answer["error"]
        assert answer["message"]


async def test_a_node_without_a_type_is_422(tmp_path: Path) -> None:
    """Without a type there is nothing to run."""
    async with service(tmp_path, memory=True) as here:
        assert "nodeType" in (await here.post("/api/nodes/execute", {}, 422))["detail"]
        await here.post("/api/nodes/execute", {"nodeType": "give", "node": 1}, 422)


@pytest.mark.parametrize("memory", [False, True])
async def test_the_executions_of_a_workflow(tmp_path: Path, memory: bool) -> None:  # noqa: FBT001
    """Newest first, those under way among them as they are now, with the true total."""
    async with service(tmp_path, memory=memory) as here:
        first = (await here.run(FLOW))["executionId"]
        second = await here.start({**flow(node("g", "gate")), "id": "five", "name": "Five"})
        await here.until_running(second)
        body = await here.get("/api/workflows/five/executions?limit=1")
        assert ("five", "Five", 2) == (body["workflowId"], body["workflowName"], body["total"])
        assert [(second, "running")] == [(row["id"], row["status"]) for row in body["executions"]]
        body = await here.get("/api/workflows/five/executions")
        assert [second, first] == [row["id"] for row in body["executions"]]
        await here.get("/api/workflows/none/executions", 404)
        await here.get("/api/workflows/five/executions?limit=0", 422)


async def _rows(here: Service, query: str) -> list[str]:
    return [row["id"] for row in (await here.get(f"/api/executions?{query}"))["executions"]]


@pytest.mark.parametrize("memory", [False, True])
async def test_filters(tmp_path: Path, memory: bool) -> None:  # noqa: FBT001
    """The list can be narrowed by state, workflow, moment, label and organisation."""
    async with service(tmp_path, memory=memory) as here:
        labels = {'a "b".c': "x:y"}
        done = (await here.run(FLOW, labels=labels, organizationId="acme"))["executionId"]
        failed = (await here.run(flow(node("f", "fail"), id="other")))["executionId"]
        live = await here.start(flow(node("g", "gate"), id="five"))
        await here.until_running(live)
        assert [live, failed, done] == await _rows(here, "")
        assert [live] == await _rows(here, "status=running")
        assert [live, done] == await _rows(here, "status=running,completed")
        assert [failed, done] == await _rows(here, "status=failed&status=completed")
        assert [live, done] == await _rows(here, "workflowId=five")
        assert [done] == await _rows(here, "organizationId=acme")
        assert [done] == await _rows(here, "label=a%20%22b%22.c:x:y")
        assert [] == await _rows(here, "to=2020-01-01")
        assert [live, failed, done] == await _rows(here, "from=2020-01-01T00:00:00+01:00")
        for wrong in ("status=done", "from=x", "label=a", "cursor=x", "limit=x"):
            await here.get(f"/api/executions?{wrong}", 422)


async def test_paging(tmp_path: Path) -> None:
    """Every execution stands on exactly one page; the last page has no cursor."""
    async with service(tmp_path) as here:
        ids = [await here.start(FLOW) for _ in range(5)]
        for execution_id in ids:
            await here.ended(execution_id)
        seen: list[str] = []
        path = "/api/executions?limit=2"
        while True:
            response = await here.http.get(path)
            seen += [row["id"] for row in response.json()["executions"]]
            if response.json()["nextCursor"] is None:
                break
            path = response.headers["link"].partition(">")[0][1:]
        assert ids[::-1] == seen


async def test_many_by_id(tmp_path: Path) -> None:
    """`?ids=` gives status documents in the order asked for, and names the missing."""
    async with service(tmp_path) as here:
        one, two = (await here.run(FLOW))["executionId"], (await here.run(FLOW))["executionId"]
        path = f"/api/executions?ids={two},{one},none"
        response = await here.http.get(path)
        body = response.json()
        assert [two, one] == [status["executionId"] for status in body["executions"]]
        assert ["none"] == body["notFound"]
        same = await here.http.get(path, headers={"If-None-Match": response.headers["etag"]})
        assert 304 == same.status_code
        await here.get("/api/executions?ids=" + ",".join(map(str, range(201))), 422)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/executions", "limit"),
        ("/api/workflows/five/executions", "limit"),
        ("/api/executions/{id}/nodes/a/data", "limit"),
        ("/api/executions/{id}/nodes/a/data", "offset"),
    ],
)
async def test_a_number_is_checked_whole(tmp_path: Path, path: str, name: str) -> None:
    """However a number is written, what is checked is what is used: 422, never 500."""
    async with service(tmp_path) as here:
        where = path.format(id=(await here.run(FLOW))["executionId"])
        for wrong in ("00000000199999999999999", "9" * 30, "9" * 5_000, "1e2", "-1", "\u0663", ""):
            problem = await here.get(where, 422, params={name: wrong})
            assert f"{name} is '{wrong[:50]}'; give a whole number from" in problem["detail"]
        await here.get(where, params={name: "007"})


async def test_an_id_may_end_as_the_address_of_data_does(tmp_path: Path) -> None:
    """A node `x/data` is another than the node `x`: its address is taken apart as it was sent."""
    nodes = [node("x", "give", value=1), node("x/data", "give", value=2)]
    async with listening(tmp_path) as here:
        execution_id = (await here.run({"nodes": nodes}))["executionId"]
        path = f"/api/executions/{execution_id}/nodes"
        assert "x" == (await here.get(f"{path}/x"))["nodeId"]
        assert "x/data" == (await here.get(f"{path}/x%2Fdata"))["nodeId"]
        assert 1 == (await here.get(f"{path}/x/data"))["data"]
        assert 1 == (await here.get(f"{path}/x/%64ata"))["data"]
        assert 2 == (await here.get(f"{path}/x%2Fdata/data"))["data"]
        for entry in (await here.get(f"/api/executions/{execution_id}/logs"))["logs"]:
            found = await here.get(f"{path}/{entry['nodeId'].replace('/', '%2F')}")
            assert entry["outputData"]["outputData"] == (await here.get(_href(found)))["data"]


def _href(found: Any) -> str:
    return str(found["ports"]["out"]["href"])


async def test_an_execution_is_deleted(tmp_path: Path) -> None:
    """What has ended is gone with its data, what runs stays, and what is not there is 404."""
    async with service(tmp_path) as here:
        held = await here.start(flow(node("a", "gate")))
        done = (await here.run(flow(node("a", "give", value=1))))["executionId"]
        refused = await here.http.delete(f"/api/executions/{held}")
        assert 409 == refused.status_code
        assert "cancel it first" in refused.json()["detail"]
        assert 204 == (await here.http.delete(f"/api/executions/{done}")).status_code
        for path in ("", "/logs", "/nodes/a", "/nodes/a/data"):
            await here.get(f"/api/executions/{done}{path}", 404)
        listed = (await here.get("/api/executions"))["executions"]
        assert [held] == [row["id"] for row in listed]
        assert 404 == (await here.http.delete(f"/api/executions/{done}")).status_code
