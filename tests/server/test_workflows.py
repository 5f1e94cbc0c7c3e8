"""Workflows over HTTP: kept and versioned."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.server.applications import DRAFT, with_service
from tests.server.serving import Service, flow, node

ODD = """{"zeta": 1, "nodes": [{"type": "give", "id": "n1", "config": {"value": 1.50,
 "big": 123456789012345678901234567890, "own key": {"á": [null, true, 1e300]}}, "x": 10.0,
 "y": -9007199254740993}], "id": "odd", "name": "Ñandú", "connections": [], "alpha": {"b": 0}}"""


def test_a_workflow_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    """Unknown keys, the order of keys and numbers of any size survive the round trip."""

    async def test(found: Service) -> None:
        created = await found.http.post("/api/workflows", content=ODD)
        assert 201 == created.status_code, created.text
        got = await found.http.get("/api/workflows/odd")
        for answer in (created, got):
            assert list(json.loads(ODD).items()) == list(answer.json().items())
            assert json.dumps(json.loads(ODD)) == json.dumps(answer.json())
        assert '"1"' == got.headers["etag"]

    with_service(tmp_path, test)


def test_it_comes_back_after_a_restart(tmp_path: Path) -> None:
    """What was answered 201 is on disk."""

    async def save(found: Service) -> None:
        await found.http.post("/api/workflows", content=ODD)

    async def read(found: Service) -> None:
        assert json.loads(ODD) == await found.get("/api/workflows/odd")

    with_service(tmp_path, save)
    with_service(tmp_path, read)


def test_creating_tells_where_it_is(tmp_path: Path) -> None:
    """201 with the address and the version; an id is made where none was given."""

    async def test(found: Service) -> None:
        answer = await found.http.post("/api/workflows", json={**DRAFT, "id": "año 1"})
        assert (201, '"1"') == (answer.status_code, answer.headers["etag"])
        assert "/api/workflows/a%C3%B1o%201" == answer.headers["location"]
        assert {**DRAFT, "id": "año 1"} == await found.get(answer.headers["location"])
        for document in (DRAFT, {**DRAFT, "id": None}, {**DRAFT, "id": ""}):
            made = await found.http.post("/api/workflows", json=document)
            assert f"/api/workflows/{made.json()['id']}" == made.headers["location"]
            assert {**DRAFT, "id": made.json()["id"]} == await found.get(made.headers["location"])

    with_service(tmp_path, test)


def test_an_id_that_is_taken_is_refused(tmp_path: Path) -> None:
    """Creating never overwrites: 409 names the id, and what is there stays."""

    async def test(found: Service) -> None:
        await found.post("/api/workflows", {**DRAFT, "id": "a"}, 201)
        problem = await found.post("/api/workflows", {**DRAFT, "id": "a", "name": "B"}, 409)
        assert "there is a workflow a already (version 1)" in problem["detail"]
        assert "Draft" == (await found.get("/api/workflows/a"))["name"]

    with_service(tmp_path, test)


def test_saving_creates_or_makes_a_version(tmp_path: Path) -> None:
    """PUT creates (201) or makes a version (200); the same again makes none."""

    async def test(found: Service) -> None:
        seen = []
        for name in ("one", "two", "two", "three"):
            answer = await found.http.put("/api/workflows/a", json={**DRAFT, "name": name})
            seen.append((answer.status_code, answer.headers["etag"], answer.json()["name"]))
        assert [
            (201, '"1"', "one"),
            (200, '"2"', "two"),
            (200, '"2"', "two"),
            (200, '"3"', "three"),
        ] == seen
        assert {**DRAFT, "name": "three", "id": "a"} == await found.get("/api/workflows/a")

    with_service(tmp_path, test)


@pytest.mark.parametrize("versions", [1, 20])
def test_one_of_many_creates_it(tmp_path: Path, versions: int) -> None:
    """Of twenty calls at once that save under a new id, one is answered 201."""

    async def test(found: Service) -> None:
        bodies = [{**DRAFT, "name": f"n{number % versions}"} for number in range(20)]
        calls = [found.http.put("/api/workflows/a", json=body) for body in bodies]
        answers = await asyncio.gather(*calls)
        assert [200] * 19 + [201] == sorted(answer.status_code for answer in answers)
        assert versions == len(await found.get("/api/workflows/a/versions"))

    with_service(tmp_path, test)


def test_versions_are_kept(tmp_path: Path) -> None:
    """Every version is listed, newest first, and can be read."""

    async def test(found: Service) -> None:
        for name in ("one", "two"):
            body = {**DRAFT, "name": name, "organizationId": "acme"}
            await found.http.put("/api/workflows/a", json=body)
        versions = await found.get("/api/workflows/a/versions")
        assert [(2, "two"), (1, "one")] == [(v["version"], v["name"]) for v in versions]
        assert {"id", "name", "version", "updatedAt", "organizationId", "hash"} == set(versions[0])
        assert "acme" == versions[0]["organizationId"]
        old = await found.http.get("/api/workflows/a?version=1")
        assert ("one", '"1"') == (old.json()["name"], old.headers["etag"])
        missing = await found.get("/api/workflows/a?version=9", 404)
        assert "Version 9 of workflow a not found" == missing["detail"]
        await found.get("/api/workflows/none/versions", 404)

    with_service(tmp_path, test)


def test_if_match_protects_what_was_not_seen(tmp_path: Path) -> None:
    """Another version than the caller's is 412, for saving and for deleting."""

    async def test(found: Service) -> None:
        url, http = "/api/workflows/a", found.http

        async def saved(name: str, **headers: str) -> int:
            answer = await http.put(
                url,
                json={**DRAFT, "name": name},
                headers={key.replace("_", "-"): value for key, value in headers.items()},
            )
            return answer.status_code

        assert 412 == await saved("one", if_match='"1"')
        assert 412 == await saved("one", if_match="*")
        assert 201 == await saved("one", if_none_match="*")
        assert 412 == await saved("two", if_none_match="*")
        assert 200 == await saved("two", if_match='"1"')
        assert 412 == await saved("three", if_match='"1"')
        assert 200 == await saved("three", if_match='"1", W/"2"')
        assert 200 == await saved("four", if_match="*")
        answer = await http.delete(url, headers={"if-match": '"3"'})
        assert 412 == answer.status_code
        assert 'is at "4" now' in answer.json()["detail"]
        assert 204 == (await http.delete(url, headers={"if-match": '"4"'})).status_code

    with_service(tmp_path, test)


