"""What retention must know of what is kept. Everything here blocks: call it in a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine, func, select, tuple_

from caudal_core.journal.identity import MARK
from caudal_core.journal.records import FINISHED
from caudal_core.journal.tables import (
    about,
    execution,
    node_run,
    plan,
    trigger_event,
    workflow,
    workflow_version,
)
from caudal_core.values import decode

PAGE = 500


class Ended(NamedTuple):
    """An execution that has ended."""

    id: str
    workflow_hash: str
    plan_hash: str
    state: str
    created: float
    completed: float


class Ageing:
    """Reads in pages, so that no look takes long."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def ended(self, before: float, after: tuple[float, str]) -> list[Ended]:
        """A page of those created before a moment and after another one, oldest first."""
        place = tuple_(execution.c.created, execution.c.id)
        query = (
            select(*_ENDED)
            .where(execution.c.created < before, place > tuple_(*after))
            .where(execution.c.state.in_(FINISHED))
            .order_by(execution.c.created, execution.c.id)
            .limit(PAGE)
        )
        with self._database.connect() as connection:
            return [Ended(*row) for row in connection.execute(query)]

    def known(self, identities: Sequence[str]) -> list[Ended]:
        """Those of these that have ended."""
        with self._database.connect() as connection:
            return [
                Ended(*row)
                for some in _parts(identities)
                for row in connection.execute(
                    select(*_ENDED).where(execution.c.id.in_(some), execution.c.state.in_(FINISHED))
                )
            ]

    def skipped(self, before: float) -> list[tuple[str, str]]:
        """Trigger and key of some events that started nothing, from before a moment."""
        event = trigger_event.c
        query = select(event.trigger, event.key).where(
            event.execution.is_(None), event.created < before
        )
        with self._database.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(query.limit(PAGE))]

    def runs(self, execution_id: str) -> int:
        """Beyond the highest number of its runs."""
        query = select(func.max(node_run.c.number)).where(node_run.c.execution == execution_id)
        with self._database.connect() as connection:
            last = connection.execute(query).scalar_one()
        return 0 if last is None else last + 1

    def settings(self, unknown: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """By the hash of a workflow's version its settings."""
        with self._database.connect() as connection:
            found: dict[str, Mapping[str, Any]] = {}
            for some in _parts(list(unknown)):
                query = select(workflow_version.c.hash, workflow_version.c.json)
                for digest, text in connection.execute(
                    query.where(workflow_version.c.hash.in_(some))
                ):
                    settings = decode(text).get("settings")
                    found[digest] = settings if isinstance(settings, dict) else {}
        return found

    def versions(self) -> list[str]:
        """The hashes of all versions of workflows."""
        with self._database.connect() as connection:
            return list(connection.scalars(select(workflow_version.c.hash)))

    def unused(self, wanted: tuple[str, str] | None = None) -> tuple[set[str], set[str]]:
        """The versions and the plans that no execution and no saved workflow names any more.

        With `wanted` only this version and this plan are looked at.
        """
        with self._database.connect() as connection:
            if wanted is None:
                versions = set(connection.scalars(select(workflow_version.c.hash)))
                plans = set(connection.scalars(select(plan.c.hash)))
                used = select(execution.c.workflow_hash, execution.c.plan_hash).distinct()
                for row in connection.execute(used):
                    versions.discard(row[0])
                    plans.discard(row[1])
                return versions.difference(connection.scalars(select(workflow.c.hash))), plans
            version, planned = wanted
            names = (
                (execution.c.workflow_hash, version),
                (workflow.c.hash, version),
                (execution.c.plan_hash, planned),
            )
            one, other, third = (
                connection.scalar(select(column).where(column == value).limit(1)) is not None
                for column, value in names
            )
            return (set() if one or other else {version}), (set() if third else {planned})

    def references(self) -> Iterator[tuple[str, str]]:
        """Each execution with the name of a blob that it holds, page by page."""
        after = ("", -1)
        place = tuple_(node_run.c.execution, node_run.c.number)
        columns = node_run.c.execution, node_run.c.number, node_run.c.output_ref
        while True:
            query = (
                select(*columns)
                .where(place > tuple_(*after), node_run.c.output_ref.is_not(None))
                .order_by(node_run.c.execution, node_run.c.number)
                .limit(PAGE)
            )
            with self._database.connect() as connection:
                rows = list(connection.execute(query))
            for identity, _, text in rows:
                yield from ((identity, name) for name in _names(text))
            if len(rows) < PAGE:
                break
            after = rows[-1][0], rows[-1][1]
        query = select(execution.c.id, execution.c.inputs_ref)
        with self._database.connect() as connection:
            for row in connection.execute(query.where(execution.c.inputs_ref.is_not(None))):
                yield row[0], row[1]
            # What says that this is the place of the database's large values (see `identity`).
            for name in connection.scalars(select(about.c.value).where(about.c.key == MARK)):
                yield "", name


_ENDED = (
    execution.c.id,
    execution.c.workflow_hash,
    execution.c.plan_hash,
    execution.c.state,
    execution.c.created,
    func.coalesce(execution.c.completed, execution.c.created),
)


def _names(output_ref: bytes) -> Iterator[str]:
    for known in decode(output_ref).values():
        if "hash" in known:
            yield known["hash"]


def _parts(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(items), PAGE):
        yield items[begin : begin + PAGE]
