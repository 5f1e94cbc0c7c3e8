"""Bad input of every kind: a clear message each, and a server that goes on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from tests.acceptance.client import LONGEST, Client
from tests.acceptance.flows import chain, field, flow, link, made, node, table
from tests.acceptance.serving import Server, serving

EXECUTE = "/api/workflows/execute"
DRAFTS: dict[str, tuple[Any, str]] = {
    "cycle": (
        flow([node("a", "output"), node("b", "output")], [link("a", "b"), link("b", "a")]),
        "a → b → a",
    ),
    "unknown-type": (flow([node("a", "colum")]), "there is no handler for the type 'colum'"),
    "ghost": (flow([node("a", "trigger")], [link("a", "b")]), "there is no node 'b'"),
    "duplicate": (flow([node("a", "trigger"), node("a", "output")]), "two nodes have the id 'a'"),
    "port": (
        flow([node("a", "trigger"), node("b", "output")], [link("a", "b", "true")]),
        "has no output port 'true'",
    ),
    "config": (flow([node("a", "join", {"maxRows": [1]})]), "maxRows"),
    "empty": (flow([]), "no node that could run"),
    "no-nodes": ({"nodes": [1, None, "x"]}, "nodes.0"),
}


# -- workflows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAFTS)
def test_a_bad_workflow_is_kept_and_refused(server: Server, name: str) -> None:
    """A draft may be stored as it is; executing it is 422 with a text that says what is wrong."""
    workflow, words = DRAFTS[name]
    kept = server.ask("PUT", f"/api/workflows/bad-{name}", workflow)
    assert kept.status in {200, 201}, kept.content
    body = server.post(EXECUTE, {"workflowId": f"bad-{name}"}, 422)
    assert words in body["detail"]
    assert body["problems"]


def test_an_unknown_config_key_is_no_error(server: Server) -> None:
    """An unknown config key is a warning, and the workflow runs."""
    assert {"x": 1} == server.completed(
        flow([node("a", "addField", {"fieldName": "x", "fieldValue": 1, "fieldColour": "red"})])
    ).final


def test_a_mixed_merge_is_told_when_it_happens(server: Server) -> None:
    """Records and an object at one port fail that node and suggest a join."""
    nodes = [table("a", [{"n": 1}]), made("b", {"n": 2}), node("o", "output")]
    run = server.run(flow(nodes, [link("a", "o"), link("b", "o")]))
    assert "join" in run.entries["o"]["error"]


def test_ten_thousand_nodes(server: Server) -> None:
    """10,000 nodes are fine: they run to their end, and polls are answered meanwhile."""
    last = 9_999
    nodes = [
        made("n0", {"n": 0}),
        *(field(f"n{i}", "n", i) for i in range(1, last)),
        node("o", "output"),
    ]
    connections = [link(f"n{i // 2}", f"n{i}") for i in range(1, last)]
    connections.append(link(f"n{last - 1}", "o"))
    identity = server.start(flow(nodes, connections))
    percentages = []
    while True:
        status = server.get(f"/api/executions/{identity}")
        percentages.append(status["progress"]["percentage"])
        if status["status"] not in {"pending", "running"}:
            break
        sleep(0.02)
    assert ("completed", 10_000, 100) == (
        status["status"],
        status["progress"]["completedNodes"],
        status["progress"]["percentage"],
    )
    assert sorted(percentages) == percentages
    assert {"n": last - 1} == status["finalOutput"]
    assert 10_000 == len(server.get(f"/api/executions/{identity}/logs")["logs"])


def test_ten_thousand_nodes_with_ten_thousand_problems(server: Server) -> None:
    """However many problems there are, all are listed, and the text stays readable."""
    body = server.refused(flow([node(f"n{number}", "colum") for number in range(10_000)]))
    assert 10_000 == len(body["problems"])
    assert len(body["detail"]) < 5_000


# -- large bodies ----------------------------------------------------------------------------------


def fifty_megabytes() -> tuple[bytes, int]:
    """The body of a call with an inline table of 50 MB, and how many rows that has."""
    meter = "ES0021000000000001AB"
    rows = [{"n": number, "meter": meter, "kWh": 1.25} for number in range(830_000)]
    workflow = chain(table("t", rows), node("o", "output"))
    body = json.dumps({"workflow": workflow}).encode()
    assert len(body) > 50_000_000
    return body, len(rows)


@contextmanager
def asking(port: int) -> Iterator[list[int]]:
    """The statuses of `GET /`, asked for by somebody else meanwhile."""
    statuses: list[int] = []
    done = threading.Event()

    def ask() -> None:
        client = Client(port)
        with closing(client):
            while not done.is_set():
                statuses.append(client.ask("GET", "/").status)
                sleep(0.01)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield statuses
    finally:
        done.set()
        thread.join(LONGEST)


@pytest.mark.slow
def test_an_inline_table_of_50_mb(tmp_path: Path) -> None:
    """By default it is 413 with the limit; with CAUDAL_MAX_BODY raised it runs, and `/` answers."""
    content, rows = fifty_megabytes()
    with serving(tmp_path) as server:
        body = server.post(EXECUTE, content, 413)
        assert f"{len(content):,}" in body["detail"]
        assert f"{32 * 1024**2:,}" in body["detail"]
        assert "CAUDAL_MAX_BODY" in f"{body['detail']}{body['hint']}"
        assert "running" == server.get("/")["status"]
    with (
        serving(tmp_path, CAUDAL_MAX_BODY="100MiB") as server,
        asking(server.port) as statuses,
    ):
        run = server.ended(str(server.post(EXECUTE, content)["executionId"]))
    assert "completed" == run.state, run.status["error"]
    assert rows == run.status["finalOutputInfo"]["rows"]
    assert 20 == len(run.final)
    assert len(statuses) > 1
    assert {200} == set(statuses)


# -- files -----------------------------------------------------------------------------------------


def read(server: Server, name: str, content: bytes, **config: Any) -> Any:
    """The run of a workflow that reads a file with this content."""
    (server.files / name).write_bytes(content)
    path = str(server.files / name)
    return server.run(flow([node("x", "excelInput", {"filePath": path, **config}, label="Read")]))


def test_a_csv_in_an_encoding_that_is_found_out(server: Server) -> None:
    """A Spanish csv in Latin-1 is read right though nobody said so, and what it was is told."""
    content = "Año;Precio (€/MWh)\n2026;1.234,56\n".replace("€", "E").encode("latin-1")
    run = read(server, "latin.csv", content)
    assert [{"Año": 2026, "Precio (E/MWh)": 1234.56}] == run.final
    assert run.entries["x"]["outputData"]["encoding"]


def test_a_csv_in_another_encoding_than_said(server: Server) -> None:
    """A file that is not in the encoding that the config names is an error that says where."""
    run = read(server, "wrong.csv", "Año;Precio\n2026;1\n".encode("latin-1"), encoding="utf-8")
    assert "failed" == run.state
    assert run.status["error"].startswith("Read (x): ")
    assert "utf-8" in run.status["error"]
    assert "encoding" in run.status["error"]


def test_an_encoding_that_nobody_knows(server: Server) -> None:
    """An encoding that does not exist is refused before anything runs."""
    body = server.refused(flow([node("x", "excelInput", {"filePath": "a", "encoding": "utf-99"})]))
    assert "utf-99" in body["detail"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02\x03", b"PK\x03\x04broken"])
def test_a_file_that_is_no_table(server: Server, content: bytes) -> None:
    """A file without a table is an error in words, not a traceback."""
    run = read(server, "none.csv", content)
    assert "failed" == run.state
    assert "Traceback" not in run.status["error"]
    assert run.status["error"].startswith("Read (x): the ")


@pytest.mark.parametrize("path", ["/etc/hostname", "{files}/../server.err", "nothing.csv"])
def test_a_file_that_may_not_be_read(server: Server, path: str) -> None:
    """A file outside CAUDAL_FILE_ROOTS, or one that is missing, is refused."""
    config = {"filePath": path.format(files=server.files)}
    run = server.run(flow([node("x", "excelInput", config)]))
    assert "failed" == run.state
    assert config["filePath"] in run.status["error"]
