"""The handler `join`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import model_validator

from caudal_builtin.joins.column_join import Asked, Keys, find, in_columns
from caudal_builtin.joins.columns import joined_metadata, suffixed
from caudal_builtin.joins.hash_join import Counts, Keep, TooManyRows, build, heaviest, match
from caudal_builtin.joins.keys import keys_of, names_in, require
from caudal_builtin.joins.weight import afford_concat, afford_join
from caudal_builtin.wording import counted
from caudal_core import Config, Context, DataError, Field, Records, Text, handler
from caudal_core.tables.pairs import fit

KeyNames = str | list[str]

_ABOUT_KEY = Text(
    en="A field, or several with commas between them.", es="Un campo, o varios separados por comas."
)


class JoinConfig(Config):
    """How two tables become one."""

    join_strategy: Literal["concat", "mergeByKey"] = Field(
        "concat",
        title=Text(en="Way", es="Modo"),
        description=Text(
            en="concat: A's records, then B's. mergeByKey: side by side where the keys are equal.",
            es="concat: los registros de A y después los de B. mergeByKey: lado a lado por clave.",
        ),
    )
    join_key: KeyNames = Field(
        "",
        title=Text(en="Key", es="Clave"),
        description=_ABOUT_KEY,
        examples=["meter"],
        template=False,
    )
    join_key_a: KeyNames = Field(
        "",
        title=Text(en="Key in A", es="Clave en A"),
        description=Text(en="If it has another name there.", es="Si allí tiene otro nombre."),
        template=False,
    )
    join_key_b: KeyNames = Field(
        "",
        title=Text(en="Key in B", es="Clave en B"),
        description=Text(en="If it has another name there.", es="Si allí tiene otro nombre."),
        template=False,
    )
    join_type: Literal["left", "inner", "outer", "right"] = Field(
        "left",
        title=Text(en="Keep", es="Conservar"),
        description=Text(
            en="Records without a match: those of A, none, those of both, or those of B.",
            es="Registros sin pareja: los de A, ninguno, los de ambos, o los de B.",
        ),
    )
    join_match: Literal["first", "all"] = Field(
        "first",
        title=Text(en="Matches", es="Coincidencias"),
        description=Text(
            en="Of several records of B with the same key: the first, or all of them.",
            es="De varios registros de B con la misma clave: el primero, o todos.",
        ),
    )
    join_suffix: str = Field(
        "",
        title=Text(en="Suffix", es="Sufijo"),
        description=Text(
            en="Added to fields of B that A has too. Without one, B's values replace A's.",
            es="Se añade a los campos de B que también están en A. Sin él, B sustituye a A.",
        ),
        examples=["_b"],
        template=False,
    )
    max_rows: int = Field(
        10_000_000,
        title=Text(en="Most records", es="Máximo de registros"),
        description=Text(
            en="A join that would give more is refused.", es="Se rechaza una unión que daría más."
        ),
        ge=1,
    )

    @property
    def keys(self) -> tuple[KeyNames, KeyNames]:
        """The key in A and in B; one that is not given is called as on the other side."""
        key_a, key_b = self.join_key_a, self.join_key_b
        return key_a or self.join_key or key_b, key_b or self.join_key or key_a

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        if self.join_strategy == "mergeByKey" and not all(self.keys):
            message = "joinKey is empty: name the field by which records of A and B belong together"
            raise ValueError(message)
        return self


@handler(
    "join",
    title=Text(en="Join", es="Unir"),
    description=Text(en="Bring two tables together.", es="Une dos tablas."),
    category="logic",
    icon="merge",
    inputs=("A", "B"),
    effect="pure",
    light=True,
)
def join(config: JoinConfig, data: Mapping[str, Records], ctx: Context) -> Records:
    """Bring two tables together.

    Ports:
        A, B: records, or one object, which counts as one record; nothing counts as no records.
        out: records. concat: A's, then B's. mergeByKey: A's in their order, each with the fields
            of its match; then, for right and outer, B's records whose key A lacks, in their order.

    Config:
        What makes keys equal is in `caudal_builtin.joins.keys`. Where both have a field, B's value
        replaces A's, but a field that B's record lacks replaces nothing; the key keeps its name
        under a suffix. Columns keep their metadata.

    Errors:
        UnknownField: no record of a side has the key; says which side.
        InvalidKey: a list or an object as key; says side, row and value.
        TooManyRows: more records than `maxRows`, counted before any is made; names the keys with
            most matches.
        NODE_MEMORY: what it gives would be more than a node may build.
        DataError: keys of A and B with different numbers of fields, or a suffix that gives a name
            which is taken.
    """
    a, b = data.get("A", Records()), data.get("B", Records())
    if config.join_strategy == "concat":
        return _concat(a, b, config.max_rows, ctx)
    return _merge(config, a, b, ctx)


def _concat(a: Records, b: Records, limit: int, ctx: Context) -> Records:
    if len(a) + len(b) > limit:
        raise TooManyRows(len(a) + len(b), limit)
    afford_concat(a, b, ctx)
    ctx.say(f"{counted(len(a) + len(b), 'record')}: {len(a)} from A, {len(b)} from B")
    return Records.concat([a, b], metadata=joined_metadata(a, b, ctx))


def _merge(config: JoinConfig, a: Records, b: Records, ctx: Context) -> Records:
    keys = _key_fields(config, a, b)
    asked = Asked(
        keys,
        every=config.join_match == "all",
        keep=Keep(config.join_type in ("left", "outer"), config.join_type in ("right", "outer")),
        most=config.max_rows,
    )
    if in_columns(a, b):
        found = find(a, b, asked)
        other = None if found is None else _renamed(config, a, b, keys)
        if found is not None and other is not None and fit(a.table, other.table):
            afford_join(a, b, found.counts.rows, ctx)
            ctx.say(_said(a, b, found.counts))
            joined = a.beside(other, *found.positions())
            joined.metadata = joined_metadata(a, other, ctx)
            return joined
    return _merge_rows(config, a, b, asked, ctx)


def _merge_rows(config: JoinConfig, a: Records, b: Records, asked: Asked, ctx: Context) -> Records:
    keys_a, keys_b = keys_of(a, asked.keys[0], b, asked.keys[1])
    matches = match(keys_a, keys_b, every=asked.every)
    counts = Counts.of(matches, asked.keep)
    if counts.rows > config.max_rows:
        named = heaviest(a, asked.keys[0], keys_a, matches)
        raise TooManyRows(counts.rows, config.max_rows, named)
    b = _renamed(config, a, b, asked.keys)
    afford_join(a, b, counts.rows, ctx, as_rows=True)
    ctx.say(_said(a, b, counts))
    merged = build(a, b, matches, asked.keep, ctx)
    return Records(merged, metadata=joined_metadata(a, b, ctx))


def _renamed(config: JoinConfig, a: Records, b: Records, keys: Keys) -> Records:
    """B with the suffix on the columns that A has too."""
    if not config.join_suffix:
        return b
    shared = {of_a for of_a, of_b in zip(*keys, strict=True) if of_a == of_b}
    return suffixed(b, a, config.join_suffix, besides=shared)


def _key_fields(config: JoinConfig, a: Records, b: Records) -> Keys:
    key_a, key_b = config.keys
    if key_a == key_b:
        fields_a = fields_b = names_in(key_a, a, b)
    else:
        fields_a, fields_b = names_in(key_a, a), names_in(key_b, b)
    if len(fields_a) != len(fields_b):
        raise DataError(
            f"the key has {len(fields_a)} fields in A and {len(fields_b)} in B",
            es=f"la clave tiene {len(fields_a)} campos en A y {len(fields_b)} en B",
            hint="name as many fields in joinKeyA as in joinKeyB",
            hint_es="nombre tantos campos en joinKeyA como en joinKeyB",
        )
    require(a, fields_a, "A")
    require(b, fields_b, "B")
    return fields_a, fields_b


def _said(a: Records, b: Records, counts: Counts) -> str:
    both, alone = counts.matched_a, counts.alone_b
    said = f"{counted(counts.rows, 'record')}; A: {both} matched, {len(a) - both} unmatched"
    said += f"; B: {len(b) - alone} matched, {alone} unmatched"
    if counts.passed_over:
        said += f"; {counts.passed_over} further matches not taken (joinMatch first)"
    return said
