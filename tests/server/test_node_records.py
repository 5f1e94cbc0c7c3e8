"""The record store as a door for a node's data: what went in comes out of it the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from tests.builtin.record_stores import schema
from tests.server.serving import Service, Value, flow, node, settings
from tests.server.test_node_files import EXPECTED, ODD, seen

from caudal_core import Config, Context, Records, handler
from caudal_core.registry import Registered, load_registry
from caudal_core.values import to_wire
from caudal_server.app import create_app
from caudal_server.assembly import make_engine

MANY = 1_500
"""How often, where the values are kept by reference and read in pages."""


@handler("numbered", effect="pure")
def numbered(config: Value, data: Any, ctx: Context) -> Any:
    """Everything that is hard to keep, `rows` times, each record with an id of its own."""
    return [{**row, "id": at} for at, row in enumerate(ODD * config.rows, 1)]


@handler("undated", effect="pure")
def undated(config: Config, data: Records, ctx: Context) -> Any:
    """The records as they were before the store gave each its moment of creation."""
    assert all(row["createdAt"] for row in data)
    return [{key: row[key] for key in row if key != "createdAt"} for row in data]


def workflow(times: int) -> dict[str, Any]:
    """Through the store to the next nodes."""
    return flow(
        node("o", "numbered", rows=times),
        node("save", "saveRecords", tableName="odd", saveMode="upsert"),
        node("fetch", "fetchData", entityName="odd"),
        node("undated", "undated"),
        node("seen", "seen"),
        node("out", "output"),
    )


@asynccontextmanager
async def serving(folder: Path, url: str | None) -> AsyncIterator[Service]:
    """A service with all that is installed, and a node whose data is hard to keep."""
    registry = load_registry()
    mine = {one.type: Registered(one, "test", "0") for one in (numbered, undated, seen)}
    registry = replace(registry, handlers={**registry.handlers, **mine})
    found = settings(folder, store_url=url)
    app = create_app(make_engine(found, registry), found)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as http,
    ):
        yield Service(app, http)


@pytest.mark.parametrize("times", [1, MANY], ids=["small", "by reference"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_nothing_silent(tmp_path: Path, kind: str, times: int) -> None:
    """Values that are hard to keep come out as they went in, by a node and over HTTP.

    Also after a restart, where saving them once more finds every one of them unchanged.
    """
    with ExitStack() as stack:
        url = stack.enter_context(schema()) if kind == "postgresql" else None
        for saved in ("inserted", "unchanged"):
            async with serving(tmp_path, url) as here:
                status = await here.run(workflow(times))
                assert "completed" == status["status"], status["error"]
                told = {entry["nodeId"]: entry["outputData"] for entry in status["logs"]}
                assert len(ODD) * times == told["save"][saved]
                assert repr(EXPECTED) == told["seen"]["outputData"]
                path = f"/api/executions/{status['executionId']}/nodes/undated/data"
                assert wire(times) == await pages(here, path, "data")
                found = await pages(here, "/api/entities/odd/records", "records")
                assert all(row.pop("createdAt") for row in found)
                assert wire(times) == found


def wire(times: int) -> list[dict[str, Any]]:
    """What every door over HTTP gives."""
    rows = [{**row, "id": at} for at, row in enumerate(EXPECTED * times, 1)]
    found: list[dict[str, Any]] = orjson.loads(to_wire(rows))
    return found


async def pages(here: Service, path: str, name: str) -> list[dict[str, Any]]:
    """All records behind an address, page by page: by the cursor, or by the offset."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 5_000}
    while True:
        page = await here.get(path, params=query)
        found += page[name]
        more = page.get("nextCursor")
        if name == "data" and len(found) < page["total"]:
            query["offset"] = len(found)
        elif more:
            query["cursor"] = more
        else:
            return found
