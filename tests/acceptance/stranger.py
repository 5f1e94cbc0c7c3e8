"""The package that CONTRIBUTING.md describes, taken from its text, and environments for it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
PACKAGE = "caudal-tank"
HANDLER = "caudal-tank/src/caudal_tank/__init__.py"
TEST = "caudal-tank/tests/test_tank_volume.py"

_BLOCK = re.compile(
    r"^\*\*`(?P<path>[^`]+)`\*\*\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def files() -> dict[str, str]:
    """Every file of the page, by its path: a block of code below its path in bold."""
    page = PAGE.read_text(encoding="utf-8")
    return {found["path"]: found["text"] for found in _BLOCK.finditer(page)}


def write(content: Mapping[str, str], folder: Path) -> None:
    """Put files into a folder."""
    for path, text in content.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def another(name: str, version: str, code: str = "") -> dict[str, str]:
    """The package of the page under another name, its module beginning with `code`."""
    kept = {path: text for path, text in files().items() if path.startswith(PACKAGE)}
    found = {_renamed(path, name): _renamed(text, name) for path, text in kept.items()}
    project, module = f"{name}/pyproject.toml", _renamed(HANDLER, name)
    found[project] = found[project].replace('version = "1.0.0"', f'version = "{version}"')
    found[module] = code + found[module]
    return found


def _renamed(text: str, name: str) -> str:
    return text.replace(PACKAGE, name).replace("caudal_tank", name.replace("-", "_"))


def build(folders: Iterable[Path], into: Path) -> None:
    """A wheel of each package, by the command that the page gives.

    The builder that is installed here takes the place of one fetched for the purpose.
    """
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet")
    run([*pip, "--wheel-dir", str(into), *map(str, folders)], into.parent)


def run(command: list[str], folder: Path) -> str:
    """What a command prints; `AssertionError` with all that it said if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Environment:
    """A fresh environment in a folder beside the files of the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        made = folder / "environment"
        self._python = made / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        run([sys.executable, "-m", "venv", "--without-pip", str(made)], folder)

    def install(self, *wanted: str) -> None:
        """Install wheels or names, these in the versions of `constraints.txt`."""
        uv = str(Path(sys.executable).with_name("uv"))
        where = ("--python", str(self._python), "--constraint", str(ROOT / "constraints.txt"))
        run([uv, "pip", "install", "--quiet", "--system-certs", *where, *wanted], self.folder)

    def python(self, *arguments: str, folder: str = ".") -> str:
        """What the environment's Python prints; warnings are errors."""
        command = [str(self._python), "-W", "error", *arguments]
        return run(command, self.folder / folder)

    def value(self, expression: str) -> Any:
        """The JSON value of a Python expression over `load_registry` and `distributions`."""
        code = (
            "import json\n"
            "from importlib.metadata import distributions\n"
            "from caudal_core.registry import load_registry\n"
            f"print(json.dumps({expression}))"
        )
        return json.loads(self.python("-c", code))
