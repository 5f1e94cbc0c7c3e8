"""Workflows in an application's own service."""

import json
import threading
from typing import Any

import pytest
from tests.server.applications import NODES, WORKFLOW, Answer, applied, find

from caudal_server.sources import SourceFailed, SourceTimeout, WorkflowNotFound


@pytest.mark.parametrize(
    "body",
    [
        WORKFLOW,
        {"data": WORKFLOW},
        {"workflow": WORKFLOW},
        {"success": True, "data": {"id": "7", "name": "Prices", "data": json.dumps(WORKFLOW)}},
        {"id": "7", "name": "Prices", "data": {"nodes": NODES, "connections": []}},
    ],
)
def test_an_answer_may_be_wrapped(body: Any) -> None:
    """The workflow itself, or under `data` or `workflow`, as an object or as text."""
    with applied((200, body)) as application:
        (found,) = find("7", workflow_source=application.url + "/api/workflows/{id}")
    assert {"nodes": NODES, "connections": [], "name": "Prices"} == found.document
    assert ("7", "Prices") == (found.id, found.name)
    assert f"{application.url}/api/workflows/{{id}}" == found.origin


def test_it_is_known_by_the_id_that_was_asked_for() -> None:
    """An id in the workflow's own JSON does not change under which id it is recorded."""
    with applied((200, {"data": {**WORKFLOW, "id": 12}})) as application:
        (found,) = find("row-1", workflow_source=application.url + "/{id}")
    assert ("row-1", "row-1") == (found.id, found.document["id"])


def test_the_organisation_is_the_workflows() -> None:
    """It stands in the workflow, or beside it where it is wrapped."""
    replies: dict[str, Answer] = {
        "/a": (200, {**WORKFLOW, "organizationId": "acme"}),
        "/b": (200, {"organizationId": "plant", "data": WORKFLOW}),
        "/c": (200, WORKFLOW),
    }
    with applied(replies) as application:
        found = find(*"abc", workflow_source=application.url + "/{id}")
    assert ["acme", "plant", None] == [item.organization for item in found]


@pytest.mark.parametrize(
    ("workflow_id", "path"),
    [
        ("a/b", "/w/a%2Fb"),
        ("../x", "/w/..%2Fx"),
        ("a?b=c#d", "/w/a%3Fb%3Dc%23d"),
        ("año 1", "/w/a%C3%B1o%201"),
        ("%2e%2e", "/w/%252e%252e"),
    ],
)
def test_an_id_is_one_part_of_the_path(workflow_id: str, path: str) -> None:
    """Whatever an id holds, it is escaped."""
    with applied((200, WORKFLOW)) as application:
        find(workflow_id, workflow_source=application.url + "/w/{id}")
    assert [path] == application.paths


@pytest.mark.parametrize("workflow_id", [".", ".."])
def test_a_paths_own_words_are_no_ids(workflow_id: str) -> None:
    """`.` and `..` would lead elsewhere; they are not asked for."""
    with applied((200, WORKFLOW)) as application, pytest.raises(WorkflowNotFound):
        find(workflow_id, workflow_source=application.url + "/w/{id}")
    assert [] == application.paths


@pytest.mark.parametrize(
    "reply", [(404, {}), (410, {}), (204, b""), (200, None), (200, {"data": None})]
)
def test_the_service_may_not_have_it(reply: Answer) -> None:
    """404, 410, nothing and null say that the service does not have the workflow."""
    with applied(reply) as application, pytest.raises(WorkflowNotFound):
        find("x", workflow_source=application.url + "/{id}")


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        ((500, {}), "it answered 500"),
        ((401, {}), "it answered 401"),
        ((200, b"<html>"), "is not JSON"),
        ((200, [1]), "no workflow but a list"),
        ((200, {"error": "no"}), "its keys are: error"),
        ((200, b'{"nodes": [], "name": "' + b"x" * 2000 + b'"}'), "larger than 1000 bytes"),
    ],
)
def test_a_failing_service_is_no_absence(reply: Answer, cause: str) -> None:
    """What is no clear answer is an error that names the service and the cause."""
    with applied(reply) as application, pytest.raises(SourceFailed, match=cause) as caught:
        find("x", workflow_source=application.url + "/{id}", max_body=1000)
    assert application.url + "/{id}" in caught.value.text()


def test_an_unreachable_service_is_an_error() -> None:
    """Nobody at that port: that is said."""
    with applied((200, WORKFLOW)) as application:
        pass
    with pytest.raises(SourceFailed, match="the connection failed"):
        find("x", workflow_source=application.url + "/{id}")


def test_a_redirect_stays_at_its_origin() -> None:
    """A redirect within the service is followed, one to elsewhere is an error."""
    with applied((200, WORKFLOW)) as other:
        replies: dict[str, Answer] = {
            "/a": (302, "/b"),
            "/b": (200, WORKFLOW),
            "/c": (302, other.url),
            "/d": (307, "/d"),
        }
        with applied(replies) as application:
            source = application.url + "/{id}"
            assert "Prices" == find("a", workflow_source=source)[0].name
            with pytest.raises(SourceFailed, match="redirects to another origin"):
                find("c", workflow_source=source)
            with pytest.raises(SourceFailed, match="redirects more than 3 times"):
                find("d", workflow_source=source)
    assert [] == other.paths


def test_a_slow_service_is_given_up() -> None:
    """A place that takes too long is an error that names it and the limit."""
    release = threading.Event()

    def late() -> Answer:
        release.wait(20)
        return 200, WORKFLOW

    with applied(late) as application:
        with pytest.raises(SourceTimeout, match=r"did not give the workflow x within 0\.2 s"):
            find("x", workflow_source=application.url + "/{id}", seconds=0.2)
        release.set()


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the operator named is asked itself."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with applied((200, WORKFLOW)) as application:
        assert "Prices" == find("x", workflow_source=application.url + "/{id}")[0].name
