"""Workflows in a folder of JSON files."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.server.applications import WORKFLOW, find, with_service, write
from tests.server.serving import Service

from caudal_core.engine import Engine
from caudal_core.registry import Registry
from caudal_server.settings import Settings
from caudal_server.sources import SourceFailed, WorkflowFinder, WorkflowNotFound
from caudal_server.sources.place import unwrap


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


def odd(folder: Path, kind: str) -> str:
    """Put something that is no readable workflow into a folder; the id that it would have."""
    path = folder / "odd.json"
    if kind == "a name that is no UTF-8":
        (folder / os.fsdecode(b"\xffodd.json")).write_text("{}")
        return "\ufffdodd"
    if kind == "a link to itself":
        path.symlink_to(path.name)
    elif kind == "a link to nowhere":
        path.symlink_to("nowhere")
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.write_bytes(b" " * 2_000)
    return "odd"


ODD = {
    "a name that is no UTF-8": "its name is not UTF-8",
    "a link to itself": "it cannot be read: Too many levels of symbolic links",
    "a link to nowhere": "it cannot be read: No such file or directory",
    "a pipe": "it is no regular file",
    "a folder": "it is no regular file",
    "a large file": "it is larger than 1000 bytes",
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_entry_keeps_no_other_from_being_found(tmp_path: Path, kind: str) -> None:
    """Whatever lies in the folder is broken by itself: others are found, unknown ids are not."""
    write(tmp_path, "good.json", WORKFLOW)
    known_by = odd(tmp_path, kind)
    assert "Prices" == find("good", workflows=tmp_path, max_body=1_000)[0].name
    with pytest.raises(WorkflowNotFound) as caught:
        find("other", workflows=tmp_path, max_body=1_000)
    assert f"the folder {tmp_path} (not readable: {known_by}.json)" == caught.value.looked_in[1]
    with pytest.raises(SourceFailed, match=f"{known_by}.json: {ODD[kind]}"):
        find(known_by, workflows=tmp_path, max_body=1_000)


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_entry_is_listed(tmp_path: Path, kind: str) -> None:
    """The list of workflows has it with its error, and an unknown id is 404 beside it."""
    folder = tmp_path / "workflows"
    write(folder, "good.json", WORKFLOW)
    known_by = odd(folder, kind)

    async def test(here: Service) -> None:
        rows = {row["id"]: row for row in await here.get("/api/workflows")}
        assert {"good", known_by} == rows.keys()
        assert rows[known_by]["error"].startswith(ODD[kind])
        await here.get("/api/workflows/other", 404)

    with_service(tmp_path, test, workflows=folder, max_body=1_000)


def test_a_folder_with_a_strange_name_can_be_named(tmp_path: Path) -> None:
    """A folder's name that is no UTF-8 stands in `lookedIn` as a text."""
    folder = tmp_path / os.fsdecode(b"\xffflows")
    write(folder, "good.json", WORKFLOW)
    found = find("good", workflows=folder)[0]
    assert f"the folder {tmp_path}/\ufffdflows" == found.origin


def test_a_lookup_that_hangs_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the disk keeps one lookup waiting, the next one is answered."""
    write(tmp_path, "good.json", WORKFLOW)
    held, release = threading.Event(), threading.Event()

    def slow(content: bytes) -> Any:
        if not held.is_set():
            held.set()
            release.wait(20)
        return unwrap(content)

    monkeypatch.setattr("caudal_server.sources.folder.unwrap", slow)

    async def look() -> str:
        async with Engine(Registry()) as engine:
            finder = WorkflowFinder(engine, Settings(workflows=tmp_path))
            first = asyncio.create_task(finder.find("good"))
            await asyncio.to_thread(held.wait)
            name = (await finder.find("good")).name
            assert not first.done()
            release.set()
            await first
            await finder.close()
            return name

    assert "Prices" == asyncio.run(look())
