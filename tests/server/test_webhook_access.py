"""Who may start a workflow from outside."""

from pathlib import Path
from typing import Any

import pytest
from tests.server.applications import WORKFLOW, applied
from tests.server.hooks import Hook, with_hook
from tests.server.serving import flow, node


@pytest.mark.parametrize(
    ("token", "path", "header", "status"),
    [
        ("s3cret", "/s3cret", None, 200),
        ("s3cret", "", "s3cret", 200),
        ("s3cret", "/wrong", "s3cret", 200),
        ("s3cret", "/wrong", None, 403),
        ("s3cret", "", None, 403),
        ("s3cret", "/s3cre", None, 403),
        ("s3cret", "/S3CRET", None, 403),
        ("contraseña", "/contrase%C3%B1a", None, 200),
        (None, "/anything", None, 200),
        ("", "/anything", None, 200),
    ],
)
def test_a_token_is_demanded_where_there_is_one(
    tmp_path: Path, token: Any, path: str, header: str | None, status: int
) -> None:
    """In the path or in the header; without a configured one, what stands there is ignored."""

    async def test(hook: Hook) -> None:
        headers = {"x-webhook-token": header} if header else {}
        answer = await hook.call(
            flow(node("in", "webhook", webhookToken=token)), path, headers=headers
        )
        assert status == answer.status_code, answer.text
        if status == 403:
            assert "none or another" in answer.json()["detail"]
            assert "s3cret" not in answer.text

    with_hook(tmp_path, test)


def test_one_of_several_tokens_is_enough(tmp_path: Path) -> None:
    """A webhook without a token beside one with a token opens nothing."""
    workflow = {
        "nodes": [
            node("a", "webhook", webhookToken="one"),
            node("b", "webhook", webhook_token="two"),
            node("c", "webhook"),
        ]
    }

    async def test(hook: Hook) -> None:
        calls = [await hook.call(workflow, path) for path in ("/one", "/two", "/three", "")]
        assert [200, 200, 403, 403] == [answer.status_code for answer in calls]

    with_hook(tmp_path, test)


def test_a_signing_secret_refuses_every_call(tmp_path: Path) -> None:
    """As signatures are not checked yet, nobody gets through: 501 after the token."""

    async def test(hook: Hook) -> None:
        workflow = flow(node("in", "webhook", webhookSecret="s", webhookToken="t"))
        refused = await hook.call(workflow, "/t")
        assert 501 == refused.status_code
        assert "this version does not check signatures" in refused.json()["detail"]
        assert 403 == (await hook.call(workflow)).status_code
        assert 0 == (await hook.service.get("/api/workflows/w/executions"))["total"]

    with_hook(tmp_path, test)


def test_only_a_workflow_with_a_webhook_takes_calls(tmp_path: Path) -> None:
    """404 says that there is none, and a stranger is not told where it was looked for."""

    async def test(hook: Hook) -> None:
        answer = await hook.call(flow(node("in", "trigger")))
        assert 404 == answer.status_code
        assert "has no webhook node" in answer.json()["detail"]
        missing = await hook.service.post("/api/webhook/none", {}, 404)
        assert "Workflow none not found" == missing["detail"]
        assert "lookedIn" not in missing

    with_hook(tmp_path, test)


def test_a_workflow_with_problems_is_not_started(tmp_path: Path) -> None:
    """422 with its problems, as for any execution; without the token none of them is told."""

    async def test(hook: Hook) -> None:
        workflow = flow(node("in", "webhook", webhookToken="t"), node("b", "none"))
        assert 403 == (await hook.call(workflow)).status_code
        answer = await hook.call(workflow, "/t")
        assert 422 == answer.status_code
        assert ["UNKNOWN_TYPE"] == [problem["code"] for problem in answer.json()["problems"]]

    with_hook(tmp_path, test)


def test_the_workflow_may_be_the_applications(tmp_path: Path) -> None:
    """It is looked for as for any execution, and runs for its organisation."""
    workflow = {**WORKFLOW, "nodes": [node("in", "webhook")], "organizationId": "acme"}

    async def test(hook: Hook) -> None:
        answer = await hook.service.post("/api/webhook/theirs", {"a": 1})
        status = await hook.service.ended(answer["executionId"])
        assert ("theirs", "acme", {"a": 1}) == tuple(
            status[key] for key in ("workflowId", "organizationId", "finalOutput")
        )

    with applied((200, {"data": workflow})) as application:
        with_hook(tmp_path, test, workflow_source=application.url + "/{id}")


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_a_stranger_is_not_told_where_workflows_are(
    tmp_path: Path, seconds: float, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """A place that fails is 502, one that is late 504; which one it is stands in the log alone."""

    async def test(hook: Hook) -> None:
        monkeypatch.setattr(hook.service.app.state.finder, "_seconds", seconds)
        status = 502 if seconds else 504
        problem = await hook.service.post("/api/webhook/theirs", {}, status)
        assert "the workflow theirs cannot be read at this moment" == problem["detail"]
        assert "127.0.0.1" not in str(problem)

    with applied((500, {})) as application:
        with_hook(tmp_path, test, workflow_source=application.url + "/{id}")
        assert application.url in caplog.text


def test_no_answer_repeats_a_token(tmp_path: Path) -> None:
    """Where a path is written, what may be a token is masked."""

    async def test(hook: Hook) -> None:
        workflow = flow(node("in", "webhook", webhookToken="t0ken"))
        for path in ("/t0ke", "/t0ken/more", "/t0ken?a=1"):
            await hook.call(workflow)
            answer = await hook.service.http.post(
                f"/api/webhook/w{path}", content="{", headers={"content-type": "application/json"}
            )
            assert not answer.is_success
            assert "/api/webhook/w/•••" == answer.json()["instance"]
            assert "t0ke" not in answer.text

    with_hook(tmp_path, test)
