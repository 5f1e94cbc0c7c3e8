"""`caudal effects`: what was done to the world, and of what nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caudal_server.cli.options import AsJson, DataFolder
from caudal_server.cli.terminal import print_json, print_table, say

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from caudal_core.journal.effects import Done
    from caudal_server.settings import Settings

MOST = 10_000


def effects(
    *,
    since: Annotated[
        str, typer.Option(help="24h, 30m, 7d ago, or a moment such as 2026-01-31T10:00:00Z.")
    ] = "24h",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List what nodes did to the world, the newest first, and whether that is known.

    It reads the data folder, or CAUDAL_DATABASE_URL, also beside a running server. JSON is a list
    of the objects of `GET /api/effects`.
    """
    from caudal_core.values import to_wire
    from caudal_server.ledger import effect_document

    found = _read(since, data)
    if as_json:
        print_json(to_wire([effect_document(done) for done in found]))
    else:
        headers = ["Began", "Workflow", "Node", "Type", "Effect", "Status", "Known", "What"]
        print_table(headers, map(_row, found))
    unknown = sum(not done.known for done in found)
    if unknown:
        say(f"! of {unknown} nobody knows whether it happened", "yellow")
    if len(found) == MOST:
        say(f"! the newest {MOST:,}; name a later moment with --since", "yellow")


def _read(since: str, data: Path | None) -> list[Done]:
    from caudal_core.journal.effects import EffectFilter
    from caudal_core.journal.history import History
    from caudal_server.ledger import since_of
    from caudal_server.settings import load_settings

    settings = load_settings(data=data)
    moment = since_of("--since", since, settings.timezone)
    database = _database(settings)
    try:
        wanted = EffectFilter(since=moment or 0.0, limit=MOST)
        return History(database).effects.list(wanted)
    finally:
        database.dispose()


def _database(settings: Settings) -> Engine:
    from caudal_core.errors import InvalidRequest
    from caudal_core.journal.postgres import PostgresPlace
    from caudal_core.journal.reading import open_for_reading
    from caudal_server.databases import check_journal

    if (url := settings.database) is not None:
        check_journal(url)
        return PostgresPlace(url).connections().database
    if not (settings.data / "caudal.db").exists():
        message = f"there is no database in {settings.data}; name the folder with --data"
        raise InvalidRequest(message=message)
    return open_for_reading(settings.data / "caudal.db")


def _row(done: Done) -> list[str]:
    from caudal_core.engine.running.final import cause
    from caudal_server.times import moment

    what = cause(dict(done.error)) if done.error else done.message or ""
    known = "yes" if done.known else "no"
    node = f"{done.node_label} ({done.node})"
    return [
        *(moment(done.started), done.workflow_name, node, done.node_type),
        *(done.effect or "", done.state, known, what),
    ]
