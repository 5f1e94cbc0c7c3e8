"""`caudal run`."""

from __future__ import annotations

import json
import signal
import sqlite3
from pathlib import Path

import pytest
from tests.server.cli.command import caudal, doubling, line, node, saved
from tests.server.cli.process import running


def test_final_output_is_json_on_standard_output() -> None:
    """The final output, and nothing else, is printed as JSON; the nodes are told beside it."""
    done = caudal("run", saved(doubling()), "--input", "value=21")
    assert 0 == done.exit_code
    assert {"value": 21, "double": 42} == json.loads(done.stdout)
    assert "✓ Twice (twice)" in done.stderr


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("21", 21),
        ("2.5", 2.5),
        ("null", None),
        ('{"a": [true]}', {"a": [True]}),
        ('"21"', "21"),
        ("hola", "hola"),
        ("08001", "08001"),
        ("a=b", "a=b"),
        ("", ""),
        ("NaN", "NaN"),
        ("[1", "[1"),
    ],
)
def test_input_is_json_or_a_text(given: str, value: object) -> None:
    """The value of --input is JSON where it parses, else the text as it is."""
    flow = {"nodes": [node("start", "trigger"), node("end", "output")]}
    flow["connections"] = line("start", "end")
    done = caudal("run", saved(flow), "--input", f"x={given}")
    assert {"x": value} == json.loads(done.stdout)


def test_inputs_come_from_a_file_and_the_line() -> None:
    """--inputs gives an object; an --input of the same name wins."""
    inputs = saved({"value": 1, "other": "kept"}, "inputs.json")
    done = caudal("run", saved(doubling()), "--inputs", inputs, "--input", "value=2")
    assert {"value": 2, "other": "kept", "double": 4} == json.loads(done.stdout)


def test_inputs_come_from_standard_input() -> None:
    """--inputs - reads the object from standard input."""
    done = caudal("run", saved(doubling()), "--inputs", "-", stdin='{"value": 3}')
    assert 6 == json.loads(done.stdout)["double"]


@pytest.mark.parametrize("given", ["value", "=3"])
def test_input_without_a_name_is_invalid(given: str) -> None:
    """An --input that is not NAME=VALUE is refused with 2."""
    done = caudal("run", saved(doubling()), "--input", given)
    assert 2 == done.exit_code
    assert f"--input {given}: write it as NAME=VALUE" in done.stderr


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ('{"a": 1, "a": 2}', "has the key 'a' twice"),
        ("9" * 5_000, "holds a whole number that is too long"),
        ("[" * 5_000 + "]" * 5_000, "is nested too deeply"),
        ("a\udcff", "holds half of a surrogate pair"),
    ],
)
def test_input_that_no_request_could_hold_is_invalid(given: str, why: str) -> None:
    """JSON that a request is refused for is refused here too, with the input's name."""
    done = caudal("run", saved(doubling()), "--input", f"value={given}")
    assert 2 == done.exit_code
    assert f"--input value {why}" in done.stderr


@pytest.mark.parametrize("given", [("--inputs", "in.json"), ("--input", "_x=1")])
def test_reserved_input_is_invalid(given: tuple[str, str]) -> None:
    """A name that begins with _ is refused as in a request, from a file or from the line."""
    saved({"_x": 1}, "in.json")
    done = caudal("run", saved(doubling()), *given)
    assert 2 == done.exit_code
    assert "inputs has the key '_x', and keys that begin with _ are reserved" in done.stderr


def test_data_of_a_webhook_is_an_input() -> None:
    """What a webhook would hand over may be given, as in a request."""
    flow = {"nodes": [node("in", "trigger")]}
    done = caudal("run", saved(flow), "--input", '_webhookData={"kWh": 2}')
    assert 0 == done.exit_code


def test_file_with_a_strange_name_runs() -> None:
    """A workflow's file may have a name that is no UTF-8."""
    done = caudal("run", saved(doubling(), "\udcff.json"), "--input", "value=1")
    assert 2 == json.loads(done.stdout)["double"]


def test_failure_is_told_with_cause_and_hint() -> None:
    """A failed execution exits with 1, prints no output, and names each failed node."""
    flow = doubling()
    flow["nodes"][1]["config"]["expression"] = "[valeu] * 2"
    done = caudal("run", saved(flow), "--input", "value=1")
    assert 1 == done.exit_code
    assert "" == done.stdout
    assert "✗ Twice (twice): unknown field 'valeu'" in done.stderr
    assert "did you mean 'value'?" in done.stderr
    assert "– output (end)" in done.stderr


