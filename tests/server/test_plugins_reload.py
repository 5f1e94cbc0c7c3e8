"""Packages that come and go while the server runs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from tests.server.serving import flow, node

PLUGIN = """
from caudal_core import Config, Context, handler, hookimpl

@handler("{type}", effect="pure")
def made(config: Config, data: object, ctx: Context) -> object:
    "Hand on {value}."
    return {value!r}

@hookimpl
def caudal_handlers():
    return (made,)
"""


class Packages:
    """A folder on the path of a server, into which packages are put as pip would put them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def install(self, name: str, version: str, source: str, *, docs: str = "") -> None:
        """Put a package with one module there, in the place of another version of it."""
        self.remove(name)
        module = name.replace("-", "_")
        (self.folder / f"{module}.py").write_text(source)
        about = self.folder / f"{module}-{version}.dist-info"
        about.mkdir()
        link = f"Project-URL: Documentation, {docs}\n" if docs else ""
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{link}"
        (about / "METADATA").write_text(text)
        (about / "entry_points.txt").write_text(f"[caudal]\n{name} = {module}\n")

    def remove(self, name: str) -> None:
        """Take it away."""
        module = name.replace("-", "_")
        (self.folder / f"{module}.py").unlink(missing_ok=True)
        for about in self.folder.glob(f"{module}-*.dist-info"):
            for file in about.iterdir():
                file.unlink()
            about.rmdir()


@contextmanager
def server(folder: Path, packages: Packages) -> Iterator[httpx2.Client]:
    """A server of its own process, which finds what is in the folder of packages."""
    program = Path(sys.executable).parent / "caudal"
    command = [str(program), "serve", "--port", "0", "--data", "data"]
    environment = {**os.environ, "PYTHONPATH": str(packages.folder), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        lines = iter(process.stderr.readline, "")
        url = next(found[0] for line in lines if (found := re.search(r"http://[^\s\"]+", line)))
        with httpx2.Client(base_url=url, timeout=30, trust_env=False) as client:
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_packages_come_and_go_without_a_restart(tmp_path: Path) -> None:
    """What was installed or removed since the start is taken in by a reload, not before."""
    packages = Packages(tmp_path / "packages")
    workflow = flow(node("a", "later"), node("b", "output"))

    with server(tmp_path, packages) as client:

        def check() -> Any:
            return client.post("/api/workflows/validate", json=workflow).json()

        def reload() -> Any:
            answer = client.post("/api/plugins/reload")
            assert 200 == answer.status_code, answer.text
            return answer.json()

        packages.install(
            "acme-later", "1.0", PLUGIN.format(type="later", value=1), docs="https://x"
        )
        packages.install("acme-broken", "0.1", "import nothing_of_this_name")
        assert check()["valid"] is False
        changed = reload()
        assert (["later"], [], []) == tuple(
            changed[key] for key in ("added", "removed", "restartNeeded")
        )
        plugins = {plugin["name"]: plugin for plugin in client.get("/api/plugins").json()}
        assert changed["plugins"] == list(plugins.values())
        assert ("ok", ["later"], None) == tuple(
            plugins["acme-later"][key] for key in ("status", "handlers", "error")
        )
        assert "failed" == plugins["acme-broken"]["status"]
        assert "nothing_of_this_name" in plugins["acme-broken"]["error"]
        assert "https://x" == client.get("/api/handlers/later").json()["docs"]
        ran = client.post("/api/workflows/execute?wait=20", json={"workflow": workflow}).json()
        assert ("completed", 1) == (ran["status"], ran["finalOutput"])

        packages.install("acme-later", "2.0", PLUGIN.format(type="later", value=2))
        for _ in range(2):
            changed = reload()
            assert (["acme-later"], [], []) == tuple(
                changed[key] for key in ("restartNeeded", "added", "removed")
            )
        ran = client.post("/api/workflows/execute?wait=20", json={"workflow": workflow}).json()
        assert 1 == ran["finalOutput"]

        packages.remove("acme-later")
        assert ["later"] == reload()["removed"]
        assert check()["valid"] is False
        assert 404 == client.get("/api/handlers/later").status_code
