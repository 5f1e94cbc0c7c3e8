"""The tree of errors: codes, texts, hints, and what they mean over HTTP."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import caudal_builtin
import caudal_core
import caudal_server
from caudal_core import errors
from caudal_core.errors import CaudalError
from caudal_server.problems import STATUS
from tools.parts.markdown import code, fenced, table

PACKAGES = (caudal_core, caudal_builtin, caudal_server)
OWN = "its own"


def tree() -> str:
    """The tree as it is drawn where the errors are defined."""
    drawn = (inspect.getdoc(errors) or "").split("\n\n")[1]
    return fenced(inspect.cleandoc(drawn), "text")


def classes() -> list[type[CaudalError]]:
    """Every error of these packages that has a code of its own."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found = [kind for kind in _below(CaudalError) if "code" in vars(kind)]
    order = {package.__name__: place for place, package in enumerate(PACKAGES)}
    return sorted(found, key=lambda kind: (order[_package(kind)], kind.code))


def _below(kind: type[CaudalError]) -> Iterator[type[CaudalError]]:
    for child in kind.__subclasses__():
        if _package(child) in {package.__name__ for package in PACKAGES}:
            yield child
            yield from _below(child)


def _package(kind: type[CaudalError]) -> str:
    return kind.__module__.partition(".")[0]


def codes() -> str:
    """A table a package."""
    found = classes()
    return "\n\n".join(_table(package.__name__, found) for package in PACKAGES)


def _table(package: str, found: list[type[CaudalError]]) -> str:
    rows = [_row(kind) for kind in found if _package(kind) == package]
    return f"From `{package}`:\n\n{table(['code', 'when', 'text', 'hint'], rows)}"


def _row(kind: type[CaudalError]) -> list[str]:
    about = (inspect.getdoc(kind) or "").split("\n\n")[0]
    return [code(kind.code), about, _template(kind.en), _template(kind.hint_en) or "–"]


def _template(text: str) -> str:
    """A text made from keywords; one that is nothing but a keyword is the error's own."""
    if re.fullmatch(r"\{(message|hint|nearest|detail)\}", text):
        return OWN
    return code(text.replace("{place}", ""))


def statuses() -> str:
    """The HTTP status for each kind of error."""
    rows = [[str(status), code(kind.__name__), code(kind.code)] for kind, status in STATUS]
    return table(["status", "error", "code"], rows)
