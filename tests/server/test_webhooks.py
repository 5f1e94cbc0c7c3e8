"""What a call from outside becomes in a workflow."""

import asyncio
import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.server.hooks import Hook, answering, with_hook
from tests.server.serving import flow, node, service

from caudal_core import Call, Config, Event, Trigger

WHOLE = {"webhookIncludeRequest": True}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_any_method_starts_it(tmp_path: Path, method: str) -> None:
    """Without a node that answers, the caller hears at once that it has begun."""

    async def test(hook: Hook) -> None:
        answer = await hook.call(flow(node("in", "webhook", **WHOLE), name="Orders"), method=method)
        assert {
            "success": True,
            "executionId": answer.json()["executionId"],
            "status": "pending",
            "message": "Execution of 'Orders' accepted",
        } == answer.json()
        request = await hook.output(answer)
        assert (method, {}) == (request["method"], request["body"])

    with_hook(tmp_path, test)


def test_the_request_is_an_input(tmp_path: Path) -> None:
    """Body, headers in lower case, query and method; no credentials among them."""

    async def test(hook: Hook) -> None:
        answer = await hook.call(
            flow(node("in", "webhook", **WHOLE, webhookToken="t0ken")),
            "?a=1&a=2&b=%C3%B1&c=",
            json={"order": 7},
            headers={
                "X-Shop": "Madrid",
                "Authorization": "Bearer s3cret",
                "Cookie": "token=s3cret",
                "X-Webhook-Token": "t0ken",
            },
        )
        request = await hook.output(answer)
        assert {"order": 7} == request["body"]
        assert {"a": ["1", "2"], "b": "ñ", "c": ""} == request["query"]
        assert "Madrid" == request["headers"]["x-shop"]
        assert not {"authorization", "cookie", "x-webhook-token"} & set(request["headers"])

    with_hook(tmp_path, test)


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/json", b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ("application/json; charset=utf-8", b'["\xc3\xb1"]', ["ñ"]),
        ("application/vnd.acme+json", b"true", True),
        (FORM, b"a=1&b=x+y&a=2&c=", {"a": ["1", "2"], "b": "x y", "c": ""}),
        ("text/plain", b"hola \xc3\xb1", "hola ñ"),
        ("text/csv; charset=latin-1", b"a\xf1o;1,5", "año;1,5"),
        ("application/xml", b"<a/>", "<a/>"),
        ("", b"plain", "plain"),
        ("application/octet-stream", b"\x00\xff", base64.b64encode(b"\x00\xff").decode()),
        ("image/png", b"\x89PNG", base64.b64encode(b"\x89PNG").decode()),
        ("application/json", b"", {}),
        ("text/plain", b"x" * 100_000, "x" * 100_000),
    ],
)
def test_a_body_becomes_a_value(tmp_path: Path, kind: str, body: bytes, expected: Any) -> None:
    """JSON is the value, a form an object, text a text, all else base64, and nothing is `{}`."""

    async def test(hook: Hook) -> None:
        workflow = answering()
        headers = {"content-type": kind} if kind else {}
        answer = await hook.call(workflow, content=body, headers=headers)
        found = answer.text if isinstance(expected, str) else answer.json()
        assert (200, expected) == (answer.status_code, found)

    with_hook(tmp_path, test)


def test_a_form_may_carry_files(tmp_path: Path) -> None:
    """A file of a multipart form is an object with its name, its type and base64."""
    content = bytes(range(256)) + b"\r\n--x\r\n\r\n"

    async def test(hook: Hook) -> None:
        answer = await hook.call(
            answering(),
            data={"note": "año", "tag": ["a", "b"]},
            files={"meter": ("lecturas ñ.bin", content, "application/x-meter")},
        )
        assert {
            "note": "año",
            "tag": ["a", "b"],
            "meter": {
                "fileName": "lecturas ñ.bin",
                "contentType": "application/x-meter",
                "content": base64.b64encode(content).decode(),
            },
        } == answer.json()

    with_hook(tmp_path, test)


@pytest.mark.parametrize(
    ("headers", "body", "status", "cause"),
    [
        ({"content-type": "application/json"}, b"{", 422, "is not JSON"),
        ({"content-type": "application/json"}, b'{"a": NaN}', 422, "holds NaN"),
        ({"content-type": "application/json"}, b'{"a": 1, "a": 2}', 422, "twice"),
        ({"content-type": "text/plain"}, b"\xff", 422, "the body is not utf-8"),
        ({"content-type": "text/plain; charset=none"}, b"a", 422, "charset 'none' is not known"),
        ({"content-type": "text/plain; charset=hex"}, b"a", 422, "charset 'hex' is not known"),
        ({"content-type": "text/plain; charset=utf-7"}, b"+2AA-", 422, "half of a surrogate pair"),
        ({"content-type": "text/plain"}, b"a\x00", 422, "NUL"),
        ({"content-type": FORM}, b"a=%00", 422, "NUL"),
        ({"content-type": "multipart/form-data"}, b"a", 422, "no boundary"),
        ({"content-type": "multipart/form-data; boundary=x"}, b"a", 422, "not the boundary 'x'"),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b"--x\r\nContent-Type: text/plain\r\n\r\na\r\n--x--",
            422,
            "a part has no name",
        ),
        ({"content-type": FORM}, b"a&" * 10_000, 422, "the form has 10,001 fields; 10,000 are"),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b"--x\r\n\r\n" * 10_001 + b"--x--",
            422,
            "the form has 10,001 fields; 10,000 are allowed",
        ),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            b"--x\r\na: %b\r\n\r\n\r\n--x--" % (b"b" * 20_000),
            422,
            "the headers of a part have 20,005 bytes",
        ),
        ({"content-encoding": "gzip"}, b"a", 415, "encoding 'gzip' is not read"),
        ({"content-type": "text/plain"}, b"x" * 200_000, 413, "the limit is 100,000"),
    ],
)
def test_a_body_that_is_not_what_it_says_starts_nothing(
    tmp_path: Path, headers: Any, body: bytes, status: int, cause: str
) -> None:
    """The caller hears why, and no execution begins."""

    async def test(hook: Hook) -> None:
        workflow = {"nodes": [node("in", "webhook")]}
        answer = await hook.call(workflow, content=body, headers=headers)
        assert status == answer.status_code, answer.text
        assert cause in answer.json()["detail"]
        assert 0 == (await hook.service.get("/api/workflows/w/executions"))["total"]

    with_hook(tmp_path, test, max_body=100_000)


