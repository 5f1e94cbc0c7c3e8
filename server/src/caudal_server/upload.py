"""A file in a form, on its way from the socket to the disk: never more than a piece in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import Message
from functools import partial
from typing import Final

from starlette.requests import Request

from caudal_core.errors import InvalidRequest
from caudal_core.runner.pool import ThreadPool
from caudal_core.uploads import Incoming, UploadedFile, Uploads
from caudal_server import state
from caudal_server.bodies import pieces
from caudal_server.multipart import LONGEST_HEAD, Part, part_of, refused
from caudal_server.refused import Refused

UPLOADING: Final = 4
"""Threads that write uploads and read what is downloaded."""

FIELD: Final = "file"
PIECE: Final = 1 << 20
AROUND: Final = 64_000
"""Bytes that a form may have beside its file."""


async def upload(request: Request) -> UploadedFile:
    """Keep the file that a form brings in its field `file`; the form's other fields are nothing.

    `InvalidRequest` where there is no form, or not one such field, 413 beyond `CAUDAL_MAX_UPLOAD`.
    """
    boundary = _boundary(request)
    limit = int(state.settings(request).max_upload)
    form = _Form(pieces(request, limit + AROUND, "CAUDAL_MAX_UPLOAD"), boundary)
    pool, uploads = state.uploading(request), state.uploads(request)
    kept: UploadedFile | None = None
    try:
        while (part := await form.next_part()) is not None:
            if part.name != FIELD or kept is not None:
                await _passed_over(form, part)
                continue
            kept = await _kept(form, part, pool, uploads, limit)
    except BaseException:
        if kept is not None:
            uploads.delete(kept.id)
        raise
    if kept is None:
        message = f"the form has no field '{FIELD}' with a file"
        raise InvalidRequest(message=message)
    return kept


async def _passed_over(form: _Form, part: Part) -> None:
    """Read what is no file of ours; a second file is refused, as it would be lost in silence."""
    if part.name == FIELD:
        message = f"the form has several fields '{FIELD}': send one file a request"
        raise InvalidRequest(message=message)
    async for _ in form.content():
        pass


async def _kept(
    form: _Form, part: Part, pool: ThreadPool, uploads: Uploads, limit: int
) -> UploadedFile:
    incoming: Incoming = await pool.run(uploads.incoming)
    try:
        async for piece in form.content():
            _check_size(incoming.size + len(piece), limit)
            await pool.run(partial(incoming.write, piece))
        found: UploadedFile = await pool.run(
            lambda: incoming.keep(part.file_name or FIELD, part.content_type)
        )
    except BaseException:
        incoming.drop()
        raise
    return found


def _check_size(size: int, limit: int) -> None:
    if size <= limit:
        return
    detail = f"the file has more than {limit:,} bytes"
    hint = "send a smaller one, or raise CAUDAL_MAX_UPLOAD"
    close = {"Connection": "close"}
    raise Refused(413, "TOO_LARGE", detail, hint=hint, headers=close, limit=limit)


def _boundary(request: Request) -> bytes:
    part = part_of(b"Content-Disposition: form-data; name=x\r\n" + _kind(request))
    if part.content_type != "multipart/form-data":
        message = "the body is no form: send multipart/form-data with a field 'file'"
        raise InvalidRequest(message=message)
    boundary = _parameter(request)
    if not boundary or len(boundary) > 200:
        raise refused("Content-Type names no boundary")
    return boundary


def _kind(request: Request) -> bytes:
    return b"Content-Type: " + request.headers.get("content-type", "").encode("utf-8", "replace")


def _parameter(request: Request) -> bytes:
    headers = Message()
    headers["Content-Type"] = request.headers.get("content-type", "")
    return (headers.get_boundary() or "").encode("latin-1", "replace")


class _Form:
    """Takes a form apart while it comes: a part's headers, its content in pieces, the next part."""

    def __init__(self, body: AsyncIterator[bytes], boundary: bytes) -> None:
        self._body = body
        self._line = b"\r\n--" + boundary
        self._held = bytearray(b"\r\n")
        self._begun = False

    async def next_part(self) -> Part | None:
        """The headers of the next part; null at the end of the form."""
        if not self._begun:
            self._begun = True
            async for _ in self.content():  # what stands before the first boundary is nobody's
                pass
        await self._hold(2)
        if self._held.startswith(b"--"):
            async for _ in self._body:
                pass
            return None
        if not self._held.startswith(b"\r\n"):
            raise refused("something stands behind a boundary")
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > LONGEST_HEAD:
                raise refused(f"the headers of a part have more than {LONGEST_HEAD:,} bytes")
            await self._more()
        part = part_of(bytes(self._held[:end]))
        # Of an empty content the boundary's line break is the one that ends the headers.
        del self._held[: end + 2]
        return part

    async def content(self) -> AsyncIterator[bytes]:
        """What is left of the part, in pieces; behind it stands what follows a boundary."""
        first = self._begun and self._held.startswith(b"\r\n")
        skipped = 2 if first else 0
        while (end := self._held.find(self._line)) < 0:
            keep = len(self._line) - 1
            if len(self._held) - keep > PIECE + skipped:
                yield bytes(self._held[skipped : len(self._held) - keep])
                del self._held[: len(self._held) - keep]
                skipped = 0
            await self._more()
        if end > skipped:
            yield bytes(self._held[skipped:end])
        del self._held[: end + len(self._line)]

    async def _hold(self, size: int) -> None:
        while len(self._held) < size:
            await self._more()

    async def _more(self) -> None:
        try:
            self._held += await anext(self._body)
        except StopAsyncIteration:
            raise refused("it ends before its last boundary") from None
