"""Where workflows are looked for."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from caudal_core.engine import Engine, FolderStorage
from caudal_core.registry import Registry
from caudal_server.settings import InvalidSettings, Settings
from caudal_server.sources import (
    Found,
    SourceFailed,
    SourceTimeout,
    WorkflowFinder,
    WorkflowNotFound,
    finder,
)

NODES = [{"id": "n1", "type": "trigger"}]
WORKFLOW = {"name": "Prices", "nodes": NODES, "connections": []}

Answer = tuple[int, Any]
Reply = Callable[[str], Answer]


class Application:
    """A service that keeps workflows, as an existing backend does."""

    def __init__(self, reply: Reply) -> None:
        self.paths: list[str] = []
        application = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                application.paths.append(self.path)
                status, body = reply(self.path)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                if status // 100 == 3:
                    self.send_header("Location", body)
                    data = b""
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Reply], Application]]:
    """Start an application's service that answers by a function of the path."""
    started: list[Application] = []

    def start(reply: Reply) -> Application:
        started.append(Application(reply))
        return started[-1]

    yield start
    for application in started:
        application.close()


class Offered:
    """What a plugin offers."""

    name = "plant library"

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known

    def fetch(self, workflow_id: str) -> Any:
        found = self.known.get(workflow_id)
        if isinstance(found, Exception):
            raise found
        return found


def find(
    *workflow_ids: str,
    stored: dict[str, Any] | None = None,
    sources: tuple[Any, ...] = (),
    folder: Path | None = None,
    **settings: Any,
) -> list[Found]:
    """What the finder gives for these ids, asked one after the other."""

    async def ask() -> list[Found]:
        storage = FolderStorage(folder) if folder and stored else None
        async with Engine(Registry(sources=sources), storage=storage) as engine:
            for workflow_id, document in (stored or {}).items():
                await engine.library.save(document, workflow_id=workflow_id)
            looker = WorkflowFinder(engine, Settings(_env_file=None, **settings))
            try:
                return [await looker.find(workflow_id) for workflow_id in workflow_ids]
            finally:
                await looker.close()

    return asyncio.run(ask())


def write(folder: Path, name: str, content: Any) -> None:
    """Write one file of a folder of workflows."""
    folder.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8")


# -- the order ---------------------------------------------------------------------------------------


def test_the_first_place_that_has_it_gives_it(tmp_path: Path, serve: Any) -> None:
    """The store comes before the folder, that before the application, that before plugins."""
    application = serve(lambda path: (200, {**WORKFLOW, "name": "application"}))
    folder = tmp_path / "workflows"
    ids = ("a", "b", "c", "d")
    for name in ids[:2]:
        write(folder, f"{name}.json", {**WORKFLOW, "name": "folder"})
    offered = Offered({name: {**WORKFLOW, "name": "plugin"} for name in ids})
    found = find(
        *ids[:3],
        stored={"a": {**WORKFLOW, "name": "store"}},
        folder=tmp_path / "data",
        sources=(offered,),
        workflows=folder,
        workflow_source=application.url + "/{id}",
    )
    assert ["store", "folder", "application"] == [item.name for item in found]
    assert [1, None, None] == [item.version for item in found]
    assert "/c" == application.paths[0]
    (last,) = find("d", sources=(offered,))
    assert ("plugin", "plant library") == (last.name, last.origin)


def test_not_found_says_where_it_looked(tmp_path: Path, serve: Any) -> None:
    """The error names every place in its order, without credentials."""
    application = serve(lambda path: (404, {}))
    folder = tmp_path / "workflows"
    folder.mkdir()
    source = application.url.replace("//", "//user:secret@") + "/w/{id}?key=secret"
    with pytest.raises(WorkflowNotFound) as caught:
        find("x", sources=(Offered({}),), workflows=folder, workflow_source=source)
    assert [
        "the store",
        f"the folder {folder}",
        f"{application.url}/w/{{id}}",
        "plant library",
    ] == caught.value.looked_in
    assert "Workflow x not found" == caught.value.text()


