"""Who is told of failures and recoveries: workflows, and the URL of `CAUDAL_ON_FAILURE`."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import Service, flow, node, service
from tests.server.sink import listening_sink

from caudal_server.assembly import make_engine
from caudal_server.settings import InvalidSettings, Settings

TELLER = flow(node("n", "give"), node("out", "output"), name="Teller", id="teller")


def failing(**settings: Any) -> Any:
    """A workflow that fails."""
    return flow(node("f", "fail"), name="Tank", id="tank", settings=settings)


async def told(here: Service, count: int = 1) -> list[Any]:
    """The executions that tell, once there are so many."""
    async with asyncio.timeout(30):
        while True:
            rows = (await here.get("/api/workflows/teller/executions"))["executions"]
            if len(rows) >= count:
                return [await here.ended(row["id"]) for row in rows]
            await asyncio.sleep(0.01)


async def test_a_workflow_of_any_place_is_told(tmp_path: Path) -> None:
    """The workflow that is told is found where all are; its execution says what it is."""
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "teller.json").write_text(json.dumps(TELLER))
    async with service(tmp_path, workflows=folder, public_url="https://caudal.test") as here:
        here.engine.options = here.engine.options.__class__(notice_seconds=0)
        execution_id = await here.start(failing(onFailure={"workflowId": "teller"}))
        [status] = await told(here)
        final = status["finalOutput"]
        assert ("failure", 1, execution_id) == (
            final["kind"],
            final["count"],
            final["execution"]["id"],
        )
        assert f"https://caudal.test/api/executions/{execution_id}" == final["link"]
        assert "the tank is empty" in final["error"]
        assert ("notice", {"noticeOf": execution_id}) == (status["origin"], status["labels"])
        found = await here.get(f"/api/executions?label=noticeOf:{execution_id}")
        assert [status["executionId"]] == [row["id"] for row in found["executions"]]


async def test_the_url_of_the_operator_is_called(tmp_path: Path) -> None:
    """It needs no allow-list; it is told of the failure and of the recovery, signed."""
    async with listening_sink() as sink, service(tmp_path, on_failure=sink.url) as here:
        options = here.engine.options
        here.engine.options = options.__class__(on_failure=sink.url, notice_seconds=0)
        failed = await here.run(failing())
        [first] = await sink.until(1)
        assert ("failure", failed["executionId"]) == (
            first.json["kind"],
            first.json["execution"]["id"],
        )
        works = await here.run({**failing(), "nodes": [node("f", "give", value=1)]})
        _, second = await sink.until(2)
        assert ("recovery", works["executionId"], failed["executionId"]) == (
            second.json["kind"],
            second.json["execution"]["id"],
            second.json["failed"]["id"],
        )
        assert first.headers["webhook-id"] != second.headers["webhook-id"]
        assert second.headers["webhook-signature"].startswith("v1,")


async def test_a_workflow_cannot_name_a_url(tmp_path: Path) -> None:
    """Who saves workflows has no URL called by them."""
    async with service(tmp_path) as here:
        body = {"workflow": failing(onFailure={"workflowId": "http://127.0.0.1/x"})}
        problem = await here.post("/api/workflows/execute", body, 422)
        assert ["/settings/onFailure/workflowId"] == [p["pointer"] for p in problem["problems"]]
        assert "only the operator" in problem["detail"]


def test_settings_become_options(tmp_path: Path) -> None:
    """`CAUDAL_ON_FAILURE` is the id of a workflow or a URL that can be called."""
    for fits in ("teller", "https://example.org/told"):
        made = make_engine(Settings(data=tmp_path, on_failure=fits, notice_seconds=7))
        assert (fits, 7) == (made.options.on_failure, made.options.notice_seconds)
    for wrong in ("ftp://example.org", "http:///x"):
        with pytest.raises(InvalidSettings, match="CAUDAL_ON_FAILURE"):
            make_engine(Settings(data=tmp_path, on_failure=wrong))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"egress_allow": "10.0.0.0/8,exa mple"}, "neither a host nor a CIDR"),
        ({"egress_allow": "10.0.0.0/99"}, "neither a host nor a CIDR"),
        ({"egress_allow": "https://example.org"}, "neither a host nor a CIDR"),
        ({"callback_secret": "short"}, "16 bytes at least"),
        ({"callback_secret": "whsec_!!"}, "no base64"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, Any], said: str) -> None:
    """What no host could match, and what nobody could sign with, is refused at the start."""
    with pytest.raises(ValueError, match=said):
        Settings(**given)
