"""The handler `addField`."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from caudal_builtin.expressions import ExpressionError, compile_expression
from caudal_builtin.memory import FEW, afford_copies, narrow_rows
from caudal_builtin.moments import Ambiguous, Zone
from caudal_builtin.wording import counted
from caudal_builtin.zone_config import ambiguous_field, zone_field
from caudal_core import JSON, Config, Context, Field, Records, Text, ZoneName, handler
from caudal_core.tables.weight import weight
from caudal_core.template import render_rows, render_value, require_fields, templates_in
from caudal_core.template_columns import names_in, render_column


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
    timezone: ZoneName | None = zone_field()
    ambiguous: Ambiguous = ambiguous_field()

    @field_validator("expression")
    @classmethod
    def _readable(cls, text: str) -> str:
        try:
            return text if not text.strip() else compile_expression(text).text
        except ExpressionError as error:
            raise ValueError(str(error)) from None


def _values(config: AddFieldConfig, data: Records, zone: Zone, ctx: Context) -> Any:
    """One value a record: a list, or an Arrow array."""
    if not config.expression.strip():
        return _rendered(config.field_value, data, ctx)
    if config.field_value not in ("", None):
        ctx.log.warning("the expression sets '%s'; its fieldValue is not used", config.field_name)

    def afford(size: int) -> None:
        ctx.check()
        ctx.afford(size, counted(len(data), "value"))

    return compile_expression(config.expression).whole_column(data, zone, afford)


def _rendered(value: JSON, data: Records, ctx: Context) -> Any:
    if not data.in_columns:
        return _rendered_rows(value, data, ctx)
    if not any(templates_in(value)):
        ctx.afford(len(data) * weight([value]), counted(len(data), "value"))
        return [value] * len(data) if type(value) is list else value
    found = render_column(value, data, lambda size: ctx.afford(size, counted(len(data), "text")))
    return _rendered_rows(value, data, ctx) if found is None else found


def _rendered_rows(value: JSON, data: Records, ctx: Context) -> list[JSON]:
    """Record by record; of many what they take is weighed on the way."""
    if len(data) <= FEW and not data.in_columns:
        return render_rows(value, data)
    require_fields(value, data)
    rows = narrow_rows(data, names_in(value), ctx).view()
    columns, out, size = data.columns, list[JSON](), 0
    for start in range(0, len(data), FEW):
        ctx.check()
        part = [render_value(value, row, columns=columns) for row in rows[start : start + FEW]]
        size += weight(part)
        ctx.afford(size, counted(len(data), "value"))
        out += part
    return out


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
        timezone, ambiguous: for an expression that compares a time without a zone with one that
            has one, or counts from one to the other. `infer` tells it of times that are fields.
            Beside the output stands `timezone` if one was needed.

    Errors:
        UnknownField: the template or the expression names a field that no record has.
        EXPRESSION_VALUE: a record's values do not allow an operation, such as a
            division by zero; names the row, counted from 0.
        LocalTimeUnclear: a local time that exists twice or not at all.
    """
    zone = Zone(config.timezone or ctx.timezone, config.ambiguous)
    values = _values(config, data, zone, ctx)
    afford_copies(data, ctx)
    done = "replaced" if config.field_name in data.columns else "added"
    said = f"field '{config.field_name}' {done} in {counted(len(data), 'record')}"
    ctx.say(said + zone.said, **zone.report)
    return data.with_column(config.field_name, values)
