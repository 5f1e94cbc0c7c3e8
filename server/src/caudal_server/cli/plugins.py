"""`caudal plugins`: which packages bring handlers."""

from __future__ import annotations

import typer

from caudal_server.cli.options import AsJson
from caudal_server.cli.terminal import print_json, print_table, say

app = typer.Typer(help="Show the installed plugins.")


@app.callback(invoke_without_command=True)
def plugins(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Show the installed plugins."""
    if ctx.invoked_subcommand is None or as_json:
        show(as_json=as_json)
    if as_json:
        raise typer.Exit


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the installed plugins and what became of each."""
    show(as_json=as_json)


def show(*, as_json: bool) -> None:
    """List them as a table, or as the objects of `GET /api/plugins`."""
    from caudal_server.catalogue import plugin_entry
    from caudal_server.cli.installed import registry

    found = registry().plugins
    if as_json:
        import orjson

        print_json(orjson.dumps([plugin_entry(plugin) for plugin in found]))
        return
    rows = [[p.name, p.version, p.status, ", ".join(p.handlers)] for p in found]
    print_table(["Package", "Version", "Status", "Handlers"], rows)
    for plugin in found:
        if plugin.error:
            say(f"! {plugin.name} {plugin.version}: {plugin.error}", "yellow")
