"""The rules of the conformance kit."""

from __future__ import annotations

from caudal_core.testing import RULES
from tools.parts.markdown import code, table


def rules() -> str:
    """Every rule, and whether a handler must keep it."""
    rows = [[code(r.name), r.about, "must" if r.required else "should"] for r in RULES]
    return table(["rule", "what it asks", "kept"], rows)
