"""Workflows that are kept here: saved as versions, listed, checked."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from caudal_core.engine import Engine
from caudal_core.errors import Conflict, NotFound
from caudal_core.journal.workflows import StoredWorkflow
from caudal_core.values import encode, to_wire
from caudal_core.workflow import content_hash
from caudal_server import state
from caudal_server.answers import json_answer, known_to, tagged
from caudal_server.api_docs.workflows import (
    CREATE,
    DELETE,
    GET,
    LIST,
    RESTORE,
    SAVE,
    VALIDATE,
    VERSION_GET,
    VERSIONS,
)
from caudal_server.bodies import read_json
from caudal_server.parameters import known_only
from caudal_server.refused import Refused
from caudal_server.requests import check_names
from caudal_server.sources import WorkflowFinder, organization_of
from caudal_server.sources.finder import STORE
from caudal_server.validation import verdict
from caudal_server.workflow_bodies import (
    extracts,
    file_row,
    to_check,
    to_keep,
    version_row,
)


def routes() -> APIRouter:
    """`/api/workflows`."""
    router = APIRouter(prefix="/api/workflows")
    router.post("/validate", **VALIDATE)(validate_workflow)
    router.post("", **CREATE)(create_workflow)
    router.get("", **LIST)(list_workflows)
    router.get("/{workflowId}", **GET)(get_workflow)
    router.put("/{workflowId}", **SAVE)(save_workflow)
    router.delete("/{workflowId}", **DELETE)(delete_workflow)
    router.get("/{workflowId}/versions", **VERSIONS)(list_versions)
    router.get("/{workflowId}/versions/{version}", **VERSION_GET)(get_version)
    router.post("/{workflowId}/versions/{version}/restore", **RESTORE)(restore_version)
    return router


async def validate_workflow(request: Request) -> Response:
    """Answers 200 for a workflow with problems too: that is the answer to the question.

    The body is the workflow, or an object with it under `workflow`.
    """
    document = to_check(await read_json(request))
    engine = state.engine(request)
    found = await engine.read(lambda: verdict(document, engine.registry))
    return json_answer(found)


async def create_workflow(request: Request) -> Response:
    """An id given is kept, and must be free; without one, one is made.

    The workflow need not be valid: it is kept as it is, and running it says what is wrong.
    """
    document = to_keep(await read_json(request))
    check_names(document)
    library = state.engine(request).library
    stored = await library.save(document, organization=organization_of(document), new=True)
    return await _saved(request, stored, created=True)


async def list_workflows(request: Request) -> Response:
    """Those of the store by name, then those of the folder; the newest version of each.

    A broken file of the folder is listed with its `error`.
    """
    known_only(request)
    rows = await _stored_rows(state.engine(request))
    finder = state.finder(request)
    known = {row["id"] for row in rows}
    files = [file for file in await finder.files() if file.id not in known]
    rows += [file_row(file, finder.folder.name) for file in files if finder.folder is not None]
    return tagged(request, to_wire(rows))


async def _stored_rows(engine: Engine) -> list[dict[str, Any]]:
    workflows = engine.storage.workflows
    if workflows is None:
        return []

    def row(stored: StoredWorkflow) -> dict[str, Any]:
        document = workflows.document(stored.hash) or {}
        return {**version_row(stored), "origin": STORE, **extracts(document)}

    rows: list[dict[str, Any]] = await engine.read(lambda: list(map(row, workflows.all())))
    return rows


async def get_workflow(request: Request) -> Response:
    """The workflow's JSON as it was saved, of the store or of wherever it is looked for.

    Its `ETag` is its version, of another place a hash. `?version=N` gives an older one.
    """
    workflow_id = request.path_params["workflowId"]
    asked = request.query_params.get("version")
    if asked is not None:
        return await _workflow(request, await _version(request, workflow_id, asked), f'"{asked}"')
    found = await state.finder(request).find(workflow_id)
    return await _workflow(request, found.document, _tag(found.document, found.version))


async def _workflow(request: Request, document: dict[str, Any], tag: str) -> Response:
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if known_to(request, tag):
        return Response(status_code=304, headers=headers)
    return json_answer(await _text(state.engine(request), document), headers=headers)


async def save_workflow(request: Request) -> Response:
    """Creates what is not there (201), else makes a version (200); the same again makes none.

    `If-Match` with the `ETag` that the caller has seen refuses to overwrite what it has not (412);
    `If-None-Match: *` refuses to overwrite anything.
    """
    workflow_id = request.path_params["workflowId"]
    document = to_keep(await read_json(request), workflow_id)
    check_names(document)
    try:
        stored, created = await _stored(request, workflow_id, document)
    except Conflict as error:
        raise _changed(error.text()) from None
    return await _saved(request, stored, created=created)


async def _stored(
    request: Request, workflow_id: str, document: dict[str, Any]
) -> tuple[StoredWorkflow, bool]:
    """The version that is now the newest, and whether this call created the workflow.

    Of many calls that find no workflow one creates it: it is the one that may refuse a taken id.
    """
    library = state.engine(request).library
    organization = organization_of(document)
    save = partial(library.save, document, workflow_id=workflow_id, organization=organization)
    expected = await _expected(request, workflow_id)
    new = request.headers.get("if-none-match") == "*"
    if new or expected is not None:
        stored = await save(expected=expected, new=new)
        return stored, new or expected == 0
    if await library.find(workflow_id) is None:
        with suppress(Conflict):
            return await save(new=True), True
    return await save(), False


async def delete_workflow(request: Request) -> Response:
    """Its executions stay. `If-Match` as with saving."""
    workflow_id = request.path_params["workflowId"]
    expected = await _expected(request, workflow_id)
    try:
        await state.engine(request).library.delete(workflow_id, expected=expected)
    except Conflict as error:
        raise _changed(error.text()) from None
    except NotFound:
        found = await state.finder(request).find(workflow_id)
        detail = f"the workflow {workflow_id} is not in the store but in {found.origin}"
        raise Refused(409, "NOT_KEPT_HERE", detail, hint="delete it there") from None
    return Response(status_code=204)


async def list_versions(request: Request) -> Response:
    """Newest first; `GET /api/workflows/{id}/versions/{version}` gives the JSON of one."""
    known_only(request)
    workflow_id = request.path_params["workflowId"]
    versions = await state.engine(request).library.versions(workflow_id)
    return tagged(request, to_wire([version_row(stored) for stored in versions]))


async def get_version(request: Request) -> Response:
    """The JSON of a version as it was saved; it never changes."""
    workflow_id, asked = request.path_params["workflowId"], request.path_params["version"]
    return await _workflow(request, await _version(request, workflow_id, asked), f'"{asked}"')


async def restore_version(request: Request) -> Response:
    """Makes an old version the newest one, under a number of its own.

    Where the newest one is the same already none is made. `If-Match` as with saving.
    """
    workflow_id, asked = request.path_params["workflowId"], request.path_params["version"]
    document = await _version(request, workflow_id, asked)
    expected = await _expected(request, workflow_id)
    organization = organization_of(document)
    save = state.engine(request).library.save
    try:
        stored = await save(
            document, workflow_id=workflow_id, organization=organization, expected=expected
        )
    except Conflict as error:
        raise _changed(error.text()) from None
    return await _saved(request, stored, created=False)


async def _saved(request: Request, stored: StoredWorkflow, *, created: bool) -> Response:
    engine = state.engine(request)
    headers = {"ETag": f'"{stored.version}"'}
    if created:
        headers["Location"] = f"/api/workflows/{quote(stored.id, safe='')}"
    document = await engine.library.document(stored.hash)
    return json_answer(await _text(engine, document or {}), 201 if created else 200, headers)


async def _version(request: Request, workflow_id: str, asked: str) -> dict[str, Any]:
    library = state.engine(request).library
    for stored in await library.versions(workflow_id):
        if str(stored.version) == asked:
            return await library.document(stored.hash) or {}
    raise NotFound(kind=f"Version {asked} of workflow", id=workflow_id)


async def _text(engine: Engine, document: dict[str, Any]) -> bytes:
    """A workflow's own JSON: its numbers stay numbers, however long they are."""
    text: bytes = await engine.read(lambda: encode(document))
    return text.lstrip()


def _tag(document: dict[str, Any], version: int | None) -> str:
    return f'"{content_hash(encode(document))[:24]}"' if version is None else f'"{version}"'


async def _expected(request: Request, workflow_id: str) -> int | None:
    """The version in the store that `If-Match` speaks of (0: none is there); 412 if it is past."""
    given = request.headers.get("if-match")
    if given is None:
        return None
    version, tag = await _current(request, workflow_id)
    tags = [text.strip().removeprefix("W/") for text in given.split(",")]
    if tag is not None and ("*" in tags or tag in tags):
        return version
    now = "is not there" if tag is None else f"is at {tag} now"
    raise _changed(f"the workflow {workflow_id} {now}, not at {given}; read it again")


async def _current(request: Request, workflow_id: str) -> tuple[int, str | None]:
    finder: WorkflowFinder = state.finder(request)
    try:
        found = await finder.find(workflow_id)
    except NotFound:
        return 0, None
    return found.version or 0, _tag(found.document, found.version)


def _changed(detail: str) -> Refused:
    return Refused(412, "PRECONDITION_FAILED", detail)
