"""`caudal serve`: the server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caudal_server.cli.options import MAX_PORT, DataFolder


def serve(
    *,
    host: Annotated[
        str | None,
        typer.Option(metavar="HOST", help="Where to listen; localhost is 127.0.0.1 and ::1."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", min=0, max=MAX_PORT, help="8000 if not said; 0 takes a free one."
        ),
    ] = None,
    data: DataFolder = None,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A PostgreSQL in place of the data folder's sqlite."),
    ] = None,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="First bring an older PostgreSQL up.")
    ] = False,
    workflows: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="A folder of workflows as JSON files."
        ),
    ] = None,
    runner: Annotated[str | None, typer.Option(metavar="NAME", help="What runs the nodes.")] = None,
) -> None:
    """Start the server; Ctrl-C ends it.

    What is not said here comes from CAUDAL_… in the environment or in .env, see `caudal config`.
    """
    from caudal_server import serving
    from caudal_server.app import create_app
    from caudal_server.assembly import make_engine
    from caudal_server.databases import bring_up
    from caudal_server.settings import load_settings

    settings = load_settings(
        host=host,
        port=port,
        data=data,
        database_url=database,
        workflows=workflows,
        runner=runner,
    )
    if migrate and settings.database is not None:
        bring_up(settings.database)
    serving.serve(create_app(make_engine(settings), settings), settings)
