"""A column whose values are held in Arrow, as they are handed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Held:
    """Texts, booleans or numbers, and nulls; `whole`: those without decimals are whole numbers."""

    values: pa.Array
    whole: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Any]:
        found = self.values.to_pylist()
        return iter(map(whole_or_not, found) if self.whole else found)


def whole_or_not(number: float | None) -> float | None:
    """A number of which those without decimals are whole numbers."""
    return int(number) if number is not None and number.is_integer() else number
