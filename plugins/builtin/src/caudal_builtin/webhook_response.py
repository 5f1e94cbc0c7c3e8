"""The handler `webhookResponse`."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from caudal_builtin.answers import body_of, header_text, wrong_name
from caudal_builtin.memory import afford_copies, afford_rows
from caudal_builtin.wording import amount
from caudal_core import Config, Context, Data, Field, Outputs, Records, Text, handler


def _lines(headers: Any) -> Any:
    """An object of headers as the list that it may also be."""
    if not isinstance(headers, dict):
        return headers
    return [{"key": key, "value": value} for key, value in headers.items()]


class Header(Config):
    """One header of the answer."""

    key: str = Field(
        "",
        title=Text(en="Name", es="Nombre"),
        description=Text(en="Such as X-Order-Id.", es="Por ejemplo X-Order-Id."),
        template=False,
    )
    value: Any = Field(
        "",
        title=Text(en="Value", es="Valor"),
        description=Text(
            en="A text or a template such as {{id}}.", es="Un texto o una plantilla como {{id}}."
        ),
    )

    @property
    def blank(self) -> bool:
        """Whether nothing was filled in."""
        return not self.key and self.value in ("", None)

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if not self.blank and wrong_name(self.key):
            message = f"'{self.key}' is no name of a header; write it like X-Order-Id"
            raise ValueError(message)
        return self


class WebhookResponseConfig(Config):
    """Status, headers and body of the answer."""

    webhook_response_mode: Literal["passthrough", "selected", "template"] = Field(
        "passthrough",
        title=Text(en="Body", es="Cuerpo"),
        description=Text(
            en="What comes in, some fields of it, or a template filled from it.",
            es="Lo que llega, algunos de sus campos, o una plantilla rellenada con ello.",
        ),
    )
    webhook_response_status_code: int = Field(
        200,
        title=Text(en="Status", es="Estado"),
        description=Text(en="The HTTP status code.", es="El código de estado HTTP."),
        ge=200,
        le=599,
    )
    webhook_response_headers: Annotated[list[Header], BeforeValidator(_lines)] = Field(
        default_factory=list,
        title=Text(en="Headers", es="Cabeceras"),
        description=Text(
            en="Sent with the answer, each once.",
            es="Se envían con la respuesta, una vez cada una.",
        ),
    )
    webhook_response_fields: list[str] = Field(
        default_factory=list,
        title=Text(en="Fields", es="Campos"),
        description=Text(
            en="The fields of a selected body, in this order.",
            es="Los campos de un cuerpo selected, en este orden.",
        ),
        template=False,
    )
    webhook_response_template: Any = Field(
        "",
        title=Text(en="Template", es="Plantilla"),
        description=Text(
            en="A text or a JSON value with {{…}}; a filled text that is JSON is sent as JSON.",
            es="Un texto o un valor JSON con {{…}}; un texto que resulta JSON se envía como JSON.",
        ),
        examples=['{"order": "{{id}}", "total": {{total}}}'],
    )

    @model_validator(mode="after")
    def _mode_has_what_it_needs(self) -> Self:
        if self.webhook_response_mode == "selected" and not self.webhook_response_fields:
            message = "webhookResponseFields is empty: name the fields of the answer"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _each_header_once(self) -> Self:
        names = Counter(line.key.lower() for line in self.headers)
        for name, count in names.items():
            if count > 1:
                message = f"the header '{name}' is given {count} times; give it once"
                raise ValueError(message)
        return self

    @property
    def headers(self) -> list[Header]:
        """The headers, without entries left blank."""
        return [line for line in self.webhook_response_headers if not line.blank]


@handler(
    "webhookResponse",
    title=Text(en="Webhook response", es="Respuesta del webhook"),
    description=Text(
        en="Decide what the caller of a webhook is answered.",
        es="Decide qué se responde a quien llamó al webhook.",
    ),
    category="basic",
    icon="reply",
    effect="pure",
    light=True,
)
def webhook_response(config: WebhookResponseConfig, data: Data, ctx: Context) -> Outputs:
    """Decide what the caller of a webhook is answered.

    Ports:
        in: anything; templates are filled from the object, or from the first record.
        out: the same, unchanged. Beside it stand `webhookResponseStatusCode`,
            `webhookResponseHeaders` (an object, name to text) and `webhookResponseBody`.

    Config:
        A placeholder between the quotes of a JSON template is written as JSON texts are, so that
        a quote in the data does not break it.

    Errors:
        UnknownField: a field or placeholder that is nowhere in the data.
        DataError: no record to fill a template from, or a header with characters that HTTP
            does not carry.
        NODE_MEMORY: the records of a large table, which an answer in JSON needs one by one.
    """
    body = _body(config, data, ctx)
    headers = {line.key: header_text(line.key, line.value, data) for line in config.headers}
    ctx.say(
        f"answers {config.webhook_response_status_code} with {amount(body)}",
        webhook_response_status_code=config.webhook_response_status_code,
        webhook_response_headers=headers,
        webhook_response_body=body,
    )
    return Outputs(out=data)


def _body(config: WebhookResponseConfig, data: Data, ctx: Context) -> Any:
    if config.webhook_response_mode == "template":
        return body_of(config.webhook_response_template, data)
    if config.webhook_response_mode == "passthrough":
        if isinstance(data, Records):
            afford_rows(data, ctx)
        return data
    records = data if isinstance(data, Records) else Records.of(data)
    afford_copies(records, ctx)
    chosen = records.select(config.webhook_response_fields)
    afford_rows(chosen, ctx)
    return chosen.to_json()
