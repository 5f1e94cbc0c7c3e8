"""The command line `caudal`.

Data goes to standard output, all else to standard error. The exit code is 0 if all went well, 1 if
it failed, 2 if what was given is invalid, 130 after Ctrl-C and, of `run`, after SIGTERM. A command
imports what it needs when it is called, so that the others start at once.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from caudal_server.cli import backup, check, config, demo, effects, handlers, plugins, run, serve
from caudal_server.cli.terminal import prepare, say, written

FAILED, INVALID, INTERRUPTED = 1, 2, 130
ON_INVALID = ("INVALID_REQUEST", "INVALID_SETTINGS")
"""Codes of errors that say: what was given does not fit."""


class Commands(TyperGroup):
    """All commands; what goes wrong in one is said in its own words."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line; help and version are written by the framework itself."""
        prepare()
        try:
            with written():
                return super().main(*args, **kwargs)
        except Exception as error:
            code = told(error)
            if code is None:
                raise
            raise SystemExit(code) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            code = told(error)
            if code is None:
                raise
            raise typer.Exit(code) from None


def told(error: Exception) -> int | None:
    """Say what went wrong, and give the exit code for it; nothing for a mistake of this program.

    A reader of the output who has gone, as `head` does, is not told of.
    """
    from caudal_core.errors import CaudalError, InvalidWorkflow, error_text
    from caudal_server.cli.advice import told_with_advice

    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        say(f"✗ {error_text(error)}", "red")
        return FAILED
    if not isinstance(error, CaudalError):
        return None
    if isinstance(error, InvalidWorkflow):
        for problem in error.problems:
            say(f"✗ {problem['message']}", "red")
        return INVALID
    say(f"✗ {told_with_advice(error)}", "red")
    return INVALID if error.code in ON_INVALID else FAILED


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer's form of a callback
    if wanted:
        from importlib.metadata import version

        typer.echo(f"caudal {version('caudal-server')}")
        raise typer.Exit


def caudal(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Run workflows over tables, files, services and plant equipment."""


app = typer.Typer(
    cls=Commands,
    callback=caudal,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # the boxes of rich double the time that --help takes
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (serve.serve, run.run, check.check, demo.demo, handlers.handlers, effects.effects):
    app.command()(_command)
for _tending in (backup.backup, backup.restore, backup.migrate):
    app.command()(_tending)
app.add_typer(plugins.app, name="plugins")
app.add_typer(config.app, name="config")

if __name__ == "__main__":
    app()
