"""Columns as bytes: Arrow's IPC file format, which is read in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from caudal_core.tables.columns import Columns

MAGIC: Final = b"ARROW1\0\0"
"""What every file of this format begins with, and no JSON does."""

BATCH_ROWS: Final = 65_536
"""Records in one batch of a file: what a page of a far place has to look through at most."""


def is_ipc(content: Any) -> bool:
    """Whether these bytes are a table, and no JSON."""
    return bytes(content[: len(MAGIC)]) == MAGIC


def head(path: Path) -> bytes:
    """The first bytes of a file; nothing if it is not there."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC))
    except FileNotFoundError:
        return b""


def to_ipc(columns: Columns) -> memoryview:
    """The table as the bytes of a file, not compressed: it is then used where it lies."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    table = columns.table.replace_schema_metadata(None)
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=BATCH_ROWS)
    return memoryview(sink.getvalue())


def from_ipc(content: Any) -> Columns:
    """The table whose file these bytes are, without a copy."""
    import pyarrow as pa

    return _read(pa.BufferReader(content))


def open_ipc(path: Path) -> Columns:
    """The table of a file, by a memory map: only what is looked at is read."""
    import pyarrow as pa

    return _read(pa.memory_map(str(path)))


def _read(source: Any) -> Columns:
    import pyarrow as pa

    with pa.ipc.open_file(source) as reader:
        return Columns(reader.read_all())
