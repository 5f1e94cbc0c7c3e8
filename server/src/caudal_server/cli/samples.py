"""The folder of examples: at the root of a checkout, beside this module where it was installed."""

from __future__ import annotations

from pathlib import Path

from caudal_core.errors import NotAvailable

HERE = Path(__file__).parent
IN_CHECKOUT = 4
"""How many folders above this one the root of a checkout is."""


def examples() -> Path:
    """Where the examples and their data are; `NotAvailable` if they were left out."""
    for folder in (HERE / "examples", HERE.parents[IN_CHECKOUT - 1] / "examples"):
        if (folder / "meter-cost.json").is_file():
            return folder
    raise NotAvailable(
        "the examples are not installed", hint="install caudal-server from its wheel"
    )
