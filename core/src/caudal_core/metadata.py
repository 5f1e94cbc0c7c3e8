"""What is known of columns beside their values, such as units: as JSON, and of several tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from caudal_core.errors import InvalidResult
from caudal_core.values import normalise

Metadata = Mapping[str, Mapping[str, Any]]
"""By column, as `{"price": {"unit": "€/MWh"}}`."""

NOTHING_KNOWN: Final[Metadata] = {}


def agreed(known: Iterable[Metadata]) -> tuple[Metadata, tuple[str, ...]]:
    """What is known of each column where all that know it agree, and where they do not."""
    found: dict[str, dict[str, Any]] = {}
    clashes: dict[tuple[str, str], list[Any]] = {}
    for column, key, value in _facts(known):
        facts = found.setdefault(column, {})
        if facts.setdefault(key, value) != value:
            seen = clashes.setdefault((column, key), [facts[key]])
            seen += [value] if value not in seen else []
    for column, key in clashes:
        del found[column][key]
    return found, tuple(
        f"the {key} of the column '{column}' differs, and is left out: "
        + ", ".join(map(str, values))
        for (column, key), values in clashes.items()
    )


def _facts(known: Iterable[Metadata]) -> Iterator[tuple[str, str, Any]]:
    for metadata in known:
        for column, facts in metadata.items():
            for key, value in facts.items():
                yield column, key, value


def as_metadata(given: Any) -> Metadata:
    """What is known of columns, as JSON; `InvalidResult` if it is no mapping by column."""
    if not given:
        return NOTHING_KNOWN
    known = normalise(given)
    if type(known) is not dict or not all(type(item) is dict for item in known.values()):
        raise InvalidResult(
            "the metadata of records is no object of objects",
            es="los metadatos de los registros no son un objeto de objetos",
            hint="write it as {column: {name: value}}",
        )
    return known
