"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MAX_PORT = 65_535


def _folder(text: str) -> Path:
    if not text:
        raise typer.BadParameter("it is empty; name a folder, or leave it out")
    return Path(text)


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        parser=_folder,
        help="Where executions, results and keys are kept.",
    ),
]
WorkflowFile = Annotated[Path, typer.Argument(metavar="FILE", help="A workflow's JSON.")]
