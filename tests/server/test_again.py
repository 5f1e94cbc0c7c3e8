"""Retry and replay over HTTP, and how the attempts are told apart."""

from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import HANDLERS, Service, flow, node, service

from caudal_core import Config, Context, HandlerError, handler

MENDED: set[str] = set()


@handler("frail", effect="idempotent")
def frail(config: Config, data: Any, ctx: Context) -> Any:
    """Fail until the first attempt's execution is mended: a retry then goes through."""
    if not MENDED:
        raise HandlerError("the tank is empty")
    return data


FLOW = flow(node("a", "give"), node("b", "frail"), node("out", "output"), id="frail", name="Frail")


@pytest.fixture(autouse=True)
def broken() -> Any:
    """The world is broken when a test begins."""
    MENDED.clear()
    yield
    MENDED.clear()


def here(folder: Path) -> Any:
    """A service with the frail handler."""
    return service(folder, *HANDLERS, frail)


async def failed(served: Service, **more: Any) -> str:
    """An execution that has failed, after which the world is mended."""
    status = await served.run(FLOW, inputs={"x": 1}, **more)
    assert "failed" == status["status"]
    assert not {"parent", "retries"} & set(status)
    MENDED.add("all")
    return str(status["executionId"])


async def test_a_retry_answers_as_execute_does(tmp_path: Path) -> None:
    """The answer has the usual keys and `parent`; both executions name each other."""
    async with here(tmp_path) as served:
        first = await failed(served)
        answer = await served.post(f"/api/executions/{first}/retry")
        second = answer.pop("executionId")
        assert {
            "success": True,
            "status": "pending",
            "message": "Execution of 'Frail' accepted",
            "workflowId": "frail",
            "workflowName": "Frail",
            "parent": first,
        } == answer
        status = await served.ended(second)
        assert ("completed", {"x": 1}, first) == (
            status["status"],
            status["finalOutput"],
            status["parent"],
        )
        assert {"a": first, "b": None, "out": None} == {
            entry["nodeId"]: entry.get("reusedFrom") for entry in status["logs"]
        }
        before = await served.get(f"/api/executions/{first}")
        assert ("failed", [second]) == (before["status"], before["retries"])
        rows = (await served.get(f"/api/executions?parent={first}"))["executions"]
        assert [(second, first)] == [(row["id"], row["parent"]) for row in rows]
    async with here(tmp_path) as served:
        before = await served.get(f"/api/executions/{first}")
        assert ("failed", [second]) == (before["status"], before["retries"])


async def test_a_retry_waits_and_is_made_once_by_its_key(tmp_path: Path) -> None:
    """`?wait=` and `Idempotency-Key` mean what they mean for `execute`."""
    async with here(tmp_path) as served:
        first = await failed(served)
        path, headers = f"/api/executions/{first}/retry?wait=20", {"Idempotency-Key": "k"}
        answer = await served.post(path, headers=headers)
        assert ("completed", {"x": 1}) == (answer["status"], answer["finalOutput"])
        again = await served.post(path, headers=headers)
        assert (answer["executionId"], True) == (again["executionId"], again["repeated"])
        other = f"/api/executions/{first}/replay"
        await served.post(other, {}, 422, headers=headers)


async def test_a_replay_from_a_node_with_another_input(tmp_path: Path) -> None:
    """`from` names the node, `inputs` is what it gets."""
    async with here(tmp_path) as served:
        first = await failed(served)
        path = f"/api/executions/{first}/replay?wait=20"
        answer = await served.post(path, {"from": "b", "inputs": [{"y": 2}]})
        assert ("completed", [{"y": 2}]) == (answer["status"], answer["finalOutput"])
        entry = await served.get(f"/api/executions/{answer['executionId']}/nodes/b")
        assert [{"y": 2}] == entry["inputData"]
        whole = await served.post(path, {"inputs": {"x": 3}})
        assert {"x": 3} == whole["finalOutput"]
        for body in (None, {}, {"inputs": None}):
            same = await served.post(path, body)
            assert {"x": 1} == same["finalOutput"]
        none = await served.post(path, {"inputs": {}})
        assert {} == none["finalOutput"]
        null = await served.post(path, {"from": "b", "inputs": None})  # a value like any other
        assert None is null["finalOutput"]


async def test_a_replay_of_the_newest_version(tmp_path: Path) -> None:
    """`newest` takes the workflow as it is now; a node that is gone is named."""
    async with here(tmp_path) as served:
        await served.post("/api/workflows", FLOW, 201)
        answer = await served.post("/api/workflows/execute?wait=20", {"workflowId": "frail"})
        path = f"/api/executions/{answer['executionId']}/replay?wait=20"
        newer = flow(node("a", "give", value=7), node("out", "output"), id="frail")
        assert 200 == (await served.http.put("/api/workflows/frail", json=newer)).status_code
        answer = await served.post(path, {"version": "newest"})
        assert 7 == answer["finalOutput"]
        problem = await served.post(path, {"version": "newest", "from": "b"}, 422)
        assert "the newest version of the workflow has no node 'b'" in problem["detail"]
        assert 204 == (await served.http.delete("/api/workflows/frail")).status_code
        problem = await served.post(path, {"version": "newest"}, 404)
        assert "Workflow frail not found" == problem["detail"]
        MENDED.add("all")
        answer = await served.post(path, {"version": "execution", "inputs": {"x": 1}})
        assert {"x": 1} == answer["finalOutput"]


async def test_what_has_not_ended_is_409(tmp_path: Path) -> None:
    """Neither retry nor replay of an execution that runs; none of one that nobody knows."""
    async with here(tmp_path) as served:
        held = await served.start(flow(node("g", "gate")))
        for call in ("retry", "replay"):
            problem = await served.post(f"/api/executions/{held}/{call}", None, 409)
            assert "has not ended yet" in problem["detail"]
            await served.post(f"/api/executions/nobody/{call}", None, 404)
        done = await served.run(flow(node("a", "give", value=1)))
        problem = await served.post(f"/api/executions/{done['executionId']}/retry", None, 409)
        assert "replay it" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"from": ["a"]}, "from is a list"),
        ({"from": "nobody"}, "has no node 'nobody'"),
        ({"inputs": [1]}, "inputs is a list; it must be an object"),
        ({"inputs": {"_x": 1}}, "keys that begin with _ are reserved"),
        ({"version": "old"}, "version is 'old'"),
        ({"nodeId": "b"}, "there is no key 'nodeId' in a replay; there are: from,"),
    ],
)
async def test_a_replay_of_the_wrong_kind_is_422(tmp_path: Path, body: Any, said: str) -> None:
    """What is of the wrong kind is named."""
    async with here(tmp_path) as served:
        first = await failed(served)
        problem = await served.post(f"/api/executions/{first}/replay", body, 422)
        assert said in problem["detail"]


async def test_a_retry_that_asks_for_more_is_422(tmp_path: Path) -> None:
    """A key that a retry does not know is named: it would have run something else than meant."""
    async with here(tmp_path) as served:
        first = await failed(served)
        path = f"/api/executions/{first}/retry"
        for key in ("from", "inputs", "nodeId"):
            problem = await served.post(path, {key: "b"}, 422)
            said = f"there is no key '{key}' in a retry; there are: organizationId"
            assert said == problem["detail"]
        assert "retries" not in await served.get(f"/api/executions/{first}")
        assert "executionId" in await served.post(path, {"organizationId": "x"})
