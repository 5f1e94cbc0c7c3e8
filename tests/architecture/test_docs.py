"""What the documentation says is what the code says."""

from __future__ import annotations

import ast
import json
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pluggy
import pytest
from tools import docs
from tools.docs import PARTS, ROOT, WrongPage
from tools.parts import hooks

from caudal_core import hookspecs
from caudal_core.graph import build_graph
from caudal_core.hookspecs import GROUP
from caudal_core.registry import load_registry

PAGES = [str(page.relative_to(ROOT)) for page in docs.pages()]
PUBLISHED = [*PAGES, "CHANGELOG.md", "examples/README.md"]

_LINK = re.compile(r"\]\((?!https?:)(?P<file>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")


def text_of(page: str) -> str:
    """The text of a page, by its path from the root."""
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_generated_parts_are_current(page: str) -> None:
    """What is made from the code is what the code says now; `make docs` writes it anew."""
    assert docs.renewed(text_of(page), page) == text_of(page)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_on_a_page(part: str) -> None:
    """Nothing that is generated is left out."""
    assert any(f"<!-- generated: {part} -->" in text_of(page) for page in PAGES)


def test_a_stale_part_is_written_anew() -> None:
    """Whatever stood between the marks is replaced; the rest of the page stays."""
    page = "before\n<!-- generated: conformance -->\nold\n<!-- end -->\nafter\n"
    made = docs.renewed(page)
    assert ["before", "after"] == [made.splitlines()[0], made.splitlines()[-1]]
    assert "old" not in made
    assert "`hostileInput`" in made


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("<!-- generated: nothing -->\n<!-- end -->", "there is no part 'nothing'"),
        ("<!-- generated: settings -->\n", "has no end"),
    ],
)
def test_wrong_marks_are_refused(page: str, reason: str) -> None:
    """A part that there is not and a part without an end are errors, not silence."""
    with pytest.raises(WrongPage, match=reason):
        docs.renewed(page)


@pytest.mark.parametrize("page", PUBLISHED)
def test_links_lead_somewhere(page: str) -> None:
    """Every link within the repository names a file, and every anchor a heading in it."""
    assert [] == list(dead_links(page))


def dead_links(page: str) -> Iterator[str]:
    """The links of a page that lead nowhere."""
    folder = (ROOT / page).parent
    for link in _LINK.finditer(text_of(page)):
        target = folder / link["file"] if link["file"] else ROOT / page
        if not target.exists() or (link["anchor"] and link["anchor"] not in anchors(target)):
            yield link[0]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize(("name", "function"), list(hooks.hooks()))
def test_a_hooks_example_is_a_whole_plugin(name: str, function: Any) -> None:
    """The code in a hook's docstring can be pasted into a module, and implements the hook."""
    plugin = types.ModuleType("example")
    exec(hooks.example(function), vars(plugin))  # noqa: S102 - it is our own documentation
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    assert [name] == [caller.name for caller in manager.get_hookcallers(plugin) or ()]


def codes(call: str, position: int, *folders: str) -> set[str]:
    """The codes that stand in the source at one place of a call's arguments."""
    found = set()
    for folder in folders:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == call:
                    code = node.args[position] if len(node.args) > position else None
                    if isinstance(code, ast.Constant):
                        found.add(str(code.value))
    return found


@pytest.mark.parametrize(
    ("call", "position", "folders"),
    [
        ("problem", 0, ("core/src/caudal_core/graph", "server/src/caudal_server")),
        ("problem", 2, ("server/src/caudal_server",)),
        ("Refused", 1, ("server/src/caudal_server",)),
    ],
)
def test_every_code_is_explained(call: str, position: int, folders: tuple[str, ...]) -> None:
    """Each code of a workflow's problems and of a refused call is on the page of errors."""
    found = codes(call, position, *folders)
    assert found
    page = text_of("docs/errors.md")
    assert [] == sorted(code for code in found if f"`{code}`" not in page)


def test_the_workflow_on_the_page_of_its_format_is_valid() -> None:
    """The example that explains the format has neither problems nor warnings."""
    blocks = re.findall(r"```json\n(.*?)```", text_of("docs/workflow-format.md"), re.DOTALL)
    graph = build_graph(json.loads(blocks[0]), load_registry())
    assert () == graph.warnings
