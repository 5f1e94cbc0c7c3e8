"""The examples in an installed package."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
INSIDE = "caudal_server/cli/examples/"


def test_wheel_brings_the_examples(tmp_path: Path) -> None:
    """A wheel made from the sdist holds every example and its data, and the demo finds them."""
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, ROOT / "server"]
    subprocess.run(list(map(str, build)), check=True, capture_output=True, timeout=120)
    wheel = next(tmp_path.glob("*.whl"))
    with zipfile.ZipFile(wheel) as file:
        names = {name.removeprefix(INSIDE) for name in file.namelist() if name.startswith(INSIDE)}
        file.extractall(tmp_path / "installed")
    files = [path for path in (ROOT / "examples").rglob("*") if path.is_file()]
    kept = {path.relative_to(ROOT / "examples").as_posix() for path in files}
    assert {name for name in kept if not name.endswith((".py", ".pyc"))} == names
    code = "from caudal_server.cli.samples import examples; print(examples())"
    env = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, check=True, text=True
    )
    assert str(tmp_path / "installed" / INSIDE.rstrip("/")) == done.stdout.strip()
