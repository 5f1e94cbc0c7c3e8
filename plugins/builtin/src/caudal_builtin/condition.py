"""The handler `condition`."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import model_validator

from caudal_builtin.conditions.columns import Asked, inverted, met_in_columns, sum_of
from caudal_builtin.conditions.rule import Rule, getter, row_test, with_order, with_quality
from caudal_builtin.conditions.terms import (
    Logic,
    OnMissing,
    Quality,
    SpelledOperator,
    Term,
)
from caudal_builtin.memory import narrow_rows
from caudal_builtin.moments import Ambiguous, Zone
from caudal_builtin.wording import counted
from caudal_builtin.zone_config import ambiguous_field, zone_field
from caudal_core import Config, Context, Field, Outputs, Records, Text, ZoneName, handler
from caudal_core.template_columns import names_in

_FIELD = Text(en="Field", es="Campo")
_OPERATOR = Text(en="Operator", es="Operador")
_VALUE = Text(en="Value", es="Valor")
_ABOUT_FIELD = Text(
    en="A column, or a path such as meter.id.", es="Una columna, o una ruta como contador.id."
)
_ABOUT_OPERATOR = Text(
    en="Order compares numbers or dates; matches takes a regular expression.",
    es="El orden compara números o fechas; matches admite una expresión regular.",
)
_ABOUT_VALUE = Text(
    en="A value or a template such as {{limit}}. in: a, b, c. between: 1 and 5.",
    es="Un valor o una plantilla como {{limite}}. in: a, b, c. between: 1 y 5.",
)


class AdditionalCondition(Config):
    """One more comparison."""

    field: str = Field("", title=_FIELD, description=_ABOUT_FIELD, template=False)
    operator: SpelledOperator = Field("equals", title=_OPERATOR, description=_ABOUT_OPERATOR)
    value: Any = Field("", title=_VALUE, description=_ABOUT_VALUE)

    @property
    def term(self) -> Term:
        """The comparison."""
        return Term(self.field, self.operator, self.value)

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        self.term.check("field")
        return self


class ConditionConfig(Config):
    """The comparisons, and what they decide about."""

    condition_field: str = Field("", title=_FIELD, description=_ABOUT_FIELD, template=False)
    condition_operator: SpelledOperator = Field(
        "equals", title=_OPERATOR, description=_ABOUT_OPERATOR
    )
    condition_value: Any = Field("", title=_VALUE, description=_ABOUT_VALUE)
    additional_conditions: list[AdditionalCondition] = Field(
        default_factory=list,
        title=Text(en="More conditions", es="Más condiciones"),
        description=Text(
            en="Further comparisons of the same record.", es="Otras comparaciones del registro."
        ),
    )
    logical_operator: Logic = Field(
        "AND",
        title=Text(en="Together", es="Conjunto"),
        description=Text(
            en="AND: all must be met. OR: one is enough.",
            es="AND: deben cumplirse todas. OR: basta una.",
        ),
    )
    processing_mode: Literal["batch", "perRow"] = Field(
        "batch",
        title=Text(en="Decides", es="Decide"),
        description=Text(
            en="batch: the first record decides for all. perRow: each record goes its own way.",
            es="batch: el primer registro decide por todos. perRow: cada registro sigue su camino.",
        ),
    )
    on_missing: OnMissing = Field(
        "false",
        title=Text(en="Without a value", es="Sin valor"),
        description=Text(
            en="What a comparison comes to where the field is null, missing or of bad quality.",
            es="Qué resulta cuando el campo es nulo, falta o es de mala calidad.",
        ),
    )
    min_quality: Quality | None = Field(
        None,
        title=Text(en="Least quality", es="Calidad mínima"),
        description=Text(
            en="Values of records whose field quality is below this count as missing.",
            es="Los valores de registros cuyo campo quality es inferior cuentan como ausentes.",
        ),
    )
    timezone: ZoneName | None = zone_field()
    ambiguous: Ambiguous = ambiguous_field()

    @property
    def terms(self) -> list[Term]:
        """Every comparison, in order."""
        first = Term(self.condition_field, self.condition_operator, self.condition_value)
        return [first, *(more.term for more in self.additional_conditions)]

    @property
    def asked(self) -> Asked:
        """The same for whole columns, each record going its own way."""
        return Asked(
            self.terms,
            all_of=self.logical_operator == "AND",
            on_missing=self.on_missing,
            min_quality=self.min_quality,
            strict=self.on_missing == "error",
        )

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        self.terms[0].check("conditionField")
        return self


@handler(
    "condition",
    title=Text(en="Condition", es="Condición"),
    description=Text(
        en="Send records one way or the other, by what is in them.",
        es="Envía los registros por un camino u otro, según su contenido.",
    ),
    category="logic",
    icon="git-branch",
    outputs=("true", "false"),
    effect="pure",
    light=True,
)
def condition(config: ConditionConfig, data: Records, ctx: Context) -> Outputs:
    """Send records one way or the other, by what is in them.

    Ports:
        in: records, or one object.
        true, false: what goes each way. In batch mode the first record decides for the whole
            input; without any record it goes by `false`. In perRow mode a port without records is
            not taken.

    Config:
        A field is looked for as a key, then as a path. How values compare is said in
        `caudal_builtin.conditions.comparison`; terms are read in their order, while needed.
        Beside the output stands `conditionResult`: in perRow mode whether any record met the
        condition, with `trueRecords`, `falseRecords`, `trueCount` and `falseCount`.

    Errors:
        UnknownField: in perRow mode, no record of a list has the field, and `onMissing` is
            `error`; else it is missing in all of them, with a warning. Or the value is a template
            with a field that no record has.
        NotComparable: two values that have no order between them; says row, field and both.
        MissingValue: a record without a value, where `onMissing` is `error`.
        LocalTimeUnclear: a local time that exists twice or not at all.
        NODE_MEMORY: the rows of a large table, where they have to be asked one by one.
    """
    if config.processing_mode == "batch":
        return _batch(config, data, ctx)
    if not len(data):
        ctx.say("no records, neither way is taken", **_sides(data, data))
        return Outputs()
    return _per_row(config, data, ctx)


def _batch(config: ConditionConfig, data: Records, ctx: Context) -> Outputs:
    # The first decides alone, but where the order of all tells which of two equal times it has.
    looked_at = _looked_at(config, data if config.ambiguous == "infer" else data.slice(0, 1), ctx)
    rule = _rule(config, data, looked_at, ctx)
    met = rule.verdicts(looked_at, 1, ctx) == [True]
    port = "true" if met else "false"
    said = f"the condition is {'met' if met else 'not met'}, "
    said += f"{counted(len(data), 'record')} to '{port}'"
    if rule.missing:
        said += "; the record that decides lacks a value"
    ctx.say(said + rule.zone.said, condition_result=met, **rule.zone.report)
    return Outputs(**{port: data})


def _per_row(config: ConditionConfig, data: Records, ctx: Context) -> Outputs:
    true, false, missing, zone = _parted(config, data, ctx)
    said = f"{len(true)} of {counted(len(data), 'record')} meet the condition"
    if missing:
        said += f", {missing} without a value"
    ctx.say(said + zone.said, **_sides(true, false), **zone.report)
    return Outputs(**{port: rows for port, rows in (("true", true), ("false", false)) if len(rows)})


def _parted(
    config: ConditionConfig, data: Records, ctx: Context
) -> tuple[Records, Records, int, Zone]:
    """The records that meet the condition, the others, how many lack a value, the zone used."""
    if data.in_columns and config.ambiguous != "infer":
        zone = Zone(config.timezone or ctx.timezone, config.ambiguous)
        found = met_in_columns(config.asked, data, zone, ctx)
        if found is not None:
            count = sum_of(found.mask)
            true = data if count == len(data) else data.where(found.mask)
            false = data if not count else data.where(inverted(found.mask))
            return true, false, found.missing, zone
    looked_at = _looked_at(config, data, ctx)
    rule = _rule(config, data, looked_at, ctx)
    met = rule.verdicts(looked_at, len(data), ctx)
    true, false = _where(data, met), _where(data, [not verdict for verdict in met])
    return true, false, rule.missing, rule.zone


def _looked_at(config: ConditionConfig, data: Records, ctx: Context) -> Records:
    """The records with the columns alone that decide, where they are columns."""
    if not data.in_columns:
        return data
    filled = [names_in(term.value) for term in config.terms if term.templated]
    names = {term.field for term in config.terms}.union(*filled)
    return narrow_rows(data, {*names, "quality"}, ctx)


def _rule(config: ConditionConfig, data: Records, looked_at: Records, ctx: Context) -> Rule:
    """The rule; `looked_at` are the very records that it will be asked about."""
    zone = Zone(config.timezone or ctx.timezone, config.ambiguous)
    per_row = config.processing_mode == "perRow" and not data.single
    strict = per_row and config.on_missing == "error"
    tests = []
    for term in config.terms:
        get = getter(term, data, ctx, strict=strict)
        if config.ambiguous == "infer":
            get = with_order(get, term, looked_at, zone)
        if config.min_quality:
            get = with_quality(get, config.min_quality)
        tests.append((term.field, row_test(term, get, data, zone)))
    return Rule(tests, zone, all_of=config.logical_operator == "AND", on_missing=config.on_missing)


def _where(data: Records, mask: list[bool]) -> Records:
    """The records that the mask takes; the very same ones if it takes all."""
    return data if all(mask) else data.where(mask)


def _sides(true: Records, false: Records) -> dict[str, Any]:
    """Both ways as lists, with their counts."""
    return {
        "condition_result": len(true) > 0,
        "true_records": true.rows() if true.single else true,
        "false_records": false.rows() if false.single else false,
        "true_count": len(true),
        "false_count": len(false),
    }
