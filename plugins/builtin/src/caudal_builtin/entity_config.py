"""The config of handlers that read or write the records of an entity."""

from __future__ import annotations

from caudal_core import Config, Field, Text


class EntityConfig(Config):
    """Which entity; under which key each handler has its name is its own business."""

    entity_id: str = Field(
        "",
        title=Text(en="Entity", es="Entidad"),
        description=Text(
            en="The id of the entity; where there is none, its name is looked for.",
            es="El id de la entidad; si no existe, se busca por su nombre.",
        ),
        aliases=("selectedEntityId",),
        template=False,
    )
