"""The handler `webhook`."""

from __future__ import annotations

import hashlib
from typing import Any

from caudal_builtin.inputs import without_reserved
from caudal_builtin.memory import afford_rows
from caudal_builtin.wording import amount
from caudal_core import (
    Call,
    CaudalError,
    Config,
    Context,
    Data,
    DataError,
    Event,
    Field,
    Records,
    Secret,
    Text,
    Trigger,
    handler,
)
from caudal_core.intake import loads
from caudal_core.trigger import MAX_KEY

BODY = "_webhookData"
"""The input that holds the body of the request."""
REQUEST = "_webhookRequest"
"""The input that holds what else came with it: `{headers, query, method}`."""

ID = "webhook-id"
"""The header by which senders name a call; a repeat of it has the same."""


class WebhookConfig(Config):
    """Test data, and how a caller proves who it is."""

    webhook_data: Any = Field(
        "",
        title=Text(en="Test data", es="Datos de prueba"),
        description=Text(
            en="Handed on where the workflow runs without a request. JSON.",
            es="Se entregan cuando el flujo se ejecuta sin una petición. JSON.",
        ),
        template=False,
    )
    webhook_include_request: bool = Field(
        default=False,
        title=Text(en="Hand on the whole request", es="Entregar la petición entera"),
        description=Text(
            en="An object with body, headers, query and method instead of the body alone.",
            es="Un objeto con body, headers, query y method en lugar del cuerpo solo.",
        ),
    )
    webhook_token: Secret | None = Field(
        None,
        title=Text(en="Token", es="Token"),
        description=Text(
            en="What the caller adds to the address.", es="Lo que quien llama añade a la dirección."
        ),
        template=False,
    )
    webhook_secret: Secret | None = Field(
        None,
        title=Text(en="Signing secret", es="Secreto de firma"),
        description=Text(
            en="What the caller signs the body with (HMAC).",
            es="Con lo que quien llama firma el cuerpo (HMAC).",
        ),
        template=False,
    )


class Webhook(Trigger[WebhookConfig]):
    """Makes the workflow callable; a call whose `webhook-id` was seen before starts nothing."""

    name = "webhook"
    config = WebhookConfig

    def wanted(self, config: WebhookConfig) -> bool:  # noqa: ARG002 - the same for all
        """Nobody listens for calls: they come."""
        return False

    def receive(self, config: WebhookConfig, call: Call) -> Event:  # noqa: ARG002 - as above
        """An event for each call, with the key that its sender gives it, if it does."""
        request = {"headers": call.headers, "query": call.query, "method": call.method}
        inputs = {BODY: call.data, REQUEST: request}
        return Event(_event_key(call.headers.get(ID, "")), inputs)


def _event_key(given: str) -> str | None:
    """What a sender names its call by; in short where it is long."""
    if len(given) <= MAX_KEY:
        return given or None
    return f"sha256:{hashlib.sha256(given.encode()).hexdigest()}"


@handler(
    "webhook",
    title=Text(en="Webhook", es="Webhook"),
    description=Text(
        en="Start the workflow by a request and hand on its body.",
        es="Inicia el flujo con una petición y entrega su cuerpo.",
    ),
    category="basic",
    icon="webhook",
    effect="pure",
    light=True,
)
def webhook(config: WebhookConfig, data: Data, ctx: Context) -> Any:
    """Start the workflow by a request and hand on its body.

    Ports:
        in: the execution's inputs.
        out: the body of the request; without a request the test data; without these the inputs,
            those with reserved names left out. On request `{body, headers, query, method}`,
            where without a request headers and query are empty and the method is null.

    Config:
        Token and secret are checked by the server before an execution begins, not here.

    Errors:
        DataError: the test data begins like JSON but is none.
        NODE_MEMORY: a large table of another node, where the whole request is handed on.
    """
    body, origin = _body(config, data, ctx)
    ctx.say(f"{amount(body)}, from the {origin}")
    if not config.webhook_include_request:
        return body
    if isinstance(body, Records):  # a field of an object is no table
        afford_rows(body, ctx)
        body = body.to_json()
    request = ctx.inputs.get(REQUEST) or {}
    return {
        "body": body,
        "headers": request.get("headers", {}),
        "query": request.get("query", {}),
        "method": request.get("method"),
    }


def _body(config: WebhookConfig, data: Data, ctx: Context) -> tuple[Any, str]:
    """What is handed on, and where it is from."""
    if BODY in ctx.inputs:
        return ctx.inputs[BODY], "request"
    if config.webhook_data in (None, ""):
        return without_reserved(data, ctx), "inputs"
    return _test_data(config.webhook_data), "test data"


def _test_data(stored: Any) -> Any:
    """Stored as a value, as JSON in a text, or as a text that is none."""
    if not isinstance(stored, str):
        return stored
    try:
        return loads(stored, what="the test data")
    except CaudalError as error:
        if not stored.lstrip().startswith(("{", "[")):
            return stored
        raise DataError(
            error.text(),
            es=f"los datos de prueba no son JSON: {error.text()}",
            hint="mend webhookData",
            hint_es="corrija webhookData",
        ) from None
