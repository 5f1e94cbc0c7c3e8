"""What is installed, over HTTP."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.server.serving import Service, service

from caudal_core import Config, Field, Secret, Text, handler
from caudal_core.registry import load_registry
from caudal_server.catalogue import handler_entry


class Inner(Config):
    """A part of the config."""

    max_rows: int = Field(5, unit="rows")


class Whole(Config):
    """A config with all that a schema has to show."""

    wait_seconds: float = Field(
        2.5, title=Text(en="Wait", es="Espera"), unit="s", aliases=["pause"], ge=0, le=60
    )
    names: list[str] = Field(default_factory=lambda: ["a"])
    inner: Inner = Field(default_factory=Inner)
    password: Secret | None = Field(None)
    needed: str = Field(description=Text(en="Always.", es="Siempre."))


@handler(
    "whole",
    version=3,
    title=Text(en="Whole", es="Entero"),
    category="test",
    icon="box",
    inputs=("A", "B"),
    outputs=("yes", "no"),
    effect="pure",
)
def whole(config: Whole, data: Any, ctx: Any) -> Any:
    """Show everything.

    The rest is for readers of the docs.
    """
    return None


@handler("plain")
def plain(config: Config, data: Any, ctx: Any) -> Any:
    """Do nothing."""
    return data


class Weird(Config):
    """A config of which no JSON Schema can be made."""

    made: Any = None

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: Any) -> Any:
        """Fail as a stranger's code may."""
        raise RuntimeError("no idea")


@handler("weird")
def weird(config: Weird, data: Any, ctx: Any) -> Any:
    """Be in the way of nobody."""
    return data


def with_service(folder: Path, test: Callable[[Service], Awaitable[None]], *more: Any) -> None:
    """Run a test against a service that has these handlers."""

    async def run() -> None:
        async with service(folder, whole, plain, *more, memory=True) as found:
            await test(found)

    asyncio.run(run())


def test_a_handler_shows_all_that_it_is(tmp_path: Path) -> None:
    """Texts in both languages, ports, effect, package, and the schema of its config."""

    async def test(found: Service) -> None:
        entry = await found.get("/api/handlers/whole")
        schema = entry.pop("configSchema")
        assert {
            "type": "whole",
            "typeVersion": 3,
            "title": {"en": "Whole", "es": "Entero"},
            "description": {"en": "Show everything.", "es": "Show everything."},
            "category": "test",
            "icon": "box",
            "package": "test",
            "version": "0",
            "inputs": ["A", "B"],
            "outputs": ["yes", "no"],
            "effect": "pure",
            "light": False,
            "perRow": False,
        } == entry
        assert ["needed"] == schema["required"]
        fields = schema["properties"]
        assert {
            "title": "Wait",
            "type": "number",
            "default": 2.5,
            "minimum": 0,
            "maximum": 60,
            "x-es": {"title": "Espera"},
            "x-unit": "s",
            "x-aliases": ["pause"],
        } == fields["waitSeconds"]
        assert ["a"] == fields["names"]["default"]
        assert {"maxRows": 5} == fields["inner"]["default"]
        assert "rows" == schema["$defs"]["Inner"]["properties"]["maxRows"]["x-unit"]
        assert {"description": "Siempre."} == fields["needed"]["x-es"]

    with_service(tmp_path, test)


def test_all_handlers_are_listed_in_order(tmp_path: Path) -> None:
    """A list of the same objects, with an ETag; one strange config hides nobody."""

    async def test(found: Service) -> None:
        answer = await found.http.get("/api/handlers")
        listed = answer.json()
        assert ["whole", "plain", "weird"] == [entry["type"] for entry in listed]
        for entry in listed:
            assert entry == await found.get(f"/api/handlers/{entry['type']}")
        assert "no schema can be made: RuntimeError: no idea" in json.dumps(listed[2])
        tag = {"if-none-match": answer.headers["etag"]}
        assert 304 == (await found.http.get("/api/handlers", headers=tag)).status_code

    with_service(tmp_path, test, weird)


def test_an_unknown_type_names_the_nearest(tmp_path: Path) -> None:
    """404 says what is perhaps meant."""

    async def test(found: Service) -> None:
        problem = await found.get("/api/handlers/Plian", 404)
        assert "there is no handler of the type 'Plian'; did you mean 'plain'?" == problem["detail"]
        problem = await found.get("/api/handlers/zzzz", 404)
        assert "GET /api/handlers lists those there are" == problem["hint"]

    with_service(tmp_path, test)


def test_every_installed_handler_has_an_entry() -> None:
    """What is installed here has texts in both languages, and a schema that is JSON."""
    entries = [handler_entry(item) for item in load_registry().handlers.values()]
    assert {"trigger", "webhook", "output"} <= {entry["type"] for entry in entries}
    for entry in entries:
        assert {"en", "es"} == set(entry["title"]) == set(entry["description"])
        assert "properties" in json.loads(json.dumps(entry["configSchema"])), entry["type"]


def test_plugins_are_listed(tmp_path: Path) -> None:
    """Each with its version, what became of it and its handlers."""

    async def test(found: Service) -> None:
        plugin = {
            "name": "test",
            "version": "0",
            "status": "ok",
            "handlers": ["whole", "plain"],
            "error": None,
        }
        assert [plugin] == await found.get("/api/plugins")

    with_service(tmp_path, test)
