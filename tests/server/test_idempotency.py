"""The header `Idempotency-Key` of `POST /api/workflows/execute`."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import Service, flow, node, service

FLOW = flow(node("a", "give", value=5), node("out", "output"), name="Five")
PATH = "/api/workflows/execute"


async def asked(here: Service, key: str, body: Any = None, status: int = 200) -> Any:
    """The answer to a call with a key."""
    headers = {"Idempotency-Key": key}
    return await here.post(PATH, body or {"workflow": FLOW}, status, headers=headers)


async def test_the_same_call_again_is_the_same_execution(tmp_path: Path) -> None:
    """The second answer is the first one with `repeated` beside it, after a restart too."""
    async with service(tmp_path) as here:
        first = await asked(here, "k")
        assert 6 == len(first)
        assert {**first, "repeated": True} == await asked(here, "k")
        assert 1 == len((await here.get("/api/executions"))["executions"])
    async with service(tmp_path) as here:
        assert {**first, "repeated": True} == await asked(here, "k")


async def test_many_calls_at_once_are_one_execution(tmp_path: Path) -> None:
    """However many come with one key at one moment, one execution begins."""
    async with service(tmp_path) as here:
        found = await asyncio.gather(*(asked(here, "k") for _ in range(10)))
        assert 1 == len({answer["executionId"] for answer in found})
        assert 9 == sum("repeated" in answer for answer in found)


async def test_how_the_body_is_written_means_nothing(tmp_path: Path) -> None:
    """The order of keys and the space between them are no other call; numbers of any size are."""
    async with service(tmp_path) as here:
        body = {"workflow": FLOW, "inputs": {"a": 1, "b": 2**70}}
        first = await asked(here, "k", body)
        turned = dict(reversed({**body, "inputs": {"b": 2**70, "a": 1}}.items()))
        assert first["executionId"] == (await asked(here, "k", turned))["executionId"]
        await asked(here, "k", {**body, "inputs": {"a": 1, "b": 2**70 + 1}}, 422)


async def test_another_call_under_the_key_is_422(tmp_path: Path) -> None:
    """The answer names the execution and says what to do; nothing runs."""
    async with service(tmp_path) as here:
        first = await asked(here, "k")
        problem = await asked(here, "k", {"workflow": FLOW, "inputs": {"x": 1}}, 422)
        assert "IDEMPOTENCY_KEY_REUSED" == problem["code"]
        assert first["executionId"] in problem["detail"]
        assert "take a new key" in problem["hint"]
        assert 1 == len((await here.get("/api/executions"))["executions"])


async def test_a_key_is_its_organisations_own(tmp_path: Path) -> None:
    """Two organisations may use one key for two calls."""
    async with service(tmp_path) as here:
        body = {"workflow": FLOW, "organizationId": "north"}
        first = await asked(here, "k", body)
        other = await asked(here, "k", {**body, "organizationId": "south"})
        assert first["executionId"] != other["executionId"]
        assert first["executionId"] == (await asked(here, "k", body))["executionId"]


async def test_a_repeated_call_waits_and_needs_no_workflow(tmp_path: Path) -> None:
    """It waits for the end as the first one would, also when the workflow is deleted by then."""
    async with service(tmp_path) as here:
        await here.post("/api/workflows", {**FLOW, "id": "five"}, 201)
        await asked(here, "k", {"workflowId": "five"})
        assert 204 == (await here.http.delete("/api/workflows/five")).status_code
        headers = {"Idempotency-Key": "k"}
        path = f"{PATH}?wait=20"
        answer = await here.post(path, {"workflowId": "five"}, headers=headers)
        assert ("completed", 5, True) == (
            answer["status"],
            answer["finalOutput"],
            answer["repeated"],
        )


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x7f"])
async def test_a_key_has_its_bounds(tmp_path: Path, key: str) -> None:
    """A key has 1 to 255 characters that can be printed."""
    async with service(tmp_path, memory=True) as here:
        assert "Idempotency-Key has" in (await asked(here, key, None, 422))["detail"]


async def test_a_key_in_any_alphabet(tmp_path: Path) -> None:
    """What is printable in UTF-8 is, whatever its bytes are alone; a control character is not."""
    async with service(tmp_path) as here:
        keys = [each.encode() for each in ("pedido Ángel", "注文")] + ["año".encode("latin-1")]
        for key in keys:
            headers = [(b"Idempotency-Key", key)]
            first, again = [
                await here.http.post(PATH, json={"workflow": FLOW}, headers=headers)
                for _ in range(2)
            ]
            assert {**first.json(), "repeated": True} == again.json()
        headers = [(b"Idempotency-Key", "a\x85".encode())]
        refused = await here.http.post(PATH, json={"workflow": FLOW}, headers=headers)
        assert 422 == refused.status_code
