"""The handler `fetchData`."""

from __future__ import annotations

from typing import Any, Self

from pydantic import model_validator

from caudal_builtin.entity_config import EntityConfig
from caudal_builtin.inputs import are_records, without_reserved
from caudal_builtin.memory import afford_copies
from caudal_builtin.wording import counted
from caudal_core import Context, Data, DataError, Field, Records, Text, handler
from caudal_core.stores import Query, filter_of, sort_of
from caudal_core.template import templates_in


class FetchDataConfig(EntityConfig):
    """Which records, in which order, how many, and which columns of them."""

    entity_name: str = Field(
        "",
        title=Text(en="Entity's name", es="Nombre de la entidad"),
        description=Text(
            en="The name of the entity, or of a table of the application.",
            es="El nombre de la entidad o de una tabla de la aplicación.",
        ),
        aliases=("tableName",),
        template=False,
        examples=["meters"],
    )
    filter: Any = Field(
        None,
        title=Text(en="Filter", es="Filtro"),
        description=Text(
            en='Comparisons, all of which must be met; {"or": […]} for one of several. '
            "Values may be templates over the input.",
            es='Comparaciones que deben cumplirse todas; {"or": […]} si basta una. '
            "Los valores pueden ser plantillas sobre la entrada.",
        ),
        aliases=("filters",),
    )
    sort: list[str] = Field(
        default_factory=list,
        title=Text(en="Sort by", es="Ordenar por"),
        description=Text(
            en="Columns; -price is by falling price. Without any: as they were created.",
            es="Columnas; -precio es de mayor a menor. Sin ninguna: en orden de creación.",
        ),
        template=False,
        examples=[["-createdAt"]],
    )
    limit: int | None = Field(
        None,
        ge=1,
        title=Text(en="At most", es="Como máximo"),
        description=Text(
            en="How many records; all of them if empty.", es="Cuántos registros; vacío: todos."
        ),
    )
    columns: list[str] = Field(
        default_factory=list,
        title=Text(en="Columns", es="Columnas"),
        description=Text(
            en="Only these, in this order; all of them if empty.",
            es="Solo estas, en este orden; vacío: todas.",
        ),
        template=False,
    )
    as_of: str | None = Field(
        None,
        title=Text(en="As of", es="A fecha de"),
        description=Text(
            en="The records as they were at a moment, where the store can tell.",
            es="Los registros como eran en un momento, si el almacén lo sabe.",
        ),
    )

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not self.entity_id and not self.entity_name:
            message = "entityId and entityName are empty: choose the entity to read"
            raise ValueError(message)
        if not _templated(self.filter):
            filter_of(self.filter)
        sort_of(self.sort)
        return self


@handler(
    "fetchData",
    title=Text(en="Fetch data", es="Obtener datos"),
    description=Text(
        en="Read the records of an entity, filtered and sorted.",
        es="Lee los registros de una entidad, filtrados y ordenados.",
    ),
    category="data",
    icon="database",
    effect="idempotent",
)
def fetch_data(config: FetchDataConfig, data: Data, ctx: Context) -> Records:
    """Read the records of an entity, filtered and sorted.

    Ports:
        in: an object's keys are added to every record, where the record does not have them; a list
            adds nothing. Templates of `filter` are filled from an object, or from the one record
            of a list.
        out: records, each with `id`, `createdAt` and its properties. Beside the output stand
            `entityId`, `entityName` and `count`.

    Config:
        filter: `{"field": "price", "operator": "greaterThan", "value": 50}`, a list of such (all
            must be met), `{"and": […]}` or `{"or": […]}`. Operators are those of `condition`
            without `matches`, and `isNull`, `isMissing`. How values compare is said in
            `caudal_core.stores.matching`.

    Errors:
        ENTITY_NOT_FOUND: no store has the entity; says where it was looked for.
        UNKNOWN_FIELD: `filter`, `sort` or `columns` names a property that the entity does not have.
        INVALID_REQUEST: a part of the filter that cannot be read.
        NOT_AVAILABLE: `asOf`, of a store that keeps no history: the one built in keeps none, nor
            do the tables of an application.
        NODE_MEMORY: more records than a node may build; narrow it by filter, columns or limit.
    """
    entity = ctx.records.find(*filter(None, (config.entity_id, config.entity_name)))
    query = Query(
        where=filter_of(_filled(config.filter, data, ctx)),
        sort=sort_of(config.sort),
        limit=config.limit,
        columns=tuple(config.columns) or None,
        as_of=config.as_of,
    )
    rows = ctx.records.read(entity, query).records
    ctx.say(
        f"{counted(len(rows), 'record')} of '{entity.name}'",
        entity_id=entity.id,
        entity_name=entity.name,
        count=len(rows),
    )
    added = without_reserved(data, ctx)
    if isinstance(added, dict) and added:
        afford_copies(Records(rows), ctx)
    return Records(_with_input(rows, added))


def _with_input(rows: list[dict[str, Any]], data: Data) -> list[dict[str, Any]]:
    if not isinstance(data, dict) or not data:
        return rows
    return [{**row, **{k: v for k, v in data.items() if k not in row}} for row in rows]


def _templated(value: Any) -> bool:
    return any(templates_in(value))


def _filled(value: Any, data: Data, ctx: Context) -> Any:
    """The filter with its templates filled."""
    if not _templated(value):
        return value
    if are_records(data):
        if len(data) != 1:
            raise DataError(
                f"filter is filled from one object, but {counted(len(data), 'record')} came in",
                es=f"el filtro se rellena con un objeto, pero llegaron {len(data)} registros",
                hint="lead one object or a single record to this node",
                hint_es="lleve a este nodo un objeto o un único registro",
            )
        data = next(iter(data))
    return ctx.render(value, data if isinstance(data, dict) else {})
