"""Workflows whose every node leaves its mark, in its output and outside; what must hold then."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select
from tests.acceptance.flows import Document, flow, link, node

from caudal_core.journal.tables import execution, node_run
from caudal_core.testing.invariants import broken

TOKEN = "token"
LARGE = 70_000
"""Characters beyond which a value is a blob."""

SHAPES: Mapping[str, Sequence[tuple[str, str, str | None]]] = {
    # One side of the diamond is long, the other short: the join waits for the long one.
    "unbalanced": [
        ("a", "b", None),
        ("b", "c", None),
        ("c", "d", None),
        ("a", "e", None),
        ("d", "j", "A"),
        ("e", "j", "B"),
        ("j", "k", None),
    ],
    # Everything is ready at once, and all of it comes together.
    "eager": [("a", name, None) for name in "bcdefg"] + [(name, "k", None) for name in "bcdefg"],
}
KINDS = {"a": "Thread", "b": "Async", "c": "", "d": "Once", "e": "Async", "f": "Once", "g": ""}


def marked(shape: str, sink: Path, *, large: str = "") -> Document:
    """The workflow; the node `large` hands on a blob."""
    names = sorted({name for a, b, _ in SHAPES[shape] for name in (a, b)})
    nodes = []
    for name in names:
        kind = "Join" if name == "j" else KINDS.get(name, "")
        config = {"sink": str(sink), "more": LARGE if name == large else 0}
        nodes.append(node(name, f"trialMark{kind}", config))
    return flow(nodes, [link(a, b, None, into) for a, b, into in SHAPES[shape]], name=shape)


def ancestors(shape: str) -> dict[str, set[str]]:
    """By node all that it depends on, itself included."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in "abcdefgjk":
        found[name].add(name)
        for source, target, _ in SHAPES[shape]:
            if target == name:
                found[name] |= found[source]
    return found


def not_its_own(row: Any, run: Any, outputs: Mapping[str, Any]) -> str | None:
    """What is wrong with an output: it must bear the marks of its ancestors and no others."""
    expected = dict.fromkeys(ancestors(row.workflow_name)[run.node], row.id)
    (value,) = outputs.values()
    marks = {key: item for key, item in value.items() if key not in (TOKEN, "more")}
    if marks == expected and value[TOKEN] == row.labels.decode().split('"')[-2]:
        return None
    return f"handed on {marks} instead of {expected}"


class Outside:
    """The marks that were left outside, counted, and the journal that they are held against."""

    def __init__(self, folder: Path) -> None:
        self.sink = folder / "effects"
        self.database = create_engine(f"sqlite:///{folder / 'data' / 'caudal.db'}")

    def counted(self) -> Counter[tuple[str, str]]:
        """How often each node of each execution did its deed."""
        lines = self.sink.read_text().splitlines() if self.sink.exists() else []
        return Counter((one, other) for one, other, _ in map(str.split, lines))

    def recorded(self) -> set[tuple[str, str]]:
        """The nodes that have a result."""
        done = node_run.c.state.in_(("completed", "interrupted"))
        with self.database.connect() as connection:
            query = select(node_run.c.execution, node_run.c.node).where(done)
            return {(row[0], row[1]) for row in connection.execute(query)}

    def states(self) -> dict[str, str]:
        """How every execution stands."""
        with self.database.connect() as connection:
            query = select(execution.c.id, execution.c.state)
            return {row[0]: row[1] for row in connection.execute(query)}

    def wrong(self) -> list[str]:
        """Every promise that is broken, in the journal and outside."""
        found = broken(self.database, output=not_its_own)
        keys = defaultdict(set)
        for line in self.sink.read_text().splitlines():
            one, name, key = line.split()
            keys[one, name].add(key)
        several = [place for place, used in keys.items() if len(used) > 1]
        found += [f"{place} was done with several keys" for place in several]
        with self.database.connect() as connection:
            rows = connection.execute(select(node_run)).all()
        counts = self.counted()
        for row in rows:
            times = counts[row.execution, row.node]
            if KINDS.get(row.node) == "Once" and times > 1:
                found.append(f"{row.node} of {row.execution} was done {times} times")
            if row.state == "completed" and not times:
                found.append(f"{row.node} of {row.execution} is completed and was never done")
        return found
