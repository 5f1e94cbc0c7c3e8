"""What the caller of a webhook is answered."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.server.hooks import Hook, answering, with_hook
from tests.server.serving import flow, node

from caudal_core import Config, Context, handler


class Reply(Config):
    """What a stranger's answering node reports."""

    status: Any = 200
    headers: Any = None
    body: Any = None


@handler("webhookResponse", effect="pure", light=True)
def strange_response(config: Reply, data: Any, ctx: Context) -> Any:
    """Report an answer without looking at it."""
    ctx.say(
        "answers",
        webhook_response_status_code=config.status,
        webhook_response_headers=config.headers,
        webhook_response_body=config.body,
    )
    return data


def test_a_node_decides_the_answer(tmp_path: Path) -> None:
    """Status, headers and body are the node's; the execution is named in a header."""

    async def test(hook: Hook) -> None:
        workflow = answering(
            statusCode=201,
            headers=[{"key": "X-Order", "value": "{{id}}"}],
            mode="template",
            template='{"order": {{id}}, "big": {{big}}}',
        )
        answer = await hook.call(workflow, json={"id": 7, "big": 2**60})
        assert (201, {"order": 7, "big": str(2**60)}) == (answer.status_code, answer.json())
        assert ("7", "application/json") == (
            answer.headers["x-order"],
            answer.headers["content-type"],
        )
        status = await hook.service.ended(answer.headers["x-execution-id"])
        assert "completed" == status["status"]

    with_hook(tmp_path, test)


@pytest.mark.parametrize(
    ("sent", "headers", "kind", "text"),
    [
        ('"hola ñ"', {}, "text/plain; charset=utf-8", "hola ñ"),
        ('"<b>ñ</b>"', {"Content-Type": "text/html"}, "text/html; charset=utf-8", "<b>ñ</b>"),
        ('"ñ"', {"content-type": "text/csv; charset=latin-1"}, "text/csv; charset=latin-1", "ñ"),
        ("null", {}, "application/json", "null"),
        ("[1]", {"Content-Type": "application/vnd.a+json"}, "application/vnd.a+json", "[1]"),
    ],
)
def test_the_body_has_the_type_that_it_is(
    tmp_path: Path, sent: str, headers: Any, kind: str, text: str
) -> None:
    """A text is text/plain, another value JSON, unless the node's headers say otherwise."""

    async def test(hook: Hook) -> None:
        answer = await hook.call(
            answering(headers=headers), content=sent, headers={"content-type": "application/json"}
        )
        assert (200, kind, text) == (
            answer.status_code,
            answer.headers["content-type"],
            answer.text,
        )

    with_hook(tmp_path, test)


def test_a_large_body_is_answered_whole(tmp_path: Path) -> None:
    """What is shown elsewhere as a preview, the caller gets all of."""

    async def test(hook: Hook) -> None:
        answer = await hook.call(answering(node("many", "rows", rows=20_000)))
        assert 20_000 == len(answer.json())

    with_hook(tmp_path, test)


def test_a_status_without_a_body_has_none(tmp_path: Path) -> None:
    """204 carries nothing."""

    async def test(hook: Hook) -> None:
        answer = await hook.call(answering(statusCode=204), json={"a": 1})
        assert (204, b"") == (answer.status_code, answer.content)

    with_hook(tmp_path, test)


def test_a_workflow_does_not_speak_for_the_server(tmp_path: Path) -> None:
    """Headers of the connection and of the whole site are left out, and pages are sandboxed."""
    headers = {
        "Content-Length": "3",
        "Transfer-Encoding": "chunked",
        "Connection": "close",
        "Content-Encoding": "gzip",
        "Set-Cookie": "token=x",
        "Content-Security-Policy": "default-src *",
        "Content-Type": "text/html",
        "X-Own": "kept",
    }

    async def test(hook: Hook) -> None:
        answer = await hook.call(answering(headers=headers), json="<script>1</script>")
        assert "<script>1</script>" == answer.text
        assert "kept" == answer.headers["x-own"]
        assert answer.headers["content-security-policy"].startswith("sandbox")
        assert "allow-same-origin" not in answer.headers["content-security-policy"]
        assert "nosniff" == answer.headers["x-content-type-options"]
        assert not {"set-cookie", "transfer-encoding", "content-encoding", "connection"} & set(
            answer.headers
        )

    with_hook(tmp_path, test)


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        ({"status": 99}, "99 is no HTTP status"),
        ({"status": "ok"}, "ok is no HTTP status"),
        ({"headers": ["a"]}, "not an object of names to texts"),
        ({"headers": {"a": "b\r\nSet-Cookie: c"}}, "HTTP does not carry the header 'a'"),
        ({"headers": {"a b": "c"}}, "HTTP does not carry the header 'a b'"),
        ({"headers": {"content-type": "text/plain; charset=ascii"}, "body": "ñ"}, "cannot be"),
        ({"headers": {"content-type": "a; charset=none"}, "body": "ñ"}, "cannot be written as"),
    ],
)
def test_an_answer_that_cannot_be_sent_is_an_error(tmp_path: Path, reply: Any, cause: str) -> None:
    """Whatever a node reports, the caller gets an answer of HTTP, or hears why not."""

    async def test(hook: Hook) -> None:
        workflow = flow(node("in", "webhook"), node("out", "webhookResponse", **reply))
        answer = await hook.call(workflow)
        body = answer.json()
        assert (500, False) == (answer.status_code, body["success"])
        assert cause in body["error"]
        assert "webhookResponse (out) gave no answer" in body["error"]

    with_hook(tmp_path, test, strange_response)


