"""A handler tried out on input that nobody expects."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from caudal_core.config import Config
from caudal_core.context import Context, Environment
from caudal_core.handler import Handler
from caudal_core.payload import LARGE, Payload
from caudal_core.runner import EmbeddedRunner, Job, NodeResult
from caudal_core.stores import RecordStores
from caudal_core.testing.record_store import MemoryRecordStore
from caudal_core.values import JSON

LONGEST = 10.0
"""Seconds that one run may take; no input has more than some thousand records."""

ODD: Sequence[JSON] = (
    [],
    {},
    [{}],
    None,
    "Año 2026 · 日本語 · 🙂",
    [{"Precio (€/MWh)": "ñandú", "": None}],
    [{"a": {"b": [1, {"c": 2.5}]}}, {"b": True}],
    [1, "two", None],
    12.5,
)
"""Small values that a node may well be given."""

ROWS = LARGE // 50
"""Records of the one that is large; each takes more than so many bytes."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: on what, with what result or error, and whether its input was changed."""

    data: dict[str, JSON]
    result: NodeResult | None
    error: Exception | None
    changed: bool

    @property
    def shown(self) -> str:
        """The input, for a message."""
        one = len(self.data) == 1
        text = repr(next(iter(self.data.values())) if one else self.data)
        return text if len(text) <= 80 else text[:80] + "…"

    def repeats(self, other: Trial) -> bool:
        """Whether both came to the same."""
        if self.result is None or other.result is None:
            return type(self.error) is type(other.error)
        mine, its = self.result, other.result
        same = {port: load.json() for port, load in mine.ports.items()} == {
            port: load.json() for port, load in its.ports.items()
        }
        return same and mine.message == its.message and mine.report == its.report


def try_out(handler: Handler, configs: Iterable[Config]) -> list[Trial]:
    """Two runs for each config and each odd input, one after the other."""
    inputs = [data for data in _inputs(handler) for _ in range(2)]
    return asyncio.run(_runs(handler, [(config, data) for config in configs for data in inputs]))


def _inputs(handler: Handler) -> Iterator[dict[str, JSON]]:
    ports = handler.inputs or ("in",)
    for value in (*ODD, _large()):
        yield dict.fromkeys(ports, value)
        if len(ports) > 1:
            yield {ports[0]: value}


def _large() -> JSON:
    """Records that are kept by reference, with values in them that have values in them."""
    return [
        {"id": index, "level": index / 2, "tags": ["a", {"unit": "m³", "of": [index]}]}
        for index in range(ROWS)
    ]


async def _runs(handler: Handler, wanted: list[tuple[Config, dict[str, JSON]]]) -> list[Trial]:
    runner = EmbeddedRunner(threads=1)
    try:
        return [await _run(runner, handler, config, data) for config, data in wanted]
    finally:
        await runner.close()


async def _run(
    runner: EmbeddedRunner, handler: Handler, config: Config, data: dict[str, JSON]
) -> Trial:
    before = deepcopy(data)
    deliveries = {port: Payload.of(value) for port, value in deepcopy(data).items()}
    records = RecordStores.of(MemoryRecordStore())
    env = Environment(dry_run=True, clock=_clock, records=records)
    job = Job(handler, config, deliveries, Context("node", env), timeout=LONGEST)
    result: NodeResult | None = None
    failure: Exception | None = None
    try:
        result = await runner.run(job)
    except Exception as error:  # noqa: BLE001 - what it may be is for the rules to say
        failure = error
    after: dict[str, Any] = {port: load.data for port, load in deliveries.items()}
    return Trial(data, result, failure, after != before)


def _clock() -> datetime:
    return datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
