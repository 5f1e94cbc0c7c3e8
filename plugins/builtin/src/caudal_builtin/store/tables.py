"""The tables of the store. What users name is never a name here: it is a value in a row."""

from __future__ import annotations

import sqlalchemy as sa

VERSION = 1
"""Of these tables; a database with a higher one is refused."""

OWN = ("caudal_store", "caudal_entity", "caudal_record", "caudal_effect")

about = sa.table("caudal_store", sa.column("version", sa.Integer))
entity = sa.table(
    "caudal_entity",
    sa.column("number", sa.Integer),
    sa.column("id", sa.Text),
    sa.column("name", sa.Text),
    sa.column("organization", sa.Text),
    sa.column("properties", sa.Text),
    sa.column("keys", sa.Text),
    sa.column("next_seq", sa.BigInteger),
    sa.column("records", sa.BigInteger),
    sa.column("created", sa.Text),
    sa.column("updated", sa.Text),
)
record = sa.table(
    "caudal_record",
    sa.column("entity", sa.Integer),
    sa.column("seq", sa.BigInteger),
    sa.column("id", sa.Text),
    sa.column("key", sa.Text),
    sa.column("created", sa.Text),
    sa.column("updated", sa.Text),
    sa.column("properties", sa.Text),
)
effect = sa.table("caudal_effect", sa.column("key", sa.Text), sa.column("report", sa.Text))

COLUMNS = ("entity", "seq", "id", "key", "created", "updated", "properties")
"""Of a record, in the order in which the bulk paths write them."""


def statements(*, number: str, document: str, tail: str) -> tuple[str, ...]:
    """What makes the tables; the parts that differ between databases are given.

    `seq` counts the records of an entity in the order of their creation; `key` holds the values of
    the key columns by which the entity was last written.
    """
    return (
        f"""CREATE TABLE IF NOT EXISTS caudal_entity (
            number {number}, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
            organization TEXT, properties TEXT NOT NULL, keys TEXT NOT NULL,
            next_seq BIGINT NOT NULL, records BIGINT NOT NULL,
            created TEXT NOT NULL, updated TEXT NOT NULL)""",
        f"""CREATE TABLE IF NOT EXISTS caudal_record (
            entity INTEGER NOT NULL, seq BIGINT NOT NULL, id TEXT NOT NULL, key TEXT,
            created TEXT NOT NULL, updated TEXT NOT NULL, properties {document} NOT NULL,
            PRIMARY KEY (entity, seq)){tail}""",
        """CREATE UNIQUE INDEX IF NOT EXISTS caudal_record_id ON caudal_record (entity, id)""",
        """CREATE INDEX IF NOT EXISTS caudal_record_key
            ON caudal_record (entity, key) WHERE key IS NOT NULL""",
        "CREATE TABLE IF NOT EXISTS caudal_effect (key TEXT PRIMARY KEY, report TEXT NOT NULL)",
        "CREATE TABLE IF NOT EXISTS caudal_store (version INTEGER NOT NULL)",
    )
