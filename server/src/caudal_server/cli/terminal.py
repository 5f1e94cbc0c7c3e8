"""What commands write: data on standard output, all else on standard error.

Texts come from workflows, too: their control characters are shown as such and command nothing.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from caudal_server.showing import visible

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 240
"""Columns where nobody looks at a terminal, so that nothing is cut or wrapped."""

_UNESCAPED = re.compile(rb"\x7f|\xc2[\x80-\x9f]")
"""The control characters that may stand in JSON as they are."""


def prepare() -> None:
    """Let the standard streams take every text: what their encoding lacks is written as escapes.

    In the place of one that was closed from outside comes one that leads nowhere, so that no file
    gets its number: standard output then fails when it is written to, standard error does not.
    """
    if sys.stdin is None:
        sys.stdin = _nowhere(os.O_RDONLY, "r")
    if sys.stdout is None:
        sys.stdout = _nowhere(os.O_RDONLY)
    if sys.stderr is None:
        sys.stderr = _nowhere(os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nowhere(flags: int = os.O_WRONLY, mode: str = "w") -> Any:
    return os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8")


@contextmanager
def written() -> Iterator[None]:
    """Around what writes to standard output: `OutputFailed` says why that is not possible.

    A reader that has gone, as `head` does, is left to the caller.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        from caudal_server.cli.failures import OutputFailed

        sys.stdout = _nowhere()  # else Python tries to write the rest when it ends
        raise OutputFailed(cause=error.strerror or error) from error


class _Messages:
    """Standard error; what it does not take is lost, as there is nobody else to tell."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        self._stream = sys.stderr = _nowhere()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def messages() -> Console:
    """Standard error."""
    return _console(_Messages(sys.stderr), stderr=True)


def _console(file: Any, *, stderr: bool = False) -> Console:
    from rich.console import Console

    found = Console(file=file, stderr=stderr, highlight=False, markup=False, emoji=False)
    return found if found.is_terminal else _widened(found)


def _widened(console: Console) -> Console:
    console.width = WIDE
    return console


def say(text: str, style: str = "") -> None:
    """One message on standard error."""
    messages().print(visible(text), style=style or None, soft_wrap=True)


def show(text: str = "", style: str = "") -> None:
    """Lines of text on standard output."""
    with written():
        _console(sys.stdout).print(visible(text, but="\n"), style=style or None, soft_wrap=True)


def print_json(encoded: bytes) -> None:
    """A JSON text, spread over lines where a person looks at it."""
    stream = sys.stdout
    if stream.isatty():
        import orjson

        spread = orjson.dumps(orjson.loads(encoded), option=orjson.OPT_INDENT_2)
        encoded = _UNESCAPED.sub(_escape, spread)
    with written():
        stream.flush()
        stream.buffer.write(encoded + b"\n")
        stream.buffer.flush()


def _escape(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on standard output, its columns as wide as what is in them."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in headers:
        table.add_column(visible(header))
    for row in rows:
        table.add_row(*map(visible, row))
    with written():
        _console(sys.stdout).print(table)