@pytest.mark.parametrize("strange", ["", "a\x00b", "a\nb", "\x7f", "x" * 256, "\ud800"])
def test_what_can_be_no_id_is_looked_for_nowhere(serve: Any, strange: str) -> None:
    """Empty, endless and unprintable ids are not found, and nobody is asked."""
    application = serve(lambda path: (200, WORKFLOW))
    with pytest.raises(WorkflowNotFound):
        find(strange, workflow_source=application.url + "/{id}")
    assert [] == application.paths


# -- a folder ----------------------------------------------------------------------------------------


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

    async def ask() -> list[Any]:
        async with Engine(Registry()) as engine:
            looker = WorkflowFinder(engine, Settings(_env_file=None, workflows=tmp_path))
            write(tmp_path, "a.json", {**WORKFLOW, "name": "first"})
            names = [(await looker.find("a")).name]
            write(tmp_path, "a.json", {**WORKFLOW, "name": "the second"})
            write(tmp_path, "b.json", {**WORKFLOW, "name": "new"})
            names += [(await looker.find("a")).name, (await looker.find("b")).name]
            (tmp_path / "a.json").unlink()
            with pytest.raises(WorkflowNotFound):
                await looker.find("a")
            await looker.close()
            return names

    assert ["first", "the second", "new"] == asyncio.run(ask())


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


# -- a URL -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        WORKFLOW,
        {"data": WORKFLOW},
        {"workflow": WORKFLOW},
        {"success": True, "data": {"id": "7", "name": "Prices", "data": json.dumps(WORKFLOW)}},
        {"id": "7", "name": "Prices", "data": {"nodes": NODES, "connections": []}},
    ],
)
def test_an_answer_may_be_wrapped(serve: Any, body: Any) -> None:
    """The workflow itself, or under `data` or `workflow`, as an object or as text."""
    application = serve(lambda path: (200, body))
    (found,) = find("7", workflow_source=application.url + "/api/workflows/{id}")
    assert {"nodes": NODES, "connections": [], "name": "Prices"} == found.document
    assert ("7", "Prices", f"{application.url}/api/workflows/{{id}}") == (
        found.id,
        found.name,
        found.origin,
    )


def test_it_is_known_by_the_id_that_was_asked_for(serve: Any) -> None:
    """An id in the workflow's own JSON does not change under which id it is recorded."""
    application = serve(lambda path: (200, {"data": {**WORKFLOW, "id": 12}}))
    (found,) = find("row-1", workflow_source=application.url + "/{id}")
    assert ("row-1", "row-1") == (found.id, found.document["id"])


def test_the_organisation_is_the_workflows(serve: Any) -> None:
    """It stands in the workflow, or beside it where it is wrapped."""
    replies = {
        "/a": {**WORKFLOW, "organizationId": "acme"},
        "/b": {"organizationId": "plant", "data": WORKFLOW},
        "/c": WORKFLOW,
    }
    application = serve(lambda path: (200, replies[path]))
    found = find("a", "b", "c", workflow_source=application.url + "/{id}")
    assert ["acme", "plant", None] == [item.organization for item in found]


@pytest.mark.parametrize(
    ("workflow_id", "path"),
    [
        ("a/b", "/w/a%2Fb"),
        ("../x", "/w/..%2Fx"),
        ("a?b=c#d", "/w/a%3Fb%3Dc%23d"),
        ("año 1", "/w/a%C3%B1o%201"),
        ("%2e%2e", "/w/%252e%252e"),
    ],
)
def test_an_id_is_one_part_of_the_path(serve: Any, workflow_id: str, path: str) -> None:
    """Whatever an id holds, it is escaped."""
    application = serve(lambda path: (200, WORKFLOW))
    find(workflow_id, workflow_source=application.url + "/w/{id}")
    assert [path] == application.paths


