"""The handler `webhook`."""

from __future__ import annotations

from typing import Any

from caudal_builtin.inputs import without_reserved
from caudal_builtin.memory import afford_rows
from caudal_builtin.wording import amount
from caudal_core import (
    CaudalError,
    Config,
    Context,
    Data,
    DataError,
    Field,
    Records,
    Secret,
    Text,
    handler,
)
from caudal_core.intake import loads

BODY = "_webhookData"
"""The input that holds the body of the request."""
REQUEST = "_webhookRequest"
"""The input that holds what else came with it: `{headers, query, method}`."""


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