def test_a_query_has_an_end(tmp_path: Path) -> None:
    """More fields in the query than a form may have are refused."""

    async def test(hook: Hook) -> None:
        answer = await hook.call(flow(node("in", "webhook")), "?" + "a&" * 10_000)
        assert 422 == answer.status_code
        assert "the query has 10,001 fields; 10,000 are allowed" == answer.json()["detail"]

    with_hook(tmp_path, test)


def test_a_repeated_call_starts_nothing(tmp_path: Path) -> None:
    """A call with the `webhook-id` of one before gets the first one's execution, also later.

    Where that was deleted meanwhile nothing is started in its place.
    """

    async def test(hook: Hook) -> None:
        async def call(identity: str) -> Any:
            answer = await hook.call(flow(node("in", "webhook")), headers={"webhook-id": identity})
            assert 200 == answer.status_code, answer.text
            return answer.json()

        first = await call("msg_1")
        assert "pending" == first["status"]
        status = await hook.service.ended(first["executionId"])
        again = await call("msg_1")
        assert (first["executionId"], "completed") == (again["executionId"], again["status"])
        assert "it started nothing more" in again["message"]
        assert first["executionId"] != (await call("msg_2"))["executionId"]
        assert first["executionId"] != (await call("x" * 1000))["executionId"]
        assert "trigger" in status["labels"]
        listed = await hook.service.get("/api/executions")
        assert 3 == len(listed["executions"])
        path = f"/api/executions/{first['executionId']}"
        assert 204 == (await hook.service.http.delete(path)).status_code
        gone = await call("msg_1")
        assert (first["executionId"], "deleted") == (gone["executionId"], gone["status"])
        assert 404 == (await hook.service.http.get(path)).status_code

    with_hook(tmp_path, test)


def test_a_repeated_call_is_answered_like_the_first(tmp_path: Path) -> None:
    """Where a node decides the answer, the repeat gets it too, and one of the two runs."""

    async def test(hook: Hook) -> None:
        workflow = answering(mode="template", template="{{n}}")
        calls = [
            hook.service.http.post("/api/webhook/w", json={"n": 5}, headers={"webhook-id": "m"})
            for _ in range(5)
        ]
        saved = await hook.service.http.put("/api/workflows/w", json=workflow)
        assert saved.is_success
        answers = await asyncio.gather(*calls)
        assert {(200, "5")} == {(answer.status_code, answer.text) for answer in answers}
        assert 1 == len({answer.headers["x-execution-id"] for answer in answers})

    with_hook(tmp_path, test)


def test_calls_without_a_key_are_each_their_own(tmp_path: Path) -> None:
    """Without `webhook-id` every call starts an execution, and nothing more is recorded."""

    async def test(hook: Hook) -> None:
        workflow = flow(node("in", "webhook"))
        ids = {(await hook.call(workflow)).json()["executionId"] for _ in range(3)}
        assert 3 == len(ids)
        status = await hook.service.ended(next(iter(ids)))
        assert "labels" not in status

    with_hook(tmp_path, test)


class Strict(Config):
    """A config that the node's handler knows nothing of."""

    order: int = 0


class Till(Trigger[Strict]):
    """Takes calls for the nodes `give`."""

    name = "till"
    node = "give"
    config = Strict

    def wanted(self, config: Strict) -> bool:  # noqa: ARG002 - the same for all
        """Nobody listens."""
        return False

    def receive(self, config: Strict, call: Call) -> Event:  # noqa: ARG002 - one form for all
        """An event for each order."""
        return Event(str(config.order))


async def test_a_config_that_its_trigger_cannot_read_is_named(tmp_path: Path) -> None:
    """Nobody is told that the server has failed where the workflow is wrong."""
    async with service(tmp_path) as here:
        here.engine.registry = replace(here.engine.registry, triggers={"give": Till()})
        answer = await here.http.put("/api/workflows/w", json=flow(node("in", "give", order="two")))
        assert answer.is_success
        refused = await here.post("/api/webhook/w", {}, 422)
        assert "INVALID_CONFIG" == refused["code"]
        assert "the node 'in' does not fit its trigger 'till'" in refused["detail"]
