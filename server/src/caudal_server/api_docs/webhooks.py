"""The endpoints of webhooks, described."""

from __future__ import annotations

from typing import Any

from caudal_server.api_docs.compat import ID
from caudal_server.api_docs.parts import answer, header, path, problems

Described = dict[str, Any]

_BEGUN = {
    "success": True,
    "executionId": ID,
    "status": "pending",
    "message": "Execution of 'Orders' accepted",
}
_LATE = {**_BEGUN, "status": "running", "message": "It has not answered within 30 s; it goes on"}
_FAILED = {
    "success": False,
    "executionId": ID,
    "status": "failed",
    "error": "Answer (n3): unknown field 'pric'; did you mean 'price'?",
    "detail": "Answer (n3): unknown field 'pric'; did you mean 'price'?",
}
_ANYTHING = {
    "description": "What the caller sends: JSON, a form, text or bytes. JSON becomes the value, a "
    "form an object, text a text, all else base64; nothing becomes `{}`.",
    "content": {"*/*": {"schema": {}}},
}


def called(method: str, *names: str) -> Described:
    """One method of the webhook with these parameters in its path."""
    suffix = "WithToken" if "token" in names else ""
    extra: Described = {
        "parameters": [
            *path(*names),
            header("X-Webhook-Token", "The token, if not in the path."),
            header("webhook-id", "Names the call: a repeat starts nothing and gets the same id."),
        ]
    }
    if method not in ("GET", "DELETE"):
        extra["requestBody"] = _ANYTHING
    return {
        "operation_id": f"callWebhook{suffix}By{method.capitalize()}",
        "summary": "Call a workflow's webhook",
        "tags": ["Webhooks"],
        "responses": {
            "200": answer(
                "What its webhookResponse says, in any status; without one, that it has begun.",
                "WebhookAnswer",
                _BEGUN,
            ),
            "202": answer("It did not answer in time and goes on.", "WebhookAnswer", _LATE),
            "500": answer("It failed before it could answer.", "WebhookAnswer", _FAILED),
            **problems(403, 404, 408, 413, 415, 422, 429, 501, 502, 503, 504),
        },
        "openapi_extra": extra,
    }
