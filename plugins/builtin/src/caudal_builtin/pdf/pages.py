"""Which pages of a document are wanted: `1-3,7`, `5-`, `-1` for the last."""

from __future__ import annotations

import re
from typing import Final

from caudal_builtin.pdf.problem import UnreadablePdf

MAX_PAGES: Final = 2_000
_NUMBER = "[1-9][0-9]{0,6}"
_PART = re.compile(rf"(?P<first>{_NUMBER})(?P<to>-(?P<last>{_NUMBER})?)?|-(?P<end>{_NUMBER})")


def parse(text: str) -> list[tuple[int | None, int | None]]:
    """The parts as first and last page, from 1; null first: so many from the end.

    `ValueError` says how pages are written.
    """
    parts: list[tuple[int | None, int | None]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        found = _PART.fullmatch(part.replace(" ", ""))
        if found is None:
            message = f"'{part}' is no range of pages; write it as 1-3,7 or 5- or -2"
            raise ValueError(message)
        if found["end"]:
            parts.append((None, int(found["end"])))
            continue
        first = int(found["first"])
        last = int(found["last"]) if found["last"] else None if found["to"] else first
        if last is not None and last < first:
            message = f"the range '{part}' ends before it begins"
            raise ValueError(message)
        parts.append((first, last))
    return parts


def chosen(text: str, count: int) -> list[int]:
    """The numbers of the wanted pages, from 1, each once; all of them for an empty text.

    `UnreadablePdf` for pages that the document does not have, and for too many.
    """
    wanted: dict[int, None] = {}
    for first, last in parse(text) or [(1, None)]:
        pages = _pages(first, last, count)
        if not pages and text:
            raise _absent(first, count)
        wanted.update(dict.fromkeys(pages))
        if len(wanted) > MAX_PAGES:
            raise UnreadablePdf(
                f"{len(wanted):,} pages are wanted; {MAX_PAGES:,} are read at one time",
                es=f"se piden {len(wanted):,} páginas; se leen {MAX_PAGES:,} de una vez",
                hint="name fewer in pages, and read the others in another node",
                hint_es="indique menos en pages y lea las demás en otro nodo",
            )
    return list(wanted)


def _pages(first: int | None, last: int | None, count: int) -> range:
    if first is None:
        return range(max(1, count - (last or 0) + 1), count + 1)
    if last is not None and last > count:
        raise _absent(last, count)
    return range(first, (last or count) + 1)


def _absent(page: int | None, count: int) -> UnreadablePdf:
    return UnreadablePdf(
        f"there is no page {page}; the PDF has {count}",
        es=f"no existe la página {page}; el PDF tiene {count}",
        hint="set pages to a range such as 1-3,7",
        hint_es="ponga en pages un rango como 1-3,7",
    )
