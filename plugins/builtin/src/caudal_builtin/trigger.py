"""The handler `trigger`."""

from __future__ import annotations

from typing import Any, Literal

from caudal_builtin.inputs import without_reserved
from caudal_builtin.wording import amount
from caudal_core import Config, Context, Data, Field, Text, handler

STARTED_BY = "_trigger"
"""The input that says what started the execution, where something did by itself."""


class TriggerConfig(Config):
    """When the workflow is to start by itself."""

    schedule_enabled: bool = Field(
        default=False,
        title=Text(en="Run on a schedule", es="Ejecutar según un horario"),
        description=Text(
            en="Start the workflow by itself, at the times below.",
            es="Inicia el flujo por sí solo, a las horas indicadas abajo.",
        ),
    )
    schedule_type: str | None = Field(
        None,
        title=Text(en="Kind of schedule", es="Tipo de horario"),
        description=Text(
            en="By interval or by cron expression.", es="Por intervalo o por expresión cron."
        ),
        template=False,
    )
    schedule_interval: str | float | None = Field(
        None,
        title=Text(en="Interval", es="Intervalo"),
        description=Text(en="Such as 30s, 5m, 1h or 1d.", es="Por ejemplo 30s, 5m, 1h o 1d."),
        examples=["5m"],
        template=False,
    )
    schedule_interval_value: float | None = Field(
        None,
        title=Text(en="Every", es="Cada"),
        description=Text(
            en="How many of the units between two starts.",
            es="Cuántas de las unidades entre dos inicios.",
        ),
        examples=[15],
    )
    schedule_interval_unit: str | None = Field(
        None,
        title=Text(en="Unit", es="Unidad"),
        description=Text(
            en="Seconds, minutes, hours or days.", es="Segundos, minutos, horas o días."
        ),
        template=False,
    )
    cron: str | None = Field(
        None,
        title=Text(en="Cron expression", es="Expresión cron"),
        description=Text(
            en="Minute, hour, day of the month, month, day of the week.",
            es="Minuto, hora, día del mes, mes, día de la semana.",
        ),
        examples=["0 6 * * 1-5"],
        template=False,
    )
    timezone: str | None = Field(
        None,
        title=Text(en="Time zone", es="Zona horaria"),
        description=Text(en="In which the clock is read.", es="En la que se lee el reloj."),
        examples=["Europe/Madrid"],
        template=False,
    )
    schedule_catch_up: Literal["skip", "once", "all"] = Field(
        "skip",
        title=Text(en="Missed times", es="Horas perdidas"),
        description=Text(
            en="What becomes of planned times that passed while nobody listened: nothing, one "
            "start for all of them, or one for each.",
            es="Qué pasa con las horas que pasaron sin que nadie escuchara: nada, un inicio por "
            "todas o uno por cada una.",
        ),
    )
    schedule_overlap: Literal["skip", "queue", "parallel", "replace"] = Field(
        "skip",
        title=Text(en="While it still runs", es="Mientras aún se ejecuta"),
        description=Text(
            en="What a start does while the one before has not ended: it is left out, waits, "
            "begins beside it, or cancels it.",
            es="Qué hace un inicio mientras el anterior no ha terminado: se omite, espera, empieza "
            "a su lado o lo cancela.",
        ),
    )
    schedule_tolerance: str | float | None = Field(
        None,
        title=Text(en="Tolerance", es="Tolerancia"),
        description=Text(
            en="How late a start may be; one that is later counts as missed. Default: 1m.",
            es="Cuánto puede retrasarse un inicio; si es más, cuenta como perdido. Por defecto, "
            "1m.",
        ),
        examples=["1m"],
        template=False,
    )


@handler(
    "trigger",
    title=Text(en="Start", es="Inicio"),
    description=Text(
        en="Start the workflow and hand on its inputs.",
        es="Inicia el flujo y entrega sus entradas.",
    ),
    category="basic",
    icon="play",
    effect="pure",
    light=True,
)
def trigger(config: TriggerConfig, data: Data, ctx: Context) -> Any:
    """Start the workflow and hand on its inputs.

    Ports:
        in: the execution's inputs; or what another node hands on, which goes through unchanged.
        out: the same, of the inputs without those whose names begin with `_`, which are reserved.
            Where its own schedule started the execution, `trigger` stands beside them:
            `{type, nodeId, key, plannedAt}`, the planned time with the offset of the time zone.

    Config:
        A schedule holds for a workflow that is saved. Intervals count seconds that really pass; a
        cron expression is read by the clock of `timezone`, else of the workflow's.
    """
    handed_on = without_reserved(data, ctx)
    started = ctx.inputs.get(STARTED_BY)  # anybody may send inputs of this name
    if not isinstance(started, dict) or started.get("nodeId") != ctx.node_id or handed_on is data:
        ctx.say(f"started with {amount(handed_on)}")
        return handed_on
    ctx.say(f"started by its schedule, planned for {started.get('plannedAt')}")
    return {"trigger": started, **handed_on}
