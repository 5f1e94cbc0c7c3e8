"""The rule about what is loaded when a handler is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache

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

_CHILD = """
import importlib, json, sys
sys.path[:], module = json.loads(sys.argv[1])
import caudal_core
before = set(sys.modules)
try:
    importlib.import_module(module)
except Exception:
    print("null")
else:
    print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def light_import(subject: Subject) -> Iterator[Fault]:
    """Looking for handlers loads no heavy library."""
    module = subject.handler.function.__module__
    heavy = sorted(loaded_by(module) & HEAVY)
    if heavy:
        mend = "import heavy libraries inside the function that uses them"
        yield Fault(f"importing {module} loads {', '.join(heavy)}", mend)


@lru_cache
def loaded_by(module: str) -> frozenset[str]:
    """The packages that a fresh interpreter loads for a module, beyond those of the core.

    Empty where another process cannot import it, such as a test that was collected by its path.
    """
    wanted = json.dumps([sys.path, module])
    command = [sys.executable, "-c", _CHILD, wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    return frozenset(json.loads(done.stdout.splitlines()[-1]) or ())
