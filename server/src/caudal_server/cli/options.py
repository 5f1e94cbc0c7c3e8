"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Where executions, results and keys are kept."),
]
WorkflowFile = Annotated[Path, typer.Argument(metavar="FILE", help="A workflow's JSON.")]
