"""Entities and their records over HTTP, and workflows that read and save them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.server.serving import Service, flow, node, settings

from caudal_server.app import create_app
from caudal_server.assembly import make_engine
from caudal_server.settings import InvalidSettings


@asynccontextmanager
async def serving(folder: Path, **given: Any) -> AsyncIterator[Service]:
    """A service with all that is installed."""
    found = settings(folder, **given)
    app = create_app(make_engine(found), found)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as http,
    ):
        yield Service(app, http)


def served(folder: Path, test: Callable[[Service], Awaitable[None]], **given: Any) -> None:
    """Run a test against a service of its own."""

    async def run() -> None:
        async with serving(folder, **given) as found:
            await test(found)

    asyncio.run(run())


ROWS = [{"meter": meter, "kWh": kwh} for meter, kwh in (("A", 5), ("B", 2**64), ("C", None))]
PLACE = "/api/entities/meters/records"


async def filled(service: Service) -> Any:
    """An entity with three records; the report of writing them."""
    await service.post("/api/entities", {"name": "meters"}, 201)
    return await service.post(PLACE, {"records": ROWS})


def test_an_entity_has_a_life(tmp_path: Path) -> None:
    """Made, listed, read by id and name, renamed and widened, deleted."""

    async def test(service: Service) -> None:
        body = {"name": "meters", "properties": {"kWh": "integer"}, "organizationId": "acme"}
        made = await service.http.post("/api/entities", json=body)
        row = made.json()
        assert (201, f"/api/entities/{row['id']}") == (made.status_code, made.headers["location"])
        assert ("meters", "the store", 0, "acme") == tuple(
            row[key] for key in ("name", "origin", "records", "organizationId")
        )
        problem = await service.post("/api/entities", body, 409)
        assert "ENTITY_EXISTS" == problem["code"]
        listed = await service.http.get("/api/entities")
        assert [row] == listed.json()
        tag = {"If-None-Match": listed.headers["etag"]}
        assert 304 == (await service.http.get("/api/entities", headers=tag)).status_code
        change = {"name": "counters", "properties": {"kWh": "number", "day": "date"}}
        changed = (await service.http.put("/api/entities/meters", json=change)).json()
        assert {"kWh": "number", "day": "date"} == changed["properties"]
        assert changed == await service.get(f"/api/entities/{row['id']}")
        assert 204 == (await service.http.delete("/api/entities/counters")).status_code
        problem = await service.get("/api/entities/counters", 404)
        assert ("ENTITY_NOT_FOUND", ["the store"]) == (problem["code"], problem["lookedIn"])

    served(tmp_path, test)


def test_records_are_written_and_read(tmp_path: Path) -> None:
    """In pages that name the next one; numbers of any size are texts on the wire."""

    async def test(service: Service) -> None:
        report = await filled(service)
        assert (3, {"meter": "text", "kWh": "integer"}) == (
            report["inserted"],
            report["createdProperties"],
        )
        query = {"sort": "-kWh", "limit": 2, "columns": ["meter", "kWh"]}
        first = await service.http.get(PLACE, params=query)
        big = {"meter": "B", "kWh": str(2**64)}
        assert [big, {"meter": "A", "kWh": 5}] == first.json()["records"]
        link, _, relation = first.headers["link"].partition(">; ")
        assert 'rel="next"' == relation
        last = await service.get(link.removeprefix("<"))
        assert ([{"meter": "C", "kWh": None}], None) == (last["records"], last["nextCursor"])
        where = '{"field": "kWh", "operator": ">", "value": 5}'
        found = await service.get(PLACE, params={"filter": where})
        assert ["B"] == [row["meter"] for row in found["records"]]

    served(tmp_path, test)


def test_one_record(tmp_path: Path) -> None:
    """Read and deleted by its id."""

    async def test(service: Service) -> None:
        record_id = (await filled(service))["savedIds"][0]
        assert "A" == (await service.get(f"{PLACE}/{record_id}"))["meter"]
        assert 204 == (await service.http.delete(f"{PLACE}/{record_id}")).status_code
        for call in (service.http.get, service.http.delete):
            assert 404 == (await call(f"{PLACE}/{record_id}")).status_code
        assert 2 == (await service.get("/api/entities/meters"))["records"]

    served(tmp_path, test)


def test_a_write_can_be_repeated(tmp_path: Path) -> None:
    """With an `Idempotency-Key` the same call again writes nothing and answers the same."""

    async def test(service: Service) -> None:
        await filled(service)
        key = {"Idempotency-Key": "night-run"}
        answers = [
            await service.post(PLACE, {"records": [{"meter": "D"}]}, headers=key) for _ in range(2)
        ]
        assert [False, True] == [answer.pop("repeated") for answer in answers]
        assert answers[0] == answers[1]
        assert 4 == (await service.get("/api/entities/meters"))["records"]

    served(tmp_path, test)


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({}, 422, "records is missing"),
        ({"records": [1]}, 422, "records is a list, not of objects alone"),
        ({"records": [{"id": "a"}, {"id": ""}]}, 422, "row 1: its id is an empty text"),
        ({"records": "x"}, 422, "records is a text"),
        ({"records": ROWS, "mode": "replace"}, 422, "there is no mode 'replace'"),
        ({"records": ROWS, "keyColumns": "meter"}, 422, "keyColumns must be a list"),
        ({"records": [{"id": "a"}, {"id": "a"}]}, 422, "row 1: "),
        ({"records": [{"a": 1}], "mode": "update"}, 422, "row 0: it has no id"),
        ({"records": ROWS, "mode": "upsert", "keyColumns": ["id", "a"]}, 422, "id cannot be one"),
    ],
)
def test_a_write_that_does_not_fit_is_refused(
    tmp_path: Path, body: dict[str, Any], status: int, why: str
) -> None:
    """With what is wrong; nothing is written."""

    async def test(service: Service) -> None:
        await service.post("/api/entities", {"name": "meters"}, 201)
        problem = await service.post(PLACE, body, status)
        assert why in problem["detail"]
        assert ("row" in problem) == why.startswith("row")
        assert [] == (await service.get(PLACE))["records"]

    served(tmp_path, test)


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ({"filter": "{"}, 422, "filter is not JSON"),
        ({"filter": '{"field": "kWh", "operator": "gt"}'}, 422, "no operator 'gt'"),
        ({"filter": '{"field": "kwh", "value": 1}'}, 422, "did you mean 'kWh'"),
        ({"sort": "-"}, 422, "names no column"),
        ({"columns": "x"}, 422, "unknown field 'x'"),
        ({"limit": "0"}, 422, "limit is '0'"),
        ({"limit": "10001"}, 422, "limit is '10001'"),
        ({"cursor": "x"}, 422, "cursor"),
        ({"asOf": "2026-01-01"}, 501, "asOf"),
    ],
)
def test_a_query_that_does_not_fit_is_refused(
    tmp_path: Path, query: dict[str, str], status: int, why: str
) -> None:
    """Each parameter by its name."""

    async def test(service: Service) -> None:
        await filled(service)
        problem = await service.get(PLACE, status, params=query)
        assert why in f"{problem['detail']}; {problem.get('hint')}"

    served(tmp_path, test)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "name is missing"),
        ({"name": 5.5}, "name is a number"),
        ({"name": " "}, "an entity cannot be called"),
        ({"name": "gpj\u202e.exe"}, "an entity cannot be called 'gpj .exe'"),
        ({"name": "a", "properties": []}, "properties is a list"),
        ({"name": "a", "properties": {"b": "varchar"}}, "'b' has the type 'varchar'"),
    ],
)
def test_an_entity_that_cannot_be_is_refused(
    tmp_path: Path, body: dict[str, Any], why: str
) -> None:
    """With what is wrong."""

    async def test(service: Service) -> None:
        assert why in (await service.post("/api/entities", body, 422))["detail"]

    served(tmp_path, test)


HIGH = {"conditionField": "kWh", "conditionOperator": "greaterThan", "conditionValue": 1}
WORKFLOW = flow(
    node("f", "fetchData", entityName="meters"),
    node("c", "condition", **HIGH, processingMode="perRow"),
    node("s", "saveRecords", tableName="high", saveMode="upsert", keyColumns=["meter"]),
    node("o", "output"),
)


def test_a_workflow_reads_and_saves(tmp_path: Path) -> None:
    """What it saved is there, also for the next server; a second run changes nothing."""

    async def first(service: Service) -> None:
        await filled(service)
        assert "completed" == (await service.run(WORKFLOW))["status"]

    async def second(service: Service) -> None:
        status = await service.run(WORKFLOW)
        saved = next(entry for entry in status["logs"] if entry["nodeId"] == "s")
        assert "2 records saved to 'high': 2 unchanged" == saved["message"]
        records = (await service.get("/api/entities/high/records"))["records"]
        assert ["A", "B"] == [row["meter"] for row in records]

    served(tmp_path, first)
    served(tmp_path, second)


def test_a_missing_entity_fails_its_node(tmp_path: Path) -> None:
    """The error says where it was looked for."""

    async def test(service: Service) -> None:
        status = await service.run(flow(node("f", "fetchData", entityName="none")))
        assert "failed" == status["status"]
        assert "there is no entity 'none'; looked in: the store" in status["error"]

    served(tmp_path, test)


def test_an_applications_tables_are_entities(tmp_path: Path) -> None:
    """Behind those of the store; they are read and written by workflows, and not changed."""
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE meters (id INTEGER PRIMARY KEY, meter TEXT, kWh REAL)")
    connection.execute("INSERT INTO meters (meter, kWh) VALUES ('A', 5), ('Z', 0)")
    connection.commit()

    async def test(service: Service) -> None:
        (row,) = await service.get("/api/entities")
        assert ("meters", f"the database sqlite:///{path}") == (row["name"], row["origin"])
        assert 501 == (await service.http.delete("/api/entities/meters")).status_code
        assert "completed" == (await service.run(WORKFLOW))["status"]
        (high,) = (await service.get("/api/entities/high/records"))["records"]
        assert "A" == high["meter"]
        save = node("s", "saveRecords", tableName="meters", saveMode="upsert", keyColumns="meter")
        rows = [{"meter": "A", "kWh": 6.5}, {"meter": "B", "kWh": 1}]
        source = node("x", "excelInput", parsedData=rows)
        assert "completed" == (await service.run(flow(source, save)))["status"]

    served(tmp_path, test, records_url=f"sqlite:///{path}")
    found = connection.execute("SELECT meter, kWh FROM meters ORDER BY id").fetchall()
    connection.close()
    assert [("A", 6.5), ("Z", 0.0), ("B", 1.0)] == found


def test_a_database_that_does_not_answer_is_no_absence(tmp_path: Path) -> None:
    """It is an error of its own, by its store, and not a 404."""

    async def test(service: Service) -> None:
        problem = await service.get("/api/entities/meters", 502)
        assert "RECORD_STORE_FAILED" == problem["code"]
        assert "hidden" not in str(problem)

    url = "postgresql://user:hidden@127.0.0.1:9/none?connect_timeout=2"
    served(tmp_path, test, store_url=url)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"store_url": "sqlite:///x.db"}, "CAUDAL_STORE_URL is of the kind 'sqlite'"),
        ({"store_url": "nonsense"}, "CAUDAL_STORE_URL is no database's address"),
        ({"records_url": "postgresql://u:hid@den@h/x"}, "CAUDAL_RECORDS_URL is no database's"),
        ({"records_url": "postgresql+asyncpg://h/x"}, "asynchronous driver 'asyncpg'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    tmp_path: Path, given: dict[str, str], why: str
) -> None:
    """Before the server starts, by the setting's name and without a password."""
    with pytest.raises(InvalidSettings, match="CAUDAL_") as caught:
        make_engine(settings(tmp_path, **given))
    assert why in str(caught.value)
    assert "hid" not in str(caught.value)
