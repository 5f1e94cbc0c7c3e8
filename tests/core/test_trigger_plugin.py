"""A stranger's trigger, in a package of its own."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from tests.core.listening import listening
from tests.core.sites import Site, error, plugin

from caudal_core.testing import review_handler
from caudal_core.triggers import trigger_id
from caudal_core.values import decode

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
NAMED = """
from caudal_core import Trigger, hookimpl

class Named(Trigger):
    name = "{name}"

@hookimpl
def caudal_triggers():
    return ({given},)
"""


def on_the_page() -> list[str]:
    """The code of the section about triggers: the module, and its test."""
    section = PAGE.read_text(encoding="utf-8").split("# A trigger of your own\n")[1]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


async def test_the_trigger_on_the_page(site: Site, tmp_path: Path) -> None:
    """The package that CONTRIBUTING.md describes starts a workflow once for each file."""
    site.install("acme-files", on_the_page()[0])
    registry = site.load()
    assert "ok" == plugin(registry, "acme-files").status
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").touch()
    node = {"id": "in", "type": "acme.newFile", "config": {"folder": str(folder)}}
    async with listening(tmp_path / "data", registry=registry) as found:
        await found.save({"name": "Files", "nodes": [node]})
        await found.clock.tick()
        (folder / "b.csv").touch()
        for _ in range(3):
            await found.clock.tick()
        events = await found.events(2)
        assert ["a.csv", "b.csv"] == [event.key for event in events]
        execution = await found.execution(events[1])
        assert {"path": str(folder / "b.csv")} == decode(execution.record.final or b"")
        assert trigger_id("w", "in") == events[0].trigger


def test_the_tests_on_the_page_pass(tmp_path: Path) -> None:
    """Its own test passes, and its handler keeps every convention."""
    code, test = on_the_page()
    module, checks = ModuleType("acme_files"), ModuleType("test_new_file")
    exec(code, module.__dict__)  # noqa: S102 - our own page
    checks.__dict__["NewFile"] = module.__dict__["NewFile"]
    exec(test.replace("from acme_files import NewFile\n", ""), checks.__dict__)  # noqa: S102 - the same
    checks.test_every_file_is_told_at_each_look(tmp_path)
    assert [] == list(review_handler(module.new_file).findings)


@pytest.mark.parametrize("given", ["Named", "5", "Trigger()"])
def test_what_is_no_trigger_fails_its_plugin(site: Site, given: str) -> None:
    """A class, another value, a trigger without a name: said of that package, and no other."""
    site.install("acme-good", NAMED.format(name="good", given="Named()"))
    site.install("acme-wrong", NAMED.format(name="wrong", given=given))
    registry = site.load()
    assert "caudal_triggers gave" in error(registry, "acme-wrong")
    assert ["good"] == list(registry.triggers)


def test_two_packages_with_one_trigger(site: Site) -> None:
    """The first in alphabetical order has it; of the other the error names both."""
    for name in ("b-second", "a-first"):
        site.install(name, NAMED.format(name="same", given="Named()"))
    registry = site.load()
    assert "'same' of b-second 1.0 is refused, as a-first 1.0" in error(registry, "b-second")
    assert "plugin_a_first" == type(registry.triggers["same"]).__module__
