"""`caudal backup`, `caudal restore`, `caudal migrate`: what is done to a whole data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caudal_server.cli.options import DataFolder

if TYPE_CHECKING:
    from caudal_server.backup import Contents
    from caudal_server.settings import Settings

Archive = Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="The back-up.")]


def backup(file: Archive, *, data: DataFolder = None) -> None:
    """Write all that a data folder holds into one file, while a server may be running.

    The exit code is 1 where a large value is named and not there; the rest is in the file then.
    """
    from caudal_server.assembly import blobs_of
    from caudal_server.backup import back_up
    from caudal_server.cli.terminal import say
    from caudal_server.settings import load_settings

    settings = load_settings(data=data)
    _refuse_database(settings)
    _check(settings)
    found = back_up(settings.data, blobs_of(settings), file)
    say(f"✓ {file}: {_counted(found)}, {file.stat().st_size:,} bytes", "green")
    if found.missing:
        say(f"✗ {len(found.missing)} large values are named and not there:", "red")
        for name in found.missing:
            say(f"  {name}")
        raise typer.Exit(1)


def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The back-up.")
    ],
    *,
    data: DataFolder = None,
) -> None:
    """Fill an empty data folder from a back-up; a server that starts on it has everything.

    What had not ended when the back-up was made goes on when the server starts.
    """
    from caudal_server.assembly import blobs_of
    from caudal_server.cli.terminal import say
    from caudal_server.restoring import restore as restored
    from caudal_server.settings import load_settings

    settings = load_settings(data=data)
    _refuse_database(settings)
    found = restored(file, settings.data, blobs_of(settings))
    say(f"✓ {settings.data}: {_counted(found)}", "green")


def migrate(*, data: DataFolder = None) -> None:
    """Bring the database of an older version up to this one.

    A server does so by itself in its data folder. A copy is made beside it first, and the way back
    is told. A PostgreSQL (CAUDAL_DATABASE_URL) is brought up by this alone: back it up before, and
    stop all servers on it.
    """
    from caudal_core.errors import InvalidRequest
    from caudal_core.journal import schema
    from caudal_core.journal.lock import held
    from caudal_server.backup import JOURNAL
    from caudal_server.cli.terminal import say
    from caudal_server.databases import bring_up
    from caudal_server.settings import load_settings

    settings = load_settings(data=data)
    if settings.database is not None:
        before = bring_up(settings.database)
        what = "nothing to do" if before == schema.head() else f"it was of {before or 'none'}"
        say(f"✓ the database is of schema {schema.head()}: {what}", "green")
        return
    folder = settings.data
    database = folder / JOURNAL
    if not database.is_file():
        message = f"{folder} holds no {JOURNAL}; name the server's data folder with --data"
        raise InvalidRequest(message=message)
    with held(folder / "caudal.lock"):
        copy = schema.bring_up(database)
    if copy is None:
        say(f"✓ {database} is of schema {schema.head()}: nothing to do", "green")
    else:
        say(f"✓ {database} is of schema {schema.head()} now", "green")
        say(f"  to go back: {schema.way_back(database, copy)}")


def _counted(found: Contents) -> str:
    databases = ", ".join(sorted(found.databases))
    return f"{databases}, {found.values:,} large values, {found.files:,} files"


def _refuse_database(settings: Settings) -> None:
    from caudal_core.errors import InvalidRequest

    if settings.database is not None:
        message = (
            "the journal is in a PostgreSQL (CAUDAL_DATABASE_URL), this is about a data folder: "
            "use pg_dump and pg_restore, the database first, then a copy of the large values"
        )
        raise InvalidRequest(message=message)


def _check(settings: Settings) -> None:
    """Say what is not in the folder and so not in the file."""
    from caudal_server.cli.terminal import say

    if settings.store_url is not None:
        say("! entities are in the PostgreSQL of CAUDAL_STORE_URL: back it up too", "yellow")
