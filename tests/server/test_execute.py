"""`POST /api/workflows/execute`."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import flow, node, service

FLOW = flow(node("a", "give", value=5), node("out", "output"), name="Five")


async def test_the_answer_has_exactly_the_fixed_keys(tmp_path: Path) -> None:
    """The answer to `execute` is the one that existing backends know."""
    async with service(tmp_path) as here:
        folder = tmp_path / "flows"
        folder.mkdir()
        body = {"workflow": {**FLOW, "id": "five"}, "mode": "production"}
        answer = await here.post("/api/workflows/execute", body)
        assert answer.pop("executionId")
        assert {
            "success": True,
            "status": "pending",
            "message": "Execution of 'Five' accepted",
            "workflowId": "five",
            "workflowName": "Five",
        } == answer


async def test_an_execution_that_was_accepted_is_on_disk(tmp_path: Path) -> None:
    """Another server over the same folder knows what this one accepted."""
    async with service(tmp_path) as here:
        execution_id = await here.start(FLOW)
        await here.ended(execution_id)
    async with service(tmp_path) as here:
        status = await here.get(f"/api/executions/{execution_id}")
        assert ("completed", 5) == (status["status"], status["finalOutput"])
        assert 2 == len(status["logs"])


async def test_a_workflow_is_found_by_its_id(tmp_path: Path) -> None:
    """An id alone is enough where the workflow is in the folder of workflows."""
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "five.json").write_text(json.dumps(FLOW))
    async with service(tmp_path, workflows=folder) as here:
        answer = await here.post("/api/workflows/execute", {"workflowId": "five"})
        assert ("five", "Five") == (answer["workflowId"], answer["workflowName"])
        assert 5 == (await here.ended(answer["executionId"]))["finalOutput"]


async def test_an_unknown_workflow_is_404(tmp_path: Path) -> None:
    """The 404 says so in `detail`, and where it was looked for."""
    async with service(tmp_path) as here:
        body = await here.post("/api/workflows/execute", {"workflowId": "none"}, 404)
        assert "Workflow none not found" == body["detail"]
        assert ["the store"] == body["lookedIn"]


async def test_waiting_answers_with_the_status(tmp_path: Path) -> None:
    """`?wait=` answers when it has ended, with the status beside the usual keys."""
    async with service(tmp_path) as here:
        answer = await here.post("/api/workflows/execute?wait=20", {"workflow": FLOW})
        assert (True, "completed", 5) == (
            answer["success"],
            answer["status"],
            answer["finalOutput"],
        )
        assert 100 == answer["progress"]["percentage"]
        slow = {"workflow": flow(node("g", "gate"))}
        answer = await here.post("/api/workflows/execute?wait=0.05", slow)
        assert ("pending", 6) == (answer["status"], len(answer))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "workflowId is missing"),
        ({"workflowId": ["x"]}, "workflowId is a list"),
        ({"workflow": "x"}, "workflow is a text"),
        ({"workflow": FLOW, "inputs": [1]}, "inputs is a list; it must be an object"),
        ({"workflow": FLOW, "inputs": {"_x": 1}}, "keys that begin with _ are reserved"),
        ({"workflow": FLOW, "labels": "x"}, "labels is a text"),
        ({"workflow": FLOW, "labels": {"a": 1}}, "'a' is a number"),
        ({"workflow": FLOW, "labels": {str(n): "" for n in range(17)}}, "17 keys"),
        ({"workflow": FLOW, "labels": {"a": "x" * 1000}}, "1,008 bytes"),
        ([], "the body is a list"),
    ],
)
async def test_a_body_of_the_wrong_kind_is_422(tmp_path: Path, body: Any, said: str) -> None:
    """What is of the wrong kind is named."""
    async with service(tmp_path, memory=True) as here:
        answer = await here.post("/api/workflows/execute", body, 422)
        assert said in answer["detail"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the body is empty"),
        (b"{", "is not JSON"),
        (b'{"a": NaN}', "holds NaN"),
        (b'{"a": 1, "a": 2}', "has the key 'a' twice"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
async def test_json_is_read_strictly(tmp_path: Path, content: bytes, said: str) -> None:
    """What other readers take in silence is refused."""
    async with service(tmp_path, memory=True) as here:
        answer = await here.http.post("/api/workflows/execute", content=content)
        assert 422 == answer.status_code
        assert said in answer.json()["detail"]


async def test_all_problems_of_a_workflow_are_listed(tmp_path: Path) -> None:
    """A workflow that cannot run is refused with every problem at once."""
    async with service(tmp_path) as here:
        wrong = flow(node("a", "giv"), node("a", "give"), node("b", "nothing"))
        body = await here.post("/api/workflows/execute", {"workflow": wrong}, 422)
        assert len(body["problems"]) > 2
        assert {"code", "message", "pointer"} <= set(body["problems"][0])
        assert "give" in body["detail"]


async def test_webhook_data_may_come_from_the_caller(tmp_path: Path) -> None:
    """`_webhookData` is the one reserved key that a caller may set."""
    async with service(tmp_path) as here:
        status = await here.run(flow(node("a", "give")), inputs={"_webhookData": {"x": 1}})
        assert "completed" == status["status"]


async def test_labels_and_organization_come_back(tmp_path: Path) -> None:
    """What an execution was labelled with stands in its status, also after a restart."""
    async with service(tmp_path) as here:
        more = {"labels": {"user id": "4.2"}, "organizationId": 7}
        execution_id = await here.start(FLOW, **more)
        status = await here.ended(execution_id)
        assert {"user id": "4.2"} == status["labels"]
        assert "7" == status["organizationId"]
    async with service(tmp_path) as here:
        status = await here.get(f"/api/executions/{execution_id}")
        assert {"user id": "4.2"} == status["labels"]


async def test_a_body_that_is_too_large_is_413(tmp_path: Path) -> None:
    """A body beyond `CAUDAL_MAX_BODY` is refused with both sizes, in JSON."""
    async with service(tmp_path, max_body=1000) as here:
        answer = await here.post("/api/workflows/execute", {"inputs": "x" * 2000}, 413)
        assert "the limit is 1,000" in answer["detail"]


async def test_a_full_queue_is_429(tmp_path: Path) -> None:
    """Beyond the bound new work is refused, with the seconds to wait."""
    async with service(tmp_path) as here:
        object.__setattr__(here.engine.options, "max_queued", 1)
        await here.start(flow(node("g", "gate")))
        answer = await here.http.post("/api/workflows/execute", json={"workflow": FLOW})
        assert 429 == answer.status_code
        assert "5" == answer.headers["retry-after"]
        assert (await here.get("/readyz", 503))["reasons"]


@pytest.mark.parametrize("wait", ["x", "-1", "nan", "", "inf", "1_0", "1e1", "\u0663"])
async def test_a_wait_that_is_no_number_is_422(tmp_path: Path, wait: str) -> None:
    """`wait` is a number of seconds."""
    async with service(tmp_path, memory=True) as here:
        await here.post(f"/api/workflows/execute?wait={wait}", {"workflow": FLOW}, 422)


@pytest.mark.parametrize("key", ["workflowId", "organizationId"])
@pytest.mark.parametrize("wrong", ["x" * 256, "a\nb", "a\x7f"])
async def test_an_id_that_no_list_could_carry_is_422(tmp_path: Path, key: str, wrong: str) -> None:
    """Ids have at most 255 characters and no control characters, in the call and in a workflow."""
    inner = "id" if key == "workflowId" else key
    async with service(tmp_path) as here:
        for body in (
            {"workflow": flow(node("a", "give")), key: wrong},
            {"workflow": flow(node("a", "give"), **{inner: wrong})},
        ):
            problem = await here.post("/api/workflows/execute", body, 422)
            assert f"{key if key in body else f'workflow.{inner}'} is '" in problem["detail"]
            assert "1 to 255 characters without control" in problem["detail"]
        assert [] == (await here.get("/api/executions"))["executions"]


async def test_a_name_has_an_end(tmp_path: Path) -> None:
    """A name of more than 1,000 characters is refused, inline and where a workflow is kept."""
    long = flow(node("a", "give", value=1), name="x" * 1_001)
    async with service(tmp_path) as here:
        problem = await here.post("/api/workflows/execute", {"workflow": long}, 422)
        assert "workflow.name has 1,001 characters; 1,000 are allowed" == problem["detail"]
        assert "name has 1,001" in (await here.post("/api/workflows", long, 422))["detail"]
        assert 422 == (await here.http.put("/api/workflows/a", json=long)).status_code
        assert "completed" == (await here.run({**long, "name": "x" * 1_000}))["status"]
