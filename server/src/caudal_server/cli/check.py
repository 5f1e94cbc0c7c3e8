"""`caudal check`: what is wrong with a workflow, without running it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from caudal_server.cli.options import AsJson, WorkflowFile
from caudal_server.cli.terminal import print_json, show
from caudal_server.showing import visible

INVALID = 2


def check(
    file: WorkflowFile,
    *,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as problems.")] = False,
) -> None:
    """Check a workflow and list every problem; 2 is the exit code if there is one.

    JSON is `{valid, problems, warnings}`, as `POST /api/workflows/validate` answers.
    """
    from caudal_server.cli.documents import read_object
    from caudal_server.cli.installed import registry
    from caudal_server.validation import verdict

    found = verdict(read_object(file), registry())
    found["valid"] = found["valid"] and not (strict and found["warnings"])
    if as_json:
        import orjson

        print_json(orjson.dumps(found))
    else:
        _show(str(file), found)
    if not found["valid"]:
        raise typer.Exit(INVALID)


def _show(name: str, found: dict[str, Any]) -> None:
    problems, warnings = found["problems"], found["warnings"]
    for mark, style, items in (("✗", "red", problems), ("!", "yellow", warnings)):
        for item in items:
            show(visible(f"{mark} {item['message']} [{item['pointer']}]"), style)
    counts = f"{len(problems)} problem(s), {len(warnings)} warning(s)"
    show(f"{name}: {'valid' if found['valid'] else 'not valid'}, {counts}")
