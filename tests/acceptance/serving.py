"""The server as its users start it, in a process of its own, and what tests ask of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.acceptance.client import LONGEST, Answer, Client

ADDRESS = re.compile(r"http://[\w.\[\]:]+:(\d+)")
COMMAND = str(Path(sys.executable).parent / "caudal")
ENDED = ("completed", "failed", "cancelled")
OURS = re.compile(r"CAUDAL_|JWT_SECRET$|PYTHONPATH$|PORT$|HOST$")
TRIAL = Path(__file__).parent / "trial.py"


class Run:
    """An execution that has ended: its status, and its log by node."""

    def __init__(self, status: Any, logs: list[Any]) -> None:
        self.status = status
        self.logs = logs
        self.entries = {entry["nodeId"]: entry for entry in logs}
        """The last attempt of each node."""

    @property
    def state(self) -> str:
        """How it ended."""
        return str(self.status["status"])

    @property
    def final(self) -> Any:
        """The final output."""
        return self.status["finalOutput"]

    @property
    def states(self) -> dict[str, str]:
        """The status of each node."""
        return {name: entry["status"] for name, entry in self.entries.items()}

    def output(self, node_id: str) -> Any:
        """What a node handed on."""
        return self.entries[node_id]["outputData"]["outputData"]

    def input(self, node_id: str) -> Any:
        """What came in at a node."""
        return self.entries[node_id]["inputData"]


class Server:
    """A running server. `files` is a folder whose files workflows may read."""

    def __init__(self, folder: Path, environment: dict[str, str], options: tuple[str, ...]) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir(exist_ok=True)
        self._errors = folder / "server.err"
        given = {key: value for key, value in os.environ.items() if not OURS.match(key)}
        defaults = {
            "CAUDAL_FILE_ROOTS": str(self.files),
            "CAUDAL_TIMEZONE": "Europe/Madrid",
            "CAUDAL_DRAIN_SECONDS": "2",
            "PYTHONPATH": str(packages(folder)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [COMMAND, "serve", "--port", "0", "--data", str(folder / "data"), *options]
        with self._errors.open("ab") as errors:
            self._begin = errors.tell()
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**given, **defaults, **environment},
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )
        self.port = 0
        self.http = Client(0)

    def wait(self) -> None:
        """Return once it has said where it listens."""
        until = monotonic() + LONGEST
        while (found := ADDRESS.search(self.said)) is None:
            if self.process.poll() is not None or monotonic() > until:
                raise AssertionError(f"the server did not come up:\n{self.said}")
            sleep(0.02)
        self.port = int(found[1])
        self.http = Client(self.port)

    @property
    def said(self) -> str:
        """What it has written since it was started."""
        return self._errors.read_bytes()[self._begin :].decode(errors="replace")

    def end(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """End it by its own id; its exit status."""
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(LONGEST)

    # -- what tests ask ----------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One question on the connection that is kept alive."""
        return self.http.ask(method, path, body, **headers)

    def get(self, path: str, status: int = 200) -> Any:
        """The body of what is there."""
        return self.ask("GET", path).expect(status)

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """The body of the answer to a call."""
        return self.ask("POST", path, body).expect(status)

    def start(self, workflow: Any, inputs: Any = None, **more: Any) -> str:
        """Execute a workflow, by its id or inline; the execution's id."""
        named = {"workflowId" if isinstance(workflow, str) else "workflow": workflow}
        given = {} if inputs is None else {"inputs": inputs}
        answer = self.post("/api/workflows/execute", {**named, **given, **more})
        return str(answer["executionId"])

    def ended(self, execution_id: str) -> Run:
        """The execution once it has ended."""
        until = monotonic() + 2 * LONGEST
        while True:
            status = self.get(f"/api/executions/{execution_id}?wait=10")
            if status["status"] in ENDED:
                return Run(status, self.get(f"/api/executions/{execution_id}/logs")["logs"])
            assert monotonic() < until, f"it has not ended: {status}"

    def run(self, workflow: Any, inputs: Any = None, **more: Any) -> Run:
        """Execute a workflow to its end."""
        return self.ended(self.start(workflow, inputs, **more))

    def completed(self, workflow: Any, inputs: Any = None) -> Run:
        """The same for one that must complete."""
        found = self.run(workflow, inputs)
        assert "completed" == found.state, found.status["error"]
        return found

    def status_until(self, execution_id: str, reached: Any) -> Any:
        """The first status for which `reached` is true."""
        until = monotonic() + LONGEST
        while not reached(status := self.get(f"/api/executions/{execution_id}")):
            assert monotonic() < until, f"it never came to that: {status}"
            sleep(0.02)
        return status

    def refused(self, workflow: Any) -> Any:
        """The body of the 422 that a workflow with problems is answered."""
        body = self.post("/api/workflows/execute", {"workflow": workflow}, 422)
        assert {"detail", "problems"} <= body.keys()
        return body


def packages(folder: Path) -> Path:
    """A folder for the server's path that holds the package of `trial.py`, as pip leaves one."""
    place = folder / "packages"
    about = place / "caudal_trial-1.0.0.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    shutil.copy(TRIAL, place / "caudal_trial.py")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: caudal-trial\nVersion: 1.0.0\n")
    (about / "entry_points.txt").write_text("[caudal]\ntrial = caudal_trial\n")
    return place


@contextmanager
def serving(folder: Path, *options: str, **environment: str) -> Iterator[Server]:
    """A server that keeps its data in `folder`; it must end by SIGTERM with the status 0.

    `environment` are variables, `options` those of the command line. What goes wrong carries what
    the server wrote.
    """
    server = Server(folder, environment, options)
    try:
        server.wait()
        yield server
    except BaseException as error:
        error.add_note(f"the server wrote:\n{server.said}")
        server.end(signal.SIGKILL)
        raise
    server.http.close()
    if server.process.poll() is None:
        assert 0 == server.end(), server.said
