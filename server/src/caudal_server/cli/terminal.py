"""What commands write: data on standard output, all else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 240
"""Columns where nobody looks at a terminal, so that nothing is cut or wrapped."""


def output() -> Console:
    """Standard output."""
    return _console(stderr=False)


def messages() -> Console:
    """Standard error."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    found = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    return found if found.is_terminal else _widened(found)


def _widened(console: Console) -> Console:
    console.width = WIDE
    return console


def say(text: str, style: str = "") -> None:
    """One message on standard error."""
    messages().print(text, style=style or None, soft_wrap=True)


def print_json(encoded: bytes) -> None:
    """A JSON text, spread over lines where a person looks at it."""
    stream = sys.stdout
    if stream.isatty():
        import orjson

        encoded = orjson.dumps(orjson.loads(encoded), option=orjson.OPT_INDENT_2)
    stream.flush()
    stream.buffer.write(encoded + b"\n")
    stream.buffer.flush()


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on standard output, its columns as wide as what is in them."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(header)
    for row in rows:
        table.add_row(*row)
    output().print(table)