@pytest.mark.parametrize("workflow_id", [".", ".."])
def test_a_paths_own_words_are_no_ids(serve: Any, workflow_id: str) -> None:
    """`.` and `..` would lead elsewhere; they are not asked for."""
    application = serve(lambda path: (200, WORKFLOW))
    with pytest.raises(WorkflowNotFound):
        find(workflow_id, workflow_source=application.url + "/w/{id}")
    assert [] == application.paths


@pytest.mark.parametrize(
    "reply", [(404, {}), (410, {}), (204, b""), (200, None), (200, {"data": None})]
)
def test_the_service_may_not_have_it(serve: Any, reply: Answer) -> None:
    """404, 410, nothing and null say that the service does not have the workflow."""
    application = serve(lambda path: reply)
    with pytest.raises(WorkflowNotFound):
        find("x", workflow_source=application.url + "/{id}")


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        ((500, {}), "it answered 500"),
        ((401, {}), "it answered 401"),
        ((200, b"<html>"), "is not JSON"),
        ((200, [1]), "no workflow but a list"),
        ((200, {"error": "no"}), "its keys are: error"),
        ((200, b'{"nodes": [], "name": "' + b"x" * 2000 + b'"}'), "larger than 1000 bytes"),
    ],
)
def test_a_failing_service_is_no_absence(serve: Any, reply: Answer, cause: str) -> None:
    """What is no clear answer is an error that names the service and the cause."""
    application = serve(lambda path: reply)
    source = application.url + "/{id}"
    with pytest.raises(SourceFailed, match=cause) as caught:
        find("x", workflow_source=source, max_body=1000)
    assert source in caught.value.text()


def test_an_unreachable_service_is_an_error(serve: Any) -> None:
    """Nobody at that port: that is said."""
    application = serve(lambda path: (200, WORKFLOW))
    application.close()
    application.close = lambda: None
    with pytest.raises(SourceFailed, match="the connection failed"):
        find("x", workflow_source=application.url + "/{id}")


def test_a_redirect_stays_at_its_origin(serve: Any) -> None:
    """A redirect within the service is followed, one to elsewhere is an error."""
    other = serve(lambda path: (200, WORKFLOW))
    replies = {"/a": (302, "/b"), "/b": (200, WORKFLOW), "/c": (302, other.url), "/d": (307, "/d")}
    application = serve(lambda path: replies[path])
    source = application.url + "/{id}"
    assert "Prices" == find("a", workflow_source=source)[0].name
    with pytest.raises(SourceFailed, match="redirects to another origin"):
        find("c", workflow_source=source)
    with pytest.raises(SourceFailed, match="redirects more than 3 times"):
        find("d", workflow_source=source)
    assert [] == other.paths


def test_a_slow_service_is_given_up(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that takes too long is an error that names it and the limit."""
    release = threading.Event()

    def reply(_: str) -> Answer:
        release.wait(20)
        return 200, WORKFLOW

    application = serve(reply)
    monkeypatch.setattr(finder, "SECONDS", 0.2)
    with pytest.raises(SourceTimeout, match=r"did not give the workflow x within 0\.2 s"):
        find("x", workflow_source=application.url + "/{id}")
    release.set()


def test_no_proxy_of_the_environment_is_used(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the operator named is asked itself."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    application = serve(lambda path: (200, WORKFLOW))
    assert "Prices" == find("x", workflow_source=application.url + "/{id}")[0].name


# -- a database --------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """An application's own database."""
    path = tmp_path / "its app.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE workflows (id, name TEXT, data)")
        rows: list[tuple[Any, ...]] = [
            ("a", "From its row", json.dumps({"nodes": NODES})),
            ("b", "From its row", json.dumps(WORKFLOW).encode()),
            (7, "A number", json.dumps(WORKFLOW)),
            ("null", None, None),
            ("broken", None, "{"),
            ("a' OR '1'='1", "Quoted", json.dumps(WORKFLOW)),
        ]
        connection.executemany("INSERT INTO workflows VALUES (?, ?, ?)", rows)
    connection.close()
    return path


