"""A hash join over records: which rows find each other, how many that gives, and the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import NamedTuple

from caudal_builtin.joins.keys import Key
from caudal_builtin.row_errors import shown
from caudal_core import CaudalError, Context, DataError, Records, Row

CHECK_EVERY = 10_000
"""Records between two looks at whether the execution was cancelled."""

_KEYS_NAMED = 5


class TooManyRows(DataError):
    """A join that would give more records than it may."""

    code = "TOO_MANY_ROWS"
    en = "the join would give {rows} records, more than maxRows ({limit}){keys}"
    es = "la unión daría {rows} registros, más que maxRows ({limit}){keys_es}"
    hint_en = "join by more fields, set joinMatch to first, or raise maxRows"
    hint_es = "una por más campos, ponga joinMatch en first o aumente maxRows"

    def __init__(self, rows: int, limit: int, keys: str = "") -> None:
        CaudalError.__init__(
            self,
            message="",
            rows=rows,
            limit=limit,
            keys=keys and f"; keys with most matches: {keys}",
            keys_es=keys and f"; claves con más coincidencias: {keys}",
        )


class Keep(NamedTuple):
    """Which side's rows stay where they have no match."""

    a: bool
    b: bool


@dataclass(frozen=True, slots=True)
class Matches:
    """For each row of A the rows of B that it takes, by position; and B's rows whose key A lacks.

    `passed_over` counts the further matches that were not taken.
    """

    taken: Sequence[Sequence[int]]
    alone_b: Sequence[int]
    passed_over: int

    @property
    def matched_a(self) -> int:
        """How many rows of A found a row of B."""
        return sum(map(bool, self.taken))

    def rows(self, keep: Keep) -> int:
        """How many records the join gives."""
        alone_a = len(self.taken) - self.matched_a
        both = sum(map(len, self.taken))
        return both + keep.a * alone_a + keep.b * len(self.alone_b)


class Counts(NamedTuple):
    """How many records a join gives, and what became of those that came in.

    `passed_over` counts further matches that were not taken.
    """

    rows: int
    matched_a: int
    alone_b: int
    passed_over: int

    @classmethod
    def of(cls, matches: Matches, keep: Keep) -> Counts:
        """Those of what was found."""
        alone = len(matches.alone_b)
        return cls(matches.rows(keep), matches.matched_a, alone, matches.passed_over)


def match(keys_a: Sequence[Key], keys_b: Sequence[Key], *, every: bool) -> Matches:
    """Let rows find each other by equal keys; `every` takes all matches, else the first alone."""
    index: dict[Key, list[int]] = {}
    for position, key in enumerate(keys_b):
        if key is not None:
            index.setdefault(key, []).append(position)
    found = sum(len(index.get(key, ())) for key in keys_a)
    if not every:
        index = {key: positions[:1] for key, positions in index.items()}
    taken = [index.get(key, ()) for key in keys_a]
    in_a = set(keys_a) - {None}
    alone = [position for position, key in enumerate(keys_b) if key not in in_a]
    return Matches(taken, alone, found - sum(map(len, taken)))


def heaviest(a: Records, fields: Sequence[str], keys_a: Sequence[Key], matches: Matches) -> str:
    """The keys with most matches, each with how many rows of A have it and what one takes."""
    rows = Counter(keys_a)
    samples = {key: position for position, key in enumerate(keys_a) if matches.taken[position]}
    found = [(rows[key], len(matches.taken[at]), at) for key, at in samples.items()]
    top = nlargest(_KEYS_NAMED, found, key=lambda item: item[0] * item[1])
    named = [(a.slice(at, 1).view()[0], n, m) for n, m, at in top]
    return ", ".join(f"{_values(row, fields)} ({n} × {m})" for row, n, m in named)


def _values(row: Row, fields: Sequence[str]) -> str:
    return " + ".join(shown(row.get(field)) for field in fields)


def build(a: Records, b: Records, matches: Matches, keep: Keep, ctx: Context) -> list[Row]:
    """The rows: A's in their order with what they took, then those that B has alone."""
    out: list[Row] = []
    left, right = a.view(), [*b, {}]
    nothing = (len(b),) if keep.a else ()  # the empty row at the end
    for start in range(0, len(a), CHECK_EVERY):
        ctx.check()
        some = slice(start, start + CHECK_EVERY)
        out += [
            {**row, **right[position]}
            for row, found in zip(left[some], matches.taken[some], strict=True)
            for position in found or nothing
        ]
    if keep.b:
        out += [right[position] for position in matches.alone_b]
    return out