def test_invalid_workflow_is_told_with_every_problem() -> None:
    """A workflow that cannot run exits with 2 and lists every problem."""
    flow = doubling()
    flow["nodes"][0]["type"] = "triger"
    flow["connections"].append({"fromNodeId": "twice", "toNodeId": "nowhere"})
    done = caudal("run", saved(flow))
    assert 2 == done.exit_code
    assert "" == done.stdout
    assert "no handler for the type 'triger'; did you mean 'trigger'?" in done.stderr
    assert "there is no node 'nowhere'" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "flow.json is not JSON"),
        ("[]", "flow.json holds no JSON object"),
        (None, "flow.json cannot be read: No such file"),
    ],
)
def test_file_that_is_no_workflow_is_invalid(text: str | None, said: str) -> None:
    """A file that is missing or holds no JSON object exits with 2 and says so."""
    if text is not None:
        Path("flow.json").write_text(text)
    done = caudal("run", "flow.json")
    assert 2 == done.exit_code
    assert said in done.stderr


def test_warnings_are_told() -> None:
    """An unknown config key is a warning on standard error, and the workflow runs."""
    flow = doubling()
    flow["nodes"][1]["config"]["fieldNam"] = "x"
    done = caudal("run", saved(flow), "--input", "value=1")
    assert 0 == done.exit_code
    assert "! node 'twice': the config key 'fieldNam' is not known" in done.stderr


def test_json_is_the_status() -> None:
    """--json prints the status as the server answers it, of a failed execution too."""
    done = caudal("run", saved(doubling()), "--json")
    status = json.loads(done.stdout)
    assert 1 == done.exit_code
    assert "failed" == status["status"]
    assert "Doubling" == status["workflowName"]
    assert "Twice (twice): unknown field 'value'" in status["error"]
    assert ["start", "twice", "end"] == [entry["nodeId"] for entry in status["logs"]]


def test_large_output_is_whole() -> None:
    """The final output is never cut, however large it is; with --json it is a preview."""
    rows = [{"id": number, "text": "x" * 80} for number in range(2_000)]
    nodes = [node("rows", "excelInput", config={"parsedData": rows}), node("end", "output")]
    flow = saved({"nodes": nodes, "connections": line("rows", "end")})
    assert rows == json.loads(caudal("run", flow).stdout)
    status = json.loads(caudal("run", flow, "--json").stdout)
    assert rows[:20] == status["finalOutput"]
    assert 2_000 == status["finalOutputInfo"]["rows"]


def test_several_outputs_are_an_object_by_node() -> None:
    """Several output nodes give an object by their ids, in which a skipped one is missing."""
    config = {"conditionField": "x", "conditionOperator": "greaterThan", "conditionValue": 1}
    nodes = [node("if", "condition", config=config)]
    nodes += [node(name, "output") for name in ("yes", "no", "all")]
    connections = [
        {"fromNodeId": "if", "outputType": "true", "toNodeId": "yes"},
        {"fromNodeId": "if", "outputType": "false", "toNodeId": "no"},
        {"fromNodeId": "if", "outputType": "true", "toNodeId": "all"},
    ]
    done = caudal("run", saved({"nodes": nodes, "connections": connections}), "--input", "x=2")
    assert {"yes": {"x": 2}, "all": {"x": 2}} == json.loads(done.stdout)


def test_numbers_beyond_javascript_are_text() -> None:
    """The output is in wire form: a whole number that no JavaScript reader keeps is a text."""
    flow = {"nodes": [node("end", "output")]}
    done = caudal("run", saved(flow), "--input", "big=12345678901234567890")
    assert {"big": "12345678901234567890"} == json.loads(done.stdout)


def reading(path: str) -> Path:
    """A workflow in a folder of its own that reads a file."""
    nodes = [node("rows", "excelInput", config={"filePath": path}), node("end", "output")]
    Path("flows").mkdir()
    Path("secret.csv").write_text("a;b\n1;2\n")
    return saved({"nodes": nodes, "connections": line("rows", "end")}, "flows/flow.json")


def test_files_beside_the_workflow_are_readable() -> None:
    """Nodes may read files in the workflow's own folder, by names relative to it."""
    flow = reading("data/rows.csv")
    Path("flows/data").mkdir()
    Path("flows/data/rows.csv").write_text("a;b\n1;2\n")
    assert [{"a": 1, "b": 2}] == json.loads(caudal("run", flow).stdout)


