"""The endpoints of uploaded files, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.parts import COUNT, TEXT, answer, header, path, problems, query

Described = dict[str, Any]

FILE: Described = {
    "id": "f019c1c2d7a609f3c0e41d9b6a5f0a1e7",
    "name": "prices.xlsx",
    "size": 48213,
    "sha256": "9f3c0e41d9b6a5f0a1e7c0a4c1de2f7b8f4f5d1f0e6c7b9a3d2c1b0a99887766",
    "contentType": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "createdAt": "2026-01-31T10:00:00.123Z",
}
_PROPERTIES: Described = {
    "id": TEXT,
    "name": TEXT,
    "size": {"type": "integer", "minimum": 0, "description": "In bytes."},
    "sha256": TEXT,
    "contentType": {**TEXT, "description": "What the caller said it is."},
    "createdAt": {"type": "string", "format": "date-time"},
}
FILE_SCHEMAS: dict[str, Described] = {
    "UploadedFile": {
        "type": "object",
        "required": list(_PROPERTIES),
        "properties": _PROPERTIES,
    },
    "UploadedFiles": {
        "type": "object",
        "required": ["files", "nextCursor"],
        "properties": {
            "files": {"type": "array", "items": {"$ref": "#/components/schemas/UploadedFile"}},
            "nextCursor": {"type": ["string", "null"]},
        },
    },
}
_FORM: Described = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
}
_SAME = {"304": {"description": "The caller has this state already."}}
_NONE_MATCH = header("If-None-Match", "The ETag of the state that the caller has.")

UPLOAD: Described = {
    "operation_id": "uploadFile",
    "summary": "Upload a file",
    "tags": ["Files"],
    "status_code": 201,
    "responses": {
        "201": answer("It is kept.", "UploadedFile", FILE),
        **problems(400, 408, 413, 422, 503),
    },
    "openapi_extra": {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
    },
}
LIST: Described = {
    "operation_id": "listFiles",
    "summary": "The uploaded files",
    "tags": ["Files"],
    "responses": {
        "200": answer(
            "A page, newest first.",
            "UploadedFiles",
            {"files": [FILE], "nextCursor": None},
            ["ETag", "Link"],
        ),
        **_SAME,
        **problems(422),
    },
    "openapi_extra": {
        "parameters": [
            query("limit", "How many at most, up to 500; 50 where it is not said.", COUNT),
            query("cursor", "`nextCursor` of the page before.", TEXT),
            _NONE_MATCH,
        ]
    },
}
GET: Described = {
    "operation_id": "getFile",
    "summary": "What is known of a file",
    "tags": ["Files"],
    "responses": {
        "200": answer("Its name, size and digest.", "UploadedFile", FILE, ["ETag"]),
        **_SAME,
        **problems(404),
    },
    "openapi_extra": {"parameters": [*path("fileId"), _NONE_MATCH]},
}
CONTENT: Described = {
    "operation_id": "getFileContent",
    "summary": "A file's content",
    "tags": ["Files"],
    "responses": {
        "200": {
            "description": "As it was uploaded.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        },
        **_SAME,
        **problems(404),
    },
    "openapi_extra": {"parameters": [*path("fileId"), _NONE_MATCH]},
}
DELETE: Described = {
    "operation_id": "deleteFile",
    "summary": "Delete a file",
    "tags": ["Files"],
    "status_code": 204,
    "responses": {"204": {"description": "It is gone."}, **problems(404)},
    "openapi_extra": {"parameters": path("fileId")},
}
