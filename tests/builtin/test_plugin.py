"""What the package adds to Caudal."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

import pytest

import caudal_builtin
from caudal_core import Handler

HANDLERS = {handler.type: handler for handler in caudal_builtin.caudal_handlers()}
EXPECTED = [
    "trigger",
    "manualInput",
    "webhook",
    "webhookResponse",
    "output",
    "comment",
    "humanApproval",
    "condition",
    "join",
    "addField",
    "splitColumns",
    "renameColumns",
    "action",
    "excelInput",
    "pdfInput",
    "fetchData",
    "saveRecords",
]


def test_the_handlers_in_reading_order() -> None:
    """The package brings its handlers in the order in which they are to be read."""
    assert EXPECTED == list(HANDLERS)


def test_the_entry_point_names_the_package() -> None:
    """What is found under the entry point has the hooks."""
    (found,) = entry_points(group="caudal", name="builtin")
    assert found.load() is caudal_builtin


def test_types_of_other_packages() -> None:
    """A workflow that lacks a sister package can be told which."""
    known = caudal_builtin.caudal_known_types()
    assert known["opcua"] == "caudal-ot"
    assert known["sendEmail"] == "caudal-integrations"
    assert {"caudal-ot": 9, "caudal-integrations": 7, "caudal-builtin": 1} == {
        package: list(known.values()).count(package) for package in set(known.values())
    }
    assert not known.keys() & HANDLERS.keys()


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a config, those of its parts too."""
    yield from schema["properties"].items() if "properties" in schema else ()
    for part in schema.get("$defs", {}).values():
        yield from fields(part)


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
def test_every_text_is_in_both_languages(handler: Handler) -> None:
    """Handlers and fields have a title and a description in English and in Spanish."""
    for text in (handler.title, handler.description):
        assert text.en
        assert text.es
    config: Any = handler.config
    for name, field in fields(config.model_json_schema()):
        assert field.get("title"), name
        assert field.get("description"), name
        assert set(field["x-es"]) == {"title", "description"}, name


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
def test_what_a_handler_declares(handler: Handler) -> None:
    """Handlers declare what a second run does, an icon and a category that editors know."""
    assert handler.effect_declared
    assert handler.effect in ("pure", "idempotent", "transactional")
    assert handler.icon
    assert handler.category in ("basic", "data", "logic")


def test_discovery_imports_nothing_heavy() -> None:
    """To read the handlers costs no library of tables or spreadsheets."""
    heavy = (
        "pandas",
        "numpy",
        "pyarrow",
        "openpyxl",
        "python_calamine",
        "babel",
        "sqlalchemy",
        "psycopg",
    )
    code = f"import sys, caudal_builtin; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
