"""`caudal run`: execute a workflow in this process, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caudal_server.cli.options import DataFolder, WorkflowFile


def run(
    file: WorkflowFile,
    *,
    given: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="NAME=VALUE", help="An input: JSON, or else a text."),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option("--inputs", metavar="FILE", help="A JSON object of inputs; - is stdin."),
    ] = None,
    data: DataFolder = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole status instead of the final output.")
    ] = False,
) -> None:
    """Run a workflow in this process and print its final output as JSON.

    Its nodes may read the files beside it and below. Without --data nothing is kept.
    """
    import asyncio

    from caudal_server.cli.documents import gather_inputs, read_object
    from caudal_server.cli.execution import INTERRUPTED, Task, execute

    task = Task(read_object(file), file, gather_inputs(inputs, given or ()), whole_status=as_json)
    try:
        code = asyncio.run(execute(task, data))
    except asyncio.CancelledError:  # by SIGTERM, before there was anything to tell
        code = INTERRUPTED
    if code:
        raise typer.Exit(code)