def test_a_row_is_a_workflow(database: Path) -> None:
    """Its JSON may be text or bytes; the row's name counts where the JSON has none."""
    source = f"sqlite:///{database}"
    found = find("a", "b", "a' OR '1'='1", workflow_source=source)
    assert ["From its row", "Prices", "Prices"] == [item.name for item in found]
    assert {"nodes": NODES, "name": "From its row"} == found[0].document
    assert f"the database {source}" == found[0].origin


def test_an_id_that_no_row_has_is_not_found(database: Path) -> None:
    """An id is a bound value, never a part of the query."""
    for workflow_id in ("x", "' OR 1=1 --", "null"):
        with pytest.raises(WorkflowNotFound):
            find(workflow_id, workflow_source=f"sqlite:///{database}")


def test_a_database_that_is_lenient_about_numbers_is_not_believed(database: Path) -> None:
    """A row of the number 7 is that of the id 7 alone, not of 7x."""
    query = "SELECT id, name, data FROM workflows WHERE id = CAST(:id AS INTEGER)"
    settings = {"workflow_source": f"sqlite:///{database}", "workflow_query": query}
    assert "Prices" == find("7", **settings)[0].name
    with pytest.raises(WorkflowNotFound):
        find("7x", **settings)


def test_a_query_may_name_other_tables(database: Path) -> None:
    """What matters is the parameter `:id` and a column `data`."""
    query = "SELECT data, 'acme' AS \"organizationId\" FROM workflows WHERE id = :id"
    source = f"sqlite:///{database}"
    (found,) = find("a", workflow_source=source, workflow_query=query)
    assert "acme" == found.organization
    with pytest.raises(SourceFailed, match="no column 'data'; it gives: id, name"):
        find(
            "a",
            workflow_source=source,
            workflow_query="SELECT id, name FROM workflows WHERE id=:id",
        )


def test_a_failing_database_is_no_absence(tmp_path: Path, database: Path) -> None:
    """A missing table, broken JSON and a missing file are errors; no file is made."""
    source = f"sqlite:///{database}"
    with pytest.raises(SourceFailed, match="no such table: flows"):
        find("a", workflow_source=source, workflow_query="SELECT data FROM flows WHERE id = :id")
    with pytest.raises(SourceFailed, match="is not JSON"):
        find("broken", workflow_source=source)
    missing = tmp_path / "none.db"
    with pytest.raises(SourceFailed, match="unable to open database file"):
        find("a", workflow_source=f"sqlite:///{missing}")
    assert not missing.exists()


def test_a_missing_driver_is_named() -> None:
    """What to install is said, and no password is."""
    with pytest.raises(SourceFailed, match="its driver is not installed: pip install") as caught:
        find("a", workflow_source="oracle+cx_oracle://user:secret@localhost/app")
    assert "secret" not in str(caught.value)


def test_postgresql_is_asked_the_same_way() -> None:
    """The same query works on PostgreSQL; an id that its column cannot hold is not found."""
    driver = pytest.importorskip("psycopg", reason="no driver for PostgreSQL is installed")
    address = "host=127.0.0.1 port=5432 user=postgres dbname=test connect_timeout=2"
    try:
        connection = driver.connect(address, autocommit=True)
    except driver.OperationalError as error:
        pytest.skip(f"no PostgreSQL at 127.0.0.1:5432: {error}")
    table = f"workflows_{threading.get_ident()}"
    try:
        connection.execute(f"CREATE TABLE {table} (id integer, name text, data jsonb)")
        connection.execute(f"INSERT INTO {table} VALUES (7, 'Row', %s)", (json.dumps(WORKFLOW),))
        settings = {
            "workflow_source": "postgresql+psycopg://postgres@127.0.0.1:5432/test",
            "workflow_query": f"SELECT id, name, data FROM {table} WHERE id = :id",  # noqa: S608
        }
        assert "Prices" == find("7", **settings)[0].name
        with pytest.raises(WorkflowNotFound):
            find("seven", **settings)
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.close()


# -- plugins and settings ----------------------------------------------------------------------------


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
