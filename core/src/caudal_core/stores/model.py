"""What is asked of a record store, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from caudal_core.errors import InvalidRequest
from caudal_core.stores.filters import Filter
from caudal_core.values import JSON

Mode = Literal["insert", "upsert", "update"]


def never() -> None:
    """Nobody cancels."""


def weightless(records: Sequence[Any]) -> None:
    """Nobody minds how many there are."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of records: a table. `properties` are names and types (`caudal_core.stores.types`).

    `store` is filled by whoever asked the stores. An empty `id` is that of an entity which is to be
    made by the first write. `records` is how many it has, where the store knows without counting.
    """

    id: str
    name: str
    properties: Mapping[str, str] = field(default_factory=dict)
    store: str = ""
    organization: str | None = None
    created: str | None = None
    updated: str | None = None
    records: int | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """One column to sort by: null and missing first, then booleans, numbers, texts, the rest.

    Where records are equal in all columns, they stay in the order in which they were created.
    """

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Which records, in which order, how many, and which columns of them.

    `cursor` goes on behind a page of the same query; `as_of` asks for what was there at a moment.
    `check` is called now and then, and may raise. So may `weigh`, which is given the records that
    were made so far (`caudal_core.stores.gathered` does it).
    """

    where: Filter | None = None
    sort: tuple[Sort, ...] = ()
    limit: int | None = None
    columns: tuple[str, ...] | None = None
    cursor: str | None = None
    as_of: str | None = None
    check: Callable[[], None] = never
    weigh: Callable[[Sequence[Any]], None] = weightless


@dataclass(frozen=True, slots=True)
class Page:
    """Records, each with its `id`, and the cursor of the next page; null at the end."""

    records: list[dict[str, Any]]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """Records to write in one transaction: all of them or none.

    - `insert`: each is new; an `id` that is there already is refused.
    - `upsert`: a record with the same `keys` (without keys: the same `id`) takes over the given
      values and keeps its others; where there is none, one is made.
    - `update`: the same, but where there is none, the row is counted and not written.

    `effect` names this write: once it has been committed, the same name writes nothing again and
    gets the report of the first time. With `dry_run` all is done and then rolled back.
    """

    rows: Sequence[Mapping[str, Any]]
    now: datetime
    mode: Mode = "insert"
    keys: tuple[str, ...] = ()
    effect: str | None = None
    organization: str | None = None
    dry_run: bool = False
    check: Callable[[], None] = never


@dataclass(frozen=True, slots=True)
class Report:
    """What a write did, in records. `not_found` are those that `update` had nothing for.

    `ids` are those of the records in the order of the rows, empty where there are more than
    `MOST_IDS`. `created` are properties that are new. `repeated`: it had been done before.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    not_found: int = 0
    ids: tuple[str, ...] = ()
    created: Mapping[str, str] = field(default_factory=dict)
    repeated: bool = False

    def to_json(self) -> dict[str, JSON]:
        """As JSON, for keeping it."""
        return {
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "notFound": self.not_found,
            "ids": list(self.ids),
            "created": dict(self.created),
        }

    @classmethod
    def repeat(cls, kept: Mapping[str, Any]) -> Report:
        """The report that was kept, of a write that was done before."""
        return cls(
            inserted=kept["inserted"],
            updated=kept["updated"],
            unchanged=kept["unchanged"],
            not_found=kept["notFound"],
            ids=tuple(kept["ids"]),
            created=kept["created"],
            repeated=True,
        )


MOST_IDS: Final = 1_000
"""Ids that a report lists at most."""


def sort_of(texts: Sequence[str]) -> tuple[Sort, ...]:
    """From `["-price", "meter"]`: by falling price, then by meter."""
    found = []
    for text in texts:
        name = text.strip().removeprefix("-").removeprefix("+")
        if not name:
            raise InvalidRequest(message=f"sort has '{text}', which names no column")
        found.append(Sort(name, text.strip().startswith("-")))
    return tuple(found)
