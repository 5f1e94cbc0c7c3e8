"""Records for tests that are held as rows and in columns."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from caudal_core import Records
from caudal_core.tables.lossless import NotInColumns, columns_of

NAMES = ["a", "b", "Precio (€/MWh)", ""]
WHOLE = st.integers(-(2**63), 2**63 - 1)
REAL = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
TEXTS |= st.sampled_from(["", "1", "1.5", "1,5", "08001", "true", "2026-03-01", "ñandú €", "1e5"])
KINDS: list[st.SearchStrategy[Any]] = [WHOLE, REAL, TEXTS, st.booleans(), st.none()]
ODD: list[st.SearchStrategy[Any]] = [
    WHOLE | REAL,
    TEXTS | WHOLE,
    st.integers(2**63, 2**65),
    st.lists(WHOLE, max_size=2),
]


@st.composite
def rows(
    draw: st.DrawFn, *, odd: bool = False, lacking: bool = True, least: int = 0
) -> list[dict[str, Any]]:
    """Records whose columns have one type each, or, being `odd`, perhaps several."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    kinds = {name: draw(st.sampled_from(KINDS + (ODD if odd else []))) for name in names}
    count = draw(st.integers(least, 6))
    out = []
    for _ in range(count):
        row = {}
        for name in names:
            if lacking and draw(st.integers(0, 5)) == 0:
                continue
            null = draw(st.integers(0, 4)) == 0
            row[name] = None if null else draw(kinds[name])
        out.append(row)
    return out


def in_columns(found: list[dict[str, Any]]) -> Records | None:
    """The same records in columns, where they can be."""
    try:
        return Records(columns_of(found))
    except NotInColumns:
        return None


def exact(value: Any) -> Any:
    """A value with the type of all in it, so that 1, 1.0 and true are three."""
    if isinstance(value, Records):
        return exact(list(value.view()))
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return type(value).__name__, repr(value)


def arrow(**columns: Any) -> Records:
    """Records in columns from lists or Arrow arrays."""
    return Records(pa.table(columns))
