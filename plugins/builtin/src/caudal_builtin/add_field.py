"""The handler `addField`."""

from __future__ import annotations

from pydantic import field_validator

from caudal_builtin.expressions import ExpressionError, compile_expression
from caudal_builtin.moments import Zone
from caudal_builtin.wording import counted
from caudal_core import JSON, Config, Context, Field, Records, Text, handler


class AddFieldConfig(Config):
    """The field and where its value comes from."""

    field_name: str = Field(
        "newField",
        title=Text(en="Field", es="Campo"),
        description=Text(
            en="The name of the field. One that is there already is replaced, in its place.",
            es="El nombre del campo. Si ya existe, se sustituye en su lugar.",
        ),
        min_length=1,
        template=False,
    )
    field_value: JSON = Field(
        "",
        title=Text(en="Value", es="Valor"),
        description=Text(
            en="Any value, or a template such as {{price}}; one placeholder alone keeps its type.",
            es="Cualquier valor o una plantilla como {{precio}}; sola, conserva el tipo del campo.",
        ),
        examples=["{{price}}", "{{meter}}: {{kwh}} kWh", 1.21],
    )
    expression: str = Field(
        "",
        title=Text(en="Expression", es="Expresión"),
        description=Text(
            en="Computes the value from fields in square brackets. It wins over the value.",
            es="Calcula el valor a partir de campos entre corchetes. Prevalece sobre el valor.",
        ),
        examples=["[Precio (€/MWh)] * 1.21", 'if([kwh] > 100, "high", "low")'],
        template=False,
    )

    @field_validator("expression")
    @classmethod
    def _readable(cls, text: str) -> str:
        try:
            return text if not text.strip() else compile_expression(text).text
        except ExpressionError as error:
            raise ValueError(str(error)) from None


def _values(config: AddFieldConfig, data: Records, ctx: Context) -> list[JSON]:
    """One value a record."""
    if not config.expression.strip():
        return ctx.render(config.field_value, data)
    if config.field_value not in ("", None):
        ctx.log.warning("the expression sets '%s'; its fieldValue is not used", config.field_name)
    zone = Zone(ctx.timezone)
    values = compile_expression(config.expression).column(data, zone)
    if zone.used:
        ctx.log.info("date-times without a zone were taken to be in %s", zone.name)
    return values


@handler(
    "addField",
    title=Text(en="Add field", es="Añadir campo"),
    description=Text(
        en="Add a field to every record, or replace it.",
        es="Añade un campo a cada registro, o lo sustituye.",
    ),
    category="logic",
    icon="square-plus",
    effect="pure",
    light=True,
)
def add_field(config: AddFieldConfig, data: Records, ctx: Context) -> Records:
    """Add a field to every record, or replace it.

    Ports:
        in: records, or one object.
        out: the same with the field. What is known of other columns stays with them.

    Config:
        expression: fields in square brackets, `+ - * / % **`, comparisons, `and`, `or`, `not`,
            `&` for texts and a closed list of functions; see `caudal_builtin.expressions`. It is
            read when the workflow is checked.

    Errors:
        UnknownField: the template or the expression names a field that no record has.
        EXPRESSION_VALUE: a record's values do not allow an operation, such as a
            division by zero; names the row, counted from 0.
    """
    values = _values(config, data, ctx)
    done = "replaced" if config.field_name in data.columns else "added"
    ctx.say(f"field '{config.field_name}' {done} in {counted(len(data), 'record')}")
    return data.with_column(config.field_name, values)
