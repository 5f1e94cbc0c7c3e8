"""Every hook: its exact signature and its docstring, which is a plugin to start from."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from caudal_core import hookspecs
from tools.parts.markdown import fenced, from_docstring


def hooks() -> Iterator[tuple[str, Any]]:
    """Each hook by its name, in the order in which they stand in the code."""
    for name, value in vars(hookspecs).items():
        if name.startswith("caudal_"):
            yield name, value


def signature(name: str, function: Any) -> str:
    """`def name(parameter: Type) -> Type`."""
    return f"def {name}{inspect.signature(function)}".replace("'", "")


def example(function: Any) -> str:
    """The plugin in a hook's docstring, as a module."""
    _, _, code = (inspect.getdoc(function) or "").partition("::\n")
    return inspect.cleandoc(code)


def reference() -> str:
    """A section a hook, then what a workflow source must be."""
    return "\n\n".join([*(_section(*hook) for hook in hooks()), _source()])


def _section(name: str, function: Any) -> str:
    about = from_docstring(inspect.getdoc(function) or "")
    return f"## `{name}`\n\n{fenced(signature(name, function), 'python')}\n\n{about}"


def _source() -> str:
    source = hookspecs.WorkflowSource
    fetch = signature("fetch", source.fetch)
    shape = f"class WorkflowSource:\n    name: str\n\n    {fetch}: ..."
    about = f"{inspect.getdoc(source)} {inspect.getdoc(source.fetch)}"
    return f"## A workflow source\n\n{fenced(shape, 'python')}\n\n{about}"