def branches() -> dict[str, Any]:
    """A workflow that answers 200 for a high price, and 409 for a low one if that is connected."""
    rule = {"conditionField": "price", "conditionOperator": "greaterThan", "conditionValue": 50}
    return {
        "nodes": [
            node("in", "webhook"),
            node("if", "condition", **rule),
            node("high", "webhookResponse"),
            node("low", "webhookResponse", webhookResponseStatusCode=409),
        ],
        "connections": [
            {"fromNodeId": "in", "toNodeId": "if"},
            {"fromNodeId": "if", "toNodeId": "high", "outputType": "true"},
            {"fromNodeId": "if", "toNodeId": "low", "outputType": "false"},
        ],
    }


def test_the_branch_that_is_taken_answers(tmp_path: Path) -> None:
    """Of several nodes the one that completes decides; a branch without one is an error."""

    async def test(hook: Hook) -> None:
        both = branches()
        assert 200 == (await hook.call(both, json={"price": 60})).status_code
        assert 409 == (await hook.call(both, json={"price": 40})).status_code
        one = {**both, "nodes": both["nodes"][:3], "connections": both["connections"][:2]}
        answer = await hook.call(one, json={"price": 40})
        assert (500, False) == (answer.status_code, answer.json()["success"])
        assert "no branch of the workflow led to a webhookResponse" == answer.json()["error"]

    with_hook(tmp_path, test)


def test_the_caller_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    """The answer goes out when its node has completed; what is not behind it goes on."""

    async def test(hook: Hook) -> None:
        workflow = answering()
        workflow["nodes"].append(node("slow", "gate"))
        workflow["connections"].append({"fromNodeId": "in", "toNodeId": "slow"})
        answer = await hook.call(workflow, json={"a": 1})
        assert (200, {"a": 1}) == (answer.status_code, answer.json())
        execution_id = answer.headers["x-execution-id"]
        assert "running" == (await hook.service.get(f"/api/executions/{execution_id}"))["status"]
        await hook.service.post(f"/api/executions/{execution_id}/cancel")

    with_hook(tmp_path, test)


def test_a_failure_before_the_answer_is_told(tmp_path: Path) -> None:
    """500 with the execution, its status, and the error of what failed."""

    async def test(hook: Hook) -> None:
        answer = await hook.call(answering(node("bad", "fail")))
        body = answer.json()
        assert (500, False) == (answer.status_code, body["success"])
        assert "fail (bad): the tank is empty; fill it" == body["error"] == body["detail"]
        assert "failed" == (await hook.service.ended(body["executionId"]))["status"]
        own = await hook.call(answering(mode="template", template="{{none}}"), json={"a": 1})
        assert 500 == own.status_code
        assert "unknown field 'none'" in own.json()["error"]

    with_hook(tmp_path, test)


def test_an_answering_node_may_fail_without_failing_the_execution(tmp_path: Path) -> None:
    """Its error is what the caller hears, though the execution completes."""

    async def test(hook: Hook) -> None:
        workflow = answering(mode="template", template="{{none}}")
        workflow["nodes"][-1]["onError"] = "continue"
        answer = await hook.call(workflow, json={"a": 1})
        assert 500 == answer.status_code
        assert "unknown field 'none'" in answer.json()["error"]
        ended = await hook.service.ended(answer.json()["executionId"])
        assert "completed" == ended["status"]

    with_hook(tmp_path, test)


def test_who_does_not_answer_in_time_goes_on(tmp_path: Path) -> None:
    """202 names the execution; it is not cancelled."""

    async def test(hook: Hook) -> None:
        answer = await hook.call(answering(node("slow", "gate")))
        body = answer.json()
        assert (202, True, "running") == (answer.status_code, body["success"], body["status"])
        assert "It has not answered within 0.3 s; it goes on" == body["message"]
        path = f"/api/executions/{body['executionId']}"
        assert "running" == (await hook.service.get(path))["status"]
        await hook.service.post(f"{path}/cancel")

    with_hook(tmp_path, test, webhook_timeout=0.3)


def test_who_cancels_ends_the_wait(tmp_path: Path) -> None:
    """A caller that waits hears that the execution was cancelled."""

    async def test(hook: Hook) -> None:
        call = asyncio.create_task(hook.call(answering(node("slow", "gate"))))
        execution_id = await hook.begun()
        await hook.service.post(f"/api/executions/{execution_id}/cancel")
        answer = await call
        assert (500, "cancelled") == (answer.status_code, answer.json()["status"])
        assert "cancelled before it could answer" in answer.json()["error"]

    with_hook(tmp_path, test)
