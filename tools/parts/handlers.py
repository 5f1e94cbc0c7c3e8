"""The handlers that come with Caudal: a list of them, and the reference of each."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from caudal_builtin.expressions.functions import FUNCTIONS
from caudal_builtin.expressions.nodes import LAZY
from caudal_core.registry import OURS, Registered, load_registry
from caudal_server.catalogue import handler_entry
from tools.parts.config import tables
from tools.parts.markdown import code, from_docstring, table

EFFECTS = {
    "pure": "pure, it only computes",
    "idempotent": "idempotent, a second run does nothing more",
    "transactional": "transactional, what it did is written with it, and it is not done again",
}


def installed() -> list[Registered]:
    """The handlers of Caudal's own packages, whatever else is installed beside them."""
    return [item for item in load_registry().handlers.values() if item.package in OURS]


def overview() -> str:
    """Each handler in one line."""
    return table(["type", "title", "what it does"], _lines("en"))


def overview_in_spanish() -> str:
    """Each handler in one line, in Spanish."""
    return table(["tipo", "título", "qué hace"], _lines("es"))


def _lines(language: str) -> Iterator[list[str]]:
    for item in installed():
        found = item.handler
        link = f"[{code(found.type)}](docs/handlers.md#{found.type.lower()})"
        yield [link, found.title.in_(language), found.description.in_(language)]


def reference() -> str:
    """A section a handler."""
    return "\n\n".join(map(_section, installed()))


def _section(item: Registered) -> str:
    found = item.handler
    _, _, details = (inspect.getdoc(found.function) or "").partition("\n\n")
    texts = (
        f"## {found.type}",
        f"**{found.title.en}.** {found.description.en}",
        f"*{found.title.es}. {found.description.es}*",
        _facts(item),
        from_docstring(details),
        *tables(handler_entry(item)["configSchema"]),
    )
    return "\n\n".join(filter(None, texts))


def _facts(item: Registered) -> str:
    found = item.handler
    inputs, outputs = (", ".join(map(code, ports)) for ports in (found.inputs, found.outputs))
    effect = EFFECTS.get(found.effect, found.effect)
    origin = f"{item.package} {item.version}"
    return f"In: {inputs}. Out: {outputs}. Effect: {effect}. Category: {found.category}. {origin}."


def functions() -> str:
    """The functions of expressions, as they are written."""
    forms = [function.form for function in (*LAZY.values(), *FUNCTIONS.values())]
    return ", ".join(map(code, forms))
