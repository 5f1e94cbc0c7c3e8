"""`caudal config`: how the server is set up, and by what."""

from __future__ import annotations

import typer

from caudal_server.cli.options import AsJson
from caudal_server.cli.terminal import print_json, print_table, say

app = typer.Typer(help="Show the settings in force.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """Show the settings in force."""


@app.command()
def show(*, as_json: AsJson = False) -> None:
    """List every setting, its value and where it is from; secrets are masked.

    JSON is a list of `{name, value, origin, description}`.
    """
    from caudal_server import origins
    from caudal_server.settings import load_settings

    found = list(origins.shown(load_settings()))
    if as_json:
        import orjson

        names = ("name", "value", "origin", "description")
        print_json(orjson.dumps([dict(zip(names, item, strict=True)) for item in found]))
    else:
        print_table(["Setting", "Value", "From", "Meaning"], found)
    for name in origins.without_effect():
        say(f"! {name} is set, but has no effect in this version", "yellow")
    for name, near in origins.unknown().items():
        hint = f"; did you mean {near}?" if near else ""
        say(f"! {name} is set, but means nothing{hint}", "yellow")
