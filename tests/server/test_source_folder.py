"""Workflows in a folder of JSON files."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.server.applications import WORKFLOW, find, write

from caudal_core.engine import Engine
from caudal_core.registry import Registry
from caudal_server.settings import Settings
from caudal_server.sources import SourceFailed, WorkflowFinder, WorkflowNotFound


def test_a_file_is_known_by_its_id_or_its_name(tmp_path: Path) -> None:
    """The id in the JSON counts; without one, the file's name without its ending."""
    write(tmp_path, "one.json", {**WORKFLOW, "id": "prices"})
    write(tmp_path, "two.json", WORKFLOW)
    write(tmp_path, "three.json", {**WORKFLOW, "id": 3})
    found = find("prices", "two", "3", workflows=tmp_path)
    assert [{**WORKFLOW, "id": "prices"}, WORKFLOW, {**WORKFLOW, "id": "3"}] == [
        item.document for item in found
    ]
    with pytest.raises(WorkflowNotFound):
        find("one", workflows=tmp_path)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    """Each look takes the files as they are then: changed, added, removed."""

    async def look() -> list[str]:
        async with Engine(Registry()) as engine:
            finder = WorkflowFinder(engine, Settings(workflows=tmp_path))
            write(tmp_path, "a.json", {**WORKFLOW, "name": "first"})
            names = [(await finder.find("a")).name]
            write(tmp_path, "a.json", {**WORKFLOW, "name": "the second"})
            write(tmp_path, "b.json", {**WORKFLOW, "name": "new"})
            names += [(await finder.find(name)).name for name in "ab"]
            (tmp_path / "a.json").unlink()
            with pytest.raises(WorkflowNotFound):
                await finder.find("a")
            await finder.close()
            return names

    assert ["first", "the second", "new"] == asyncio.run(look())


@pytest.mark.parametrize("name", ["../outside", "..", "/etc/passwd", "sub/inside", "a.json"])
def test_an_id_never_names_a_path(tmp_path: Path, name: str) -> None:
    """Files are found by listing the folder, so that no id leads out of it."""
    folder = tmp_path / "workflows"
    write(tmp_path, "outside.json", WORKFLOW)
    write(folder, "a.json", WORKFLOW)
    write(folder / "sub", "inside.json", WORKFLOW)
    with pytest.raises(WorkflowNotFound):
        find(name, workflows=folder)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ('{"nodes": [', "is not JSON"),
        ('{"nodes": [], "nodes": []}', "twice"),
        ("[1]", "no workflow but a list"),
        ('{"title": "x"}', "neither nodes nor data or workflow; its keys are: title"),
        ("null", "holds null"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: str, cause: str) -> None:
    """Asked for by its name it is an error with its cause; else it only stands in `lookedIn`."""
    write(tmp_path, "bad.json", content)
    with pytest.raises(SourceFailed, match=f"bad.json: .*{cause}"):
        find("bad", workflows=tmp_path)
    with pytest.raises(WorkflowNotFound) as caught:
        find("other", workflows=tmp_path)
    assert f"the folder {tmp_path} (not readable: bad.json)" == caught.value.looked_in[1]


def test_two_files_of_one_id_are_an_error(tmp_path: Path) -> None:
    """Which of two workflows runs is never left to chance."""
    write(tmp_path, "a.json", WORKFLOW)
    write(tmp_path, "b.json", {**WORKFLOW, "id": "a"})
    with pytest.raises(SourceFailed, match=r"a\.json and b\.json"):
        find("a", workflows=tmp_path)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """A folder that is not there is a failure, not an absence."""
    with pytest.raises(SourceFailed, match="No such file"):
        find("a", workflows=tmp_path / "none")


def test_a_file_may_carry_a_byte_order_mark(tmp_path: Path) -> None:
    """What Windows editors put at the beginning of a text is no part of it."""
    document: dict[str, Any] = {"nodes": [], "name": "Años"}
    write(tmp_path, "a.json", '\ufeff{"nodes": [], "name": "Años"}')
    assert document == find("a", workflows=tmp_path)[0].document
