"""Workflows over HTTP: those of the folder and of an application beside those kept here."""

import asyncio
import json
from pathlib import Path

from tests.server.applications import DRAFT, applied, with_service, write
from tests.server.serving import Service, flow, node, service


def test_the_list_has_store_and_folder(tmp_path: Path) -> None:
    """The newest version of each with what tells it apart; a stored one hides a file of its id."""
    folder = tmp_path / "flows"
    write(folder, "b.json", {**DRAFT, "name": "File", "tags": ["x"], "organizationId": "acme"})
    write(folder, "a.json", {**DRAFT, "name": "Hidden"})
    write(folder, "bad.json", "{")

    async def test(found: Service) -> None:
        body = {**DRAFT, "id": "a", "tags": ["energy"], "description": "First"}
        await found.post("/api/workflows", body, 201)
        stored, file, broken = await found.get("/api/workflows")
        assert {
            "id": "a",
            "name": "Draft",
            "version": 1,
            "organizationId": None,
            "origin": "the store",
            "tags": ["energy"],
            "description": "First",
        } == {key: stored[key] for key in stored if key not in ("updatedAt", "hash")}
        assert stored["updatedAt"].endswith("Z")
        assert ("b", "File", None, "acme", ["x"]) == tuple(
            file[key] for key in ("id", "name", "version", "organizationId", "tags")
        )
        assert file["origin"].startswith(f"the folder {folder}")
        assert ("bad", None) == (broken["id"], broken["name"])
        assert "is not JSON" in broken["error"]

    with_service(tmp_path, test, workflows=folder)


def test_a_workflow_of_the_folder_can_be_read_and_saved(tmp_path: Path) -> None:
    """Read where it is, kept in the store once it is saved, never deleted from the folder."""
    folder = tmp_path / "flows"
    write(folder, "a.json", {**DRAFT, "name": "File"})

    async def test(found: Service) -> None:
        url = "/api/workflows/a"
        read = await found.http.get(url)
        assert {**DRAFT, "name": "File"} == read.json()
        refused = await found.http.delete(url)
        assert 409 == refused.status_code
        assert f"is not in the store but in the folder {folder}" in refused.json()["detail"]
        tag = {"if-match": read.headers["etag"]}
        assert (
            412 == (await found.http.put(url, json=DRAFT, headers={"if-match": '"1"'})).status_code
        )
        assert 201 == (await found.http.put(url, json=DRAFT, headers=tag)).status_code
        assert {**DRAFT, "id": "a"} == await found.get(url)
        assert "File" == json.loads((folder / "a.json").read_text())["name"]

    with_service(tmp_path, test, workflows=folder)


def test_without_a_store_nothing_is_kept_in_silence(tmp_path: Path) -> None:
    """A server that keeps nothing says so when it is to save, and lists what the folder has."""
    folder = tmp_path / "flows"
    write(folder, "a.json", DRAFT)

    async def run() -> None:
        async with service(tmp_path, memory=True, workflows=folder) as found:
            await found.post("/api/workflows", DRAFT, 501)
            assert ["a"] == [row["id"] for row in await found.get("/api/workflows")]

    asyncio.run(run())


def test_an_application_sends_only_ids(tmp_path: Path) -> None:
    """A workflow of the application runs as it is at that moment, under the id that was sent."""
    body = {"id": 9, "name": "Row", "data": json.dumps(flow(node("a", "give", value=1), name=""))}

    async def test(found: Service) -> None:
        started = await found.post("/api/workflows/execute", {"workflowId": "9"})
        assert ("9", "Row") == (started["workflowId"], started["workflowName"])
        assert 1 == (await found.ended(started["executionId"]))["finalOutput"]
        missing = await found.post("/api/workflows/execute", {"workflowId": "10"}, 404)
        assert "Workflow 10 not found" == missing["detail"]
        assert ["the store", application.url + "/w/{id}"] == missing["lookedIn"]
        failed = await found.post("/api/workflows/execute", {"workflowId": "11"}, 502)
        assert "it answered 500" in failed["detail"]

    with applied({"/w/9": (200, body), "/w/10": (404, {}), "/w/11": (500, {})}) as application:
        with_service(tmp_path, test, workflow_source=application.url + "/w/{id}")


def test_an_execution_belongs_to_the_workflows_organisation(tmp_path: Path) -> None:
    """The one that the call names, else the one that the workflow names as its own."""

    async def test(found: Service) -> None:
        body = {**flow(node("a", "give")), "id": "a", "organizationId": "acme"}
        await found.post("/api/workflows", body, 201)
        for more, expected in (({}, "acme"), ({"organizationId": "plant"}, "plant")):
            started = await found.post("/api/workflows/execute", {"workflowId": "a", **more})
            status = await found.ended(started["executionId"])
            assert expected == status["organizationId"]

    with_service(tmp_path, test)
