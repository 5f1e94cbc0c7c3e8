"""Records as Parquet and as an Arrow stream.

A column that Arrow's types do not hold as it is (mixed types, lists and objects, whole numbers of
more than 64 bits) goes as JSON texts, and its field's metadata says `json: true`. A missing field
is null, and `missing` says of how many records. What is known of a column, such as its unit, stands
beside that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from caudal_core import Records
from caudal_core.tables.lossless import NotInColumns, array_of
from caudal_core.values import JSON, encode
from caudal_server.exports.options import Options

ROWS: Final = 65_536
_PIECE: Final = 1_000_000


def parquet_pieces(data: Records, _options: Options) -> Iterator[bytes]:
    """The file, made on disk and then read piece by piece."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory(prefix="caudal-parquet-") as folder:
        path = Path(folder) / "data.parquet"
        pq.write_table(table(data), path, row_group_size=ROWS * 4, compression="zstd")
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


def arrow_pieces(data: Records, _options: Options) -> Iterator[bytes]:
    """The stream, some records at a time."""
    import pyarrow as pa

    found = table(data)
    pieces = _Pieces()
    with pa.ipc.new_stream(pieces, found.schema) as writer:
        for batch in found.to_batches(max_chunksize=ROWS):
            writer.write_batch(batch)
            yield from pieces.taken()
    yield from pieces.taken()


class _Pieces:
    """A file that is read by whoever made it, while it is written."""

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self.closed = False

    def write(self, content: Any) -> int:
        self._written.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        """There is nothing behind it."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> Iterator[bytes]:
        pieces, self._written = self._written, []
        yield b"".join(pieces)


def table(data: Records) -> Any:
    """The records as an Arrow table that says of its columns what they are."""
    import pyarrow as pa

    fields, arrays = [], []
    for name in data.columns:
        values, known = _column(data, name)
        known |= {key: _text(value) for key, value in data.metadata.get(name, {}).items()}
        fields.append(pa.field(name, values.type, metadata=known or None))
        arrays.append(values)
    return pa.table(arrays, schema=pa.schema(fields))


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else encode(value).decode().strip()


def _column(data: Records, name: str) -> tuple[Any, dict[str, str]]:
    known = {}
    if data.in_columns:
        import pyarrow.compute as pc

        absent = data.table.absent(name)
        if absent is not None:
            known["missing"] = str(pc.sum(absent).as_py())
        return data.values(name), known
    lacking = sum(name not in row for row in data)
    if lacking:
        known["missing"] = str(lacking)
    values = data.column(name)
    try:
        return array_of(name, values), known
    except NotInColumns:
        known["json"] = "true"
    written = [None if value is None else _json(value) for value in values]
    return array_of(name, written), known


def _json(value: JSON) -> str:
    return encode(value).decode().strip()
