"""Where workflows are looked for, and in which order."""

from pathlib import Path
from typing import Any

import pytest
from tests.server.applications import WORKFLOW, applied, find, write

from caudal_server.settings import InvalidSettings
from caudal_server.sources import SourceFailed, WorkflowNotFound


class Offered:
    """What a plugin offers."""

    name = "plant library"

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known

    def fetch(self, workflow_id: str) -> Any:
        """The workflow, nothing, or the error that the test wants."""
        found = self.known.get(workflow_id)
        if isinstance(found, Exception):
            raise found
        return found


def test_the_first_place_that_has_it_gives_it(tmp_path: Path) -> None:
    """The store comes before the folder, that before the application, that before plugins."""
    folder = tmp_path / "workflows"
    for name in ("a", "b"):
        write(folder, f"{name}.json", {**WORKFLOW, "name": "folder"})
    replies = {f"/{name}": (200, {**WORKFLOW, "name": "application"}) for name in "abc"}
    replies["/d"] = (404, {})
    with applied(replies) as application:
        found = find(
            *"abcd",
            stored={"a": {**WORKFLOW, "name": "store"}},
            folder=tmp_path / "data",
            sources=(Offered({key: {**WORKFLOW, "name": "plugin"} for key in "abcd"}),),
            workflows=folder,
            workflow_source=application.url + "/{id}",
        )
    assert ["store", "folder", "application", "plugin"] == [item.name for item in found]
    assert [1, None, None, None] == [item.version for item in found]
    assert ["/c", "/d"] == application.paths
    assert ["the store", f"the folder {folder}", application.url + "/{id}", "plant library"] == [
        item.origin for item in found
    ]


def test_not_found_says_where_it_looked(tmp_path: Path) -> None:
    """The error names every place in its order, without credentials."""
    with applied((404, {})) as application:
        source = application.url.replace("//", "//user:secret@") + "/w/{id}?key=secret"
        with pytest.raises(WorkflowNotFound) as caught:
            find("x", sources=(Offered({}),), workflows=tmp_path, workflow_source=source)
    assert [
        "the store",
        f"the folder {tmp_path}",
        f"{application.url}/w/{{id}}",
        "plant library",
    ] == caught.value.looked_in
    assert "Workflow x not found" == caught.value.text()


@pytest.mark.parametrize("strange", ["", "a\x00b", "a\nb", "\x7f", "x" * 256, "\ud800"])
def test_what_can_be_no_id_is_looked_for_nowhere(strange: str) -> None:
    """Empty, endless and unprintable ids are not found, and nobody is asked."""
    with applied((200, WORKFLOW)) as application, pytest.raises(WorkflowNotFound):
        find(strange, workflow_source=application.url + "/{id}")
    assert [] == application.paths


def test_a_failing_plugin_is_named() -> None:
    """What a plugin's source raises or gives wrongly is an error that names the source."""
    offered = Offered({"x": RuntimeError("no cable"), "y": [1]})
    with pytest.raises(SourceFailed, match=r"plant library could not .*RuntimeError: no cable"):
        find("x", sources=(offered,))
    with pytest.raises(SourceFailed, match="no workflow but a list"):
        find("y", sources=(offered,))


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"workflow_source": "http://localhost:3001/workflows"}, "without {id}"),
        ({"workflow_source": "workflows.db"}, "neither a URL with {id} nor a database's address"),
        ({"workflow_source": "nosql://localhost"}, "nosql"),
        ({"workflow_source": "postgresql+asyncpg://localhost/app"}, "asynchronous driver"),
        (
            {"workflow_source": "sqlite:///a.db", "workflow_query": "SELECT data FROM w"},
            "no parameter :id",
        ),
        (
            {"workflow_source": "sqlite:///a.db", "workflow_query": "SELECT data::id FROM w"},
            "no parameter :id",
        ),
    ],
)
def test_a_setting_that_names_nothing_stops_the_start(settings: Any, cause: str) -> None:
    """What could never be asked is refused before anything runs, with what to write instead."""
    with pytest.raises(InvalidSettings, match=cause):
        find("x", **settings)


@pytest.mark.parametrize(
    "source",
    [
        "postgresql+psycopg://u:pa@ss:hush@host/db",
        "postgresql+psycopg://u:hush@ss@host/db",
        "postgresql+psycopg://u:pa@hush/ss@host/db",
        "postgresql+psycopg://u:hush@host:port/db",
        "nosql://u:hush@host/db",
        "u:hush@host/db",
        "https://u:hu/sh@host/{id}",
        "https://u:hush?@host/{id}",
        "https://u:hush@/{id}",
        "http://[::1/{id}",
        "http://host:99999/{id}",
    ],
)
def test_an_address_that_cannot_be_read_is_told_without_its_secret(source: str) -> None:
    """It stops the start with what to write instead; no part of a password is repeated."""
    with pytest.raises(InvalidSettings, match="within a user or a password as %40") as caught:
        find("x", workflow_source=source)
    assert "hu" not in caught.value.text()


@pytest.mark.parametrize(
    "source",
    [
        "postgresql+psycopg://u:pa/ss@127.0.0.1:1/db?password=pass",
        "postgres://u:pa%2Fss@127.0.0.1:1/db?password=pass",
        "sqlite:///a?pass",
    ],
)
def test_a_databases_name_is_shown_without_credentials(source: str) -> None:
    """What failed is named by its kind and place; neither user nor password nor query is there."""
    with pytest.raises(SourceFailed) as caught:
        find("x", workflow_source=source)
    shown = caught.value.params["source"]
    assert shown.startswith(f"the database {source.partition(':')[0]}://")
    assert "pa" not in shown
