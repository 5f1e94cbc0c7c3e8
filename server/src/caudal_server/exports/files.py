"""The formats by name: what each is called on the wire, and what writes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple
from urllib.parse import quote

from caudal_core import Records
from caudal_server.exports.csv_text import csv_pieces
from caudal_server.exports.options import Options
from caudal_server.exports.tables import arrow_pieces, parquet_pieces
from caudal_server.exports.xlsx_book import xlsx_pieces


class Kind(NamedTuple):
    """A format: its media type, the end of a file's name, and what makes its pieces."""

    media_type: str
    ending: str
    pieces: Callable[[Records, Options], Iterator[bytes]]


KINDS: Final = {
    "csv": Kind("text/csv; charset=utf-8", "csv", csv_pieces),
    "xlsx": Kind(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", xlsx_pieces
    ),
    "parquet": Kind("application/vnd.apache.parquet", "parquet", parquet_pieces),
    "arrow": Kind("application/vnd.apache.arrow.stream", "arrows", arrow_pieces),
}

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def disposition(name: str, ending: str) -> str:
    """The header that gives the file its name, also where that is not ASCII (RFC 6266)."""
    plain = _UNSAFE.sub("_", name)[:100].strip("._") or "data"
    exact = quote(f"{name[:100]}.{ending}", safe="")
    return f"attachment; filename=\"{plain}.{ending}\"; filename*=UTF-8''{exact}"
