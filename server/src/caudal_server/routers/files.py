"""Uploaded files: taken in, listed, given back, deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from caudal_core.errors import InvalidRequest
from caudal_core.uploads import UploadedFile, is_id
from caudal_core.values import to_wire
from caudal_server import state
from caudal_server.answers import json_answer, known_to, tagged
from caudal_server.api_docs.files import CONTENT, DELETE, GET, LIST, UPLOAD
from caudal_server.parameters import known_only, whole_number
from caudal_server.times import moment
from caudal_server.upload import PIECE, upload

SHOWN = 50
MOST_SHOWN = 500


def routes() -> APIRouter:
    """`/api/files`."""
    router = APIRouter(prefix="/api/files")
    router.post("", **UPLOAD)(upload_file)
    router.get("", **LIST)(list_files)
    router.get("/{fileId}", **GET)(get_file)
    router.get("/{fileId}/content", **CONTENT)(get_content)
    router.delete("/{fileId}", **DELETE)(delete_file)
    return router


async def upload_file(request: Request) -> Response:
    """A form with the file in its field `file`. A node's config names it by its id, as `fileId`."""
    found = await upload(request)
    return json_answer(row(found), 201, {"Location": f"/api/files/{found.id}"})


async def list_files(request: Request) -> Response:
    """A page, newest first."""
    known_only(request)
    limit = whole_number(request, "limit", SHOWN, least=1, most=MOST_SHOWN)
    cursor = request.query_params.get("cursor") or None
    if cursor is not None and not is_id(cursor):
        raise InvalidRequest(message="cursor is none that this server gave; begin without it")
    uploads = state.uploads(request)
    found, after = await state.uploading(request).run(lambda: uploads.page(limit, cursor))
    headers = {}
    if after is not None:
        query = urlencode({"limit": limit, "cursor": after})
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return tagged(request, to_wire({"files": list(map(row, found)), "nextCursor": after}), headers)


async def get_file(request: Request) -> Response:
    """What is known of it."""
    return tagged(request, to_wire(row(await _found(request))))


async def get_content(request: Request) -> Response:
    """As it was uploaded. It is always given to be saved, never to be shown by a browser."""
    found = await _found(request)
    tag = f'"{found.sha256[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    if known_to(request, tag):
        return Response(status_code=304, headers=headers)
    pool, uploads = state.uploading(request), state.uploads(request)
    file = await pool.run(lambda: uploads.path(found.id).open("rb"))

    async def content() -> AsyncIterator[bytes]:
        with file:
            while piece := await pool.run(lambda: file.read(PIECE)):
                yield piece

    headers["Content-Length"] = str(found.size)
    headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    return StreamingResponse(content(), headers=headers, media_type="application/octet-stream")


async def delete_file(request: Request) -> Response:
    """Workflows that name it fail from now on; who reads it now can read on."""
    file_id, uploads = request.path_params["fileId"], state.uploads(request)
    await state.uploading(request).run(lambda: uploads.delete(file_id))
    return Response(status_code=204)


async def _found(request: Request) -> UploadedFile:
    file_id, uploads = request.path_params["fileId"], state.uploads(request)
    found: UploadedFile = await state.uploading(request).run(lambda: uploads.get(file_id))
    return found


def row(file: UploadedFile) -> dict[str, Any]:
    """`{id, name, size, sha256, contentType, createdAt}`."""
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "contentType": file.content_type,
        "createdAt": moment(file.created),
    }
