"""The rule about what is loaded when a handler is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from caudal_core.testing.subject import Fault, Subject

HEAVY = frozenset(
    (
        "duckdb",
        "httpx",
        "httpx2",
        "matplotlib",
        "numpy",
        "openpyxl",
        "pandas",
        "polars",
        "pyarrow",
        "requests",
        "scipy",
        "sqlalchemy",
    )
)
"""Libraries that take long to load or take much memory."""

LONGEST = 60.0
"""Seconds that a fresh interpreter may take to load a module."""

_CHILD = """
import importlib, json, sys
sys.path[:], module = json.loads(sys.argv[1])
import caudal_core
before = set(sys.modules)
found = {}
try:
    importlib.import_module(module)
except Exception:
    pass
except BaseException as error:
    found["wrong"] = f"{type(error).__name__}: {error}"
else:
    found["loaded"] = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
print(sys.argv[2] + json.dumps(found))
"""
_MARK = "loaded: "


class Loaded(NamedTuple):
    """The packages that a module loads, and what is wrong with the way in which it does."""

    packages: frozenset[str] = frozenset()
    wrong: str | None = None


def light_import(subject: Subject) -> Iterator[Fault]:
    """Looking for handlers loads no heavy library, and does nothing else."""
    module = subject.handler.function.__module__
    loaded = loaded_by(module)
    if loaded.wrong:
        mend = "do nothing at import but define"
        yield Fault(f"importing {module} {loaded.wrong}", mend)
    heavy = sorted(loaded.packages & HEAVY)
    if heavy:
        mend = "import heavy libraries inside the function that uses them"
        yield Fault(f"importing {module} loads {', '.join(heavy)}", mend)


@lru_cache
def loaded_by(module: str) -> Loaded:
    """What a fresh interpreter loads for a module, beyond the packages of the core.

    Nothing where another process cannot import it, such as a test that was collected by its path.
    """
    wanted = json.dumps([sys.path, module])
    command = [sys.executable, "-c", _CHILD, wanted, _MARK]
    try:
        done = subprocess.run(  # noqa: S603 - our own
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        return Loaded(wrong=f"takes longer than {LONGEST:g} s")
    answers = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if not answers:
        return Loaded(wrong=f"ends the program with exit code {done.returncode}")
    found = json.loads(answers[-1].removeprefix(_MARK))
    if "wrong" in found:
        return Loaded(wrong=f"raises {found['wrong']}")
    return Loaded(frozenset(found.get("loaded", ())))
