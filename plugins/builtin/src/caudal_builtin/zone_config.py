"""The config of handlers that compare times: the zone of those without one, and clock changes."""

from __future__ import annotations

from typing import Any

from caudal_core import Field, Text


def zone_field() -> Any:
    """The field `timezone: ZoneName | None`."""
    return Field(
        None,
        title=Text(en="Time zone", es="Zona horaria"),
        description=Text(
            en="Of times without a zone, next to times that have one. Default: the workflow's.",
            es="De las horas sin zona, junto a horas que la tienen. Por defecto, la del flujo.",
        ),
        template=False,
    )


def ambiguous_field() -> Any:
    """The field `ambiguous: Ambiguous`."""
    return Field(
        "error",
        title=Text(en="Clock changes", es="Cambios de hora"),
        description=Text(
            en="Which time is meant by one that exists twice, or not at all; infer: as the order "
            "of the records tells.",
            es="Qué hora se entiende cuando existe dos veces o no existe; infer: la que indica el "
            "orden de los registros.",
        ),
    )
