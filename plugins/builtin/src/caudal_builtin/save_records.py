"""The handler `saveRecords`."""

from __future__ import annotations

from typing import Literal

from caudal_builtin.entity_config import EntityConfig
from caudal_builtin.memory import afford_rows
from caudal_builtin.wording import counted
from caudal_core import Context, Field, Records, Text, handler
from caudal_core.stores import Entity, Report

DEFAULT = "saved_records"


class SaveRecordsConfig(EntityConfig):
    """Where records are saved, and how they meet those that are there."""

    table_name: str = Field(
        DEFAULT,
        title=Text(en="Table", es="Tabla"),
        description=Text(
            en="The name of the entity; it is made where there is none.",
            es="El nombre de la entidad; si no existe, se crea.",
        ),
        aliases=("entityName",),
        template=False,
        examples=["readings"],
    )
    save_mode: Literal["insert", "upsert", "update"] = Field(
        "insert",
        title=Text(en="Mode", es="Modo"),
        description=Text(
            en="insert: all are new. upsert: new, or over the record with the same key. "
            "update: only over records that are there.",
            es="insert: todos son nuevos. upsert: nuevos, o sobre el registro con la misma clave. "
            "update: solo sobre registros existentes.",
        ),
    )
    key_columns: list[str] = Field(
        default_factory=list,
        title=Text(en="Key columns", es="Columnas clave"),
        description=Text(
            en="By which records are the same, in upsert and update; without any: by id.",
            es="Por las que dos registros son el mismo, en upsert y update; sin ninguna: por id.",
        ),
        aliases=("keyFields", "keyColumn"),
        template=False,
    )


@handler(
    "saveRecords",
    title=Text(en="Save records", es="Guardar registros"),
    description=Text(
        en="Write records into an entity, all of them or none.",
        es="Escribe registros en una entidad, todos o ninguno.",
    ),
    category="data",
    icon="save",
    effect="transactional",
)
def save_records(config: SaveRecordsConfig, data: Records, ctx: Context) -> Records:
    """Write records into an entity, all of them or none.

    Ports:
        in: records, or one object.
        out: the same, unchanged. Beside the output stand `tableName`, `entityId`, `count`,
            `inserted`, `updated`, `unchanged`, `notFound`, `createdProperties` (names and types)
            and, of up to 1,000 records, `savedIds`.

    Config:
        saveMode: with upsert and update a record keeps the properties that a row does not have.
            Rows that update finds no record for are counted in `notFound`.

    Values are kept as they are, whatever the type of their property: whole numbers of any size,
    decimals, texts, lists and objects come out as they went in. A property that is new gets the
    type of its values. Everything is one transaction, and it is done once: after a crash or in
    another attempt, what was saved is not saved again. A table of the application keeps to its own
    columns and types.

    Errors:
        ROW_REFUSED: a row that cannot be written, by its number from 0; nothing was.
        ENTITY_NOT_FOUND: no store has the entity of `entityId`, and no table is named.
        UNKNOWN_FIELD: a column that a table of the application does not have.
        NODE_MEMORY: the rows of a large table take more than CAUDAL_NODE_MEMORY allows.
    """
    entity = _entity(config, ctx)
    afford_rows(data, ctx)
    rows = data.view()
    report = ctx.records.write(entity, rows, mode=config.save_mode, keys=config.key_columns)
    entity = entity if ctx.dry_run or entity.id else ctx.records.find(entity.name)
    if report.not_found:
        found = counted(report.not_found, "row")
        ctx.log.warning("%s had no record to update in '%s'", found, entity.name)
    _say(ctx, entity, report, len(rows))
    return data


def _entity(config: SaveRecordsConfig, ctx: Context) -> Entity:
    name = config.table_name or DEFAULT
    if not config.entity_id:
        return ctx.records.find_or_new(name)
    named = (name,) if "table_name" in config.model_fields_set else ()
    return ctx.records.find(config.entity_id, *named)


def _say(ctx: Context, entity: Entity, report: Report, rows: int) -> None:
    parts = [
        f"{count} {word}"
        for count, word in (
            (report.inserted, "inserted"),
            (report.updated, "updated"),
            (report.unchanged, "unchanged"),
            (report.not_found, "not found"),
        )
        if count
    ]
    said = f"{counted(rows, 'record')} saved to '{entity.name}': {', '.join(parts) or 'nothing'}"
    if report.repeated:
        said += " (this had been done already)"
    if ctx.dry_run:
        said += " (dry run: nothing was written)"
    ids = {"saved_ids": list(report.ids)} if report.ids else {}
    ctx.say(
        said,
        table_name=entity.name,
        entity_id=entity.id,
        count=report.inserted + report.updated + report.unchanged,
        inserted=report.inserted,
        updated=report.updated,
        unchanged=report.unchanged,
        not_found=report.not_found,
        created_properties=dict(report.created),
        **ids,
    )