def test_a_poll_of_the_same_state_is_304(tmp_path: Path) -> None:
    """`If-None-Match` with the version answers 304 without a body, for one and for the list."""

    async def test(found: Service) -> None:
        await found.post("/api/workflows", {**DRAFT, "id": "a"}, 201)
        for url in ("/api/workflows/a", "/api/workflows", "/api/workflows/a/versions"):
            tag = (await found.http.get(url)).headers["etag"]
            again = await found.http.get(url, headers={"if-none-match": tag})
            assert (304, b"", tag) == (again.status_code, again.content, again.headers["etag"])
            await found.http.put("/api/workflows/a", json={**DRAFT, "name": url})
            assert 200 == (await found.http.get(url, headers={"if-none-match": tag})).status_code

    with_service(tmp_path, test)


def test_deleting(tmp_path: Path) -> None:
    """What is deleted is gone, its executions stay, and a new one gets a higher version."""

    async def test(found: Service) -> None:
        await found.post("/api/workflows", {**flow(node("a", "give", value=1)), "id": "a"}, 201)
        started = await found.post("/api/workflows/execute", {"workflowId": "a"})
        await found.ended(started["executionId"])
        deleted = await found.http.delete("/api/workflows/a")
        assert (204, b"") == (deleted.status_code, deleted.content)
        assert "Workflow a not found" == (await found.get("/api/workflows/a", 404))["detail"]
        assert [] == await found.get("/api/workflows")
        assert 404 == (await found.http.delete("/api/workflows/a")).status_code
        assert 1 == (await found.get("/api/workflows/a/executions"))["total"]
        again = await found.http.put("/api/workflows/a", json=DRAFT)
        assert (201, '"2"') == (again.status_code, again.headers["etag"])

    with_service(tmp_path, test)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("[]", "the body is a list"),
        ("", "the body is empty"),
        ("{", "is not JSON"),
        ('{"name": "x"}', "its nodes are missing; a list is expected"),
        ('{"nodes": {}}', "its nodes are an object; a list is expected"),
        ('{"nodes": [], "id": 5}', "the id is a number; write it as text"),
        ('{"nodes": [], "id": "a/b"}', "'a/b' cannot be an id"),
        ('{"nodes": [], "id": ".."}', "'..' cannot be an id"),
        ('{"nodes": [], "id": "a\\nb"}', "cannot be an id"),
        ('{"nodes": [], "nodes": []}', "twice"),
    ],
)
def test_what_is_no_workflow_is_not_kept(tmp_path: Path, body: str, cause: str) -> None:
    """422 says what is wrong, and nothing is written."""

    async def test(found: Service) -> None:
        answer = await found.http.post("/api/workflows", content=body)
        assert 422 == answer.status_code
        assert cause in answer.json()["detail"]
        assert [] == await found.get("/api/workflows")

    with_service(tmp_path, test)


def test_the_address_names_the_workflow(tmp_path: Path) -> None:
    """An id in the body that contradicts the address is 422; the same one as a number is text."""

    async def test(found: Service) -> None:
        answer = await found.http.put("/api/workflows/a", json={**DRAFT, "id": "b"})
        assert 422 == answer.status_code
        assert "the body has the id 'b', the address 'a'" in answer.json()["detail"]
        assert (
            201 == (await found.http.put("/api/workflows/7", json={**DRAFT, "id": 7})).status_code
        )
        assert "7" == (await found.get("/api/workflows/7"))["id"]

    with_service(tmp_path, test)


def test_an_old_version_is_restored_as_a_new_one(tmp_path: Path) -> None:
    """Restoring gives an old version a new number; of what is the newest already none is made."""

    async def test(found: Service) -> None:
        for name in ("one", "two"):
            await found.http.put("/api/workflows/a", json={**DRAFT, "name": name})
        path = "/api/workflows/a/versions/1"
        got = await found.http.get(path)
        assert ("one", '"1"') == (got.json()["name"], got.headers["etag"])
        same = await found.http.get(path, headers={"If-None-Match": '"1"'})
        assert 304 == same.status_code
        stale = await found.http.post(f"{path}/restore", headers={"If-Match": '"1"'})
        assert 412 == stale.status_code
        for _ in range(2):
            answer = await found.http.post(f"{path}/restore")
            assert (200, "one", '"3"') == (
                answer.status_code,
                answer.json()["name"],
                answer.headers["etag"],
            )
        versions = await found.get("/api/workflows/a/versions")
        assert [(3, "one"), (2, "two"), (1, "one")] == [
            (version["version"], version["name"]) for version in versions
        ]
        assert versions[0]["hash"] == versions[2]["hash"]
        for place in ("a/versions/9", "none/versions/1"):
            assert 404 == (await found.http.get(f"/api/workflows/{place}")).status_code
            assert 404 == (await found.http.post(f"/api/workflows/{place}/restore")).status_code

    with_service(tmp_path, test)