def test_other_files_are_not_readable() -> None:
    """A file outside that folder is refused."""
    done = caudal("run", reading("../secret.csv"))
    assert 1 == done.exit_code
    assert "lies outside the folders that workflows may read" in done.stderr


def test_file_roots_are_readable_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in CAUDAL_FILE_ROOTS is open as well."""
    monkeypatch.setenv("CAUDAL_FILE_ROOTS", str(Path.cwd()))
    assert [{"a": 1, "b": 2}] == json.loads(caudal("run", reading("secret.csv")).stdout)


def test_data_is_kept_where_it_is_asked_for() -> None:
    """With --data the execution is kept in that folder, without it nowhere."""
    flow = saved(doubling())
    caudal("run", flow, "--input", "value=1")
    assert [flow] == list(Path().iterdir())
    caudal("run", flow, "--input", "value=1", "--data", "kept")
    assert Path("kept/caudal.db").is_file()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_cancels(tmp_path: Path, sign: signal.Signals) -> None:
    """Ctrl-C or SIGTERM cancels the execution, which is told, leaves nothing, exits with 130."""
    config = {"fieldName": "x", "expression": "[nowhere]"}
    slow = node("slow", "addField", config=config, retries=5, retryDelaySeconds=600)
    nodes = [node("first", "trigger"), slow]
    flow = saved({"nodes": nodes, "connections": line("first", "slow")})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with running("run", flow, folder=tmp_path, TMPDIR=scratch) as run:
        run.until("attempt 1")
        assert 130 == run.end(sign)
        assert "" == run.output()
    assert "cancelled" in run.said
    assert [] == list(scratch.iterdir())
    assert [flow.name, "scratch"] == sorted(path.name for path in tmp_path.iterdir())


def unusable(kind: str) -> Path:
    """A data folder that is none, or whose database is none of this version."""
    if kind == "a file":
        Path("data").write_text("")
    elif kind == "below a file":
        Path("file").write_text("")
        return Path("file/data")
    else:
        Path("data").mkdir()
        with sqlite3.connect("data/caudal.db") as database:
            database.execute("CREATE TABLE execution (id TEXT)")
        database.close()
        if kind == "no database":
            Path("data/caudal.db").write_text("this is a text, and it is no database at all" * 9)
    return Path("data")


@pytest.mark.parametrize("command", ["run", "serve"])
@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("a file", 2, "the data folder data cannot be made: File exists; name another"),
        ("below a file", 2, "the data folder file/data cannot be made: Not a directory; name"),
        ("no database", 1, "file is not a database; put a back-up in its place, or name another"),
        ("older", 1, "another version made it: name another folder with --data or CAUDAL_DATA"),
    ],
)
def test_data_folder_that_cannot_be_used(command: str, kind: str, code: int, said: str) -> None:
    """It is told with what is wrong and what helps, and never that waiting does."""
    what = ["run", saved(doubling())] if command == "run" else ["serve", "--port", "0"]
    done = caudal(*what, "--data", unusable(kind))
    assert code == done.exit_code
    assert said in done.stderr
    assert "try again" not in done.stderr


@pytest.mark.parametrize("command", [["run", "flow.json"], ["serve"], ["demo"]])
def test_data_folder_without_a_name_is_invalid(command: list[str]) -> None:
    """An empty --data is refused: it would be the working directory."""
    done = caudal(*command, "--data", "")
    assert 2 == done.exit_code
    assert "it is empty; name a folder" in done.stderr
    assert [] == list(Path().iterdir())


def test_an_unknown_upload_is_told_what_helps_here() -> None:
    """Without a server nothing can be uploaded: the advice is a path, or the server's data."""
    document = {"nodes": [node("in", "excelInput", config={"fileId": "f" + "0" * 32})]}
    done = caudal("run", saved(document))
    assert 1 == done.exit_code
    assert "there is no uploaded file f000" in done.stderr
    assert "set filePath to a file beside the workflow, or --data to" in done.stderr
    assert "POST" not in done.stderr


@pytest.mark.parametrize("kept", [True, False])
def test_nobody_is_there_to_ask(tmp_path: Path, *, kept: bool) -> None:
    """A workflow that asks a person ends there, and it is said how it can be answered."""
    asking = {"nodes": [node("ask", "humanApproval", config={"assignedUserName": "Ana"})]}
    options = ["--data", tmp_path / "data"] if kept else []
    done = caudal("run", saved(asking), *options)
    assert (1, "") == (done.exit_code, done.stdout)
    assert "waits for the decision of Ana" in done.stderr
    assert ("caudal serve --data" if kept else "execute it on a server") in done.stderr
