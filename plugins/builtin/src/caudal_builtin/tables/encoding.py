"""The encoding of a text file: what it is, and whether it is what the config says."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from caudal_builtin.tables.problem import UnreadableTable, refused

_CHUNK: Final = 1 << 20
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_IN_CP1252: Final = b"\x81\x8d\x8f\x90\x9d"


def encoding_of(path: Path, wanted: str | None) -> str:
    """The encoding to read a file with; `UnreadableTable` if it is not the one that is wanted."""
    if wanted is None:
        seems = _seems(path)
        return "utf-8" if seems == "ascii" else seems
    name = codecs.lookup(wanted).name
    offset = _first_undecodable(path, name)
    if offset is not None:
        raise _wrong(wanted, f"the byte at offset {offset} does not fit", _seems(path))
    if name.startswith(("utf-16", "utf-32")):
        return name
    seems = _seems(path)
    if name == "utf-8":
        return seems if seems == "utf-8-sig" else name
    if name == "iso8859-1" and seems == "cp1252":
        return seems  # the same letters, and the euro sign where latin-1 has a control character
    if seems in ("utf-8", "utf-8-sig") and not name.startswith("utf"):
        raise _wrong(wanted, "all letters beyond ASCII are written as in UTF-8", seems)
    return name


def _wrong(wanted: str, why: str, seems: str) -> UnreadableTable:
    return UnreadableTable(
        f"the file is not {wanted}: {why}; it seems to be {seems}",
        es=f"el archivo no está en {wanted}; parece estar en {seems}",
        hint=f"set encoding to {seems}, or leave it empty to have it found out",
        hint_es=f"ponga encoding en {seems} o déjelo vacío para que se detecte",
    )


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _seems(path: Path) -> str:
    """`ascii`, UTF-8, UTF-16 or UTF-32 by its mark, else one of Western Europe's."""
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    plain = True
    for chunk in _chunks(path):
        if 0 in chunk:
            raise _binary(chunk)
        plain = plain and chunk.isascii()
    if plain:
        return "ascii"
    if _first_undecodable(path, "utf-8") is None:
        return "utf-8"
    unknown = any(byte in chunk for chunk in _chunks(path) for byte in _NOT_IN_CP1252)
    return "latin-1" if unknown else "cp1252"


def _binary(chunk: bytes) -> UnreadableTable:
    """Zero bytes stand in no text, but for UTF-16: there they are every second byte."""
    even, odd = chunk[::2].count(0), chunk[1::2].count(0)
    wide = "utf-16-le" if odd > even else "utf-16-be"
    if max(even, odd) * 8 < len(chunk):
        return refused("it is binary data", "son datos binarios")
    return UnreadableTable(
        f"the file seems to be {wide} without a mark at its beginning",
        es=f"el archivo parece estar en {wide} sin marca al comienzo",
        hint=f"save it as UTF-8, or set encoding to {wide}",
        hint_es=f"guárdelo en UTF-8 o ponga encoding en {wide}",
    )


def _first_undecodable(path: Path, name: str) -> int | None:
    """The offset of the first byte that is not text in this encoding."""
    decoder = codecs.getincrementaldecoder(name)()
    read = 0
    try:
        for chunk in _chunks(path):
            read += len(chunk)
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return read - len(error.object) + error.start
    except UnicodeError:
        return 0  # UTF-16 or UTF-32 that lacks its mark
    return None
