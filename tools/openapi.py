"""The committed OpenAPI document, and the line of the changelog that goes with it.

`python -m tools.openapi` writes `server/openapi.json`; `--check` says whether it is what the
application offers, and whether the changelog knows it. A changed document gets another digest,
which has to be written into `CHANGELOG.md` beside what changed.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from caudal_server.openapi import text as document_text

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "server" / "openapi.json"
CHANGELOG = ROOT / "CHANGELOG.md"


def digest(text: str) -> str:
    """The first 12 hex digits of the document's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def problems() -> list[str]:
    """What is stale, each with what to do."""
    text = document_text()
    found = []
    if not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
        found.append("server/openapi.json is not what the server offers: run make docs")
    line = f"OpenAPI document `{digest(text)}`"
    if line not in CHANGELOG.read_text(encoding="utf-8"):
        found.append(f"CHANGELOG.md does not say what changed in the HTTP API: name «{line}» there")
    return found


def main() -> None:
    """Write the document, or check it."""
    if "--check" in sys.argv[1:]:
        sys.exit("\n".join(problems()))
    DOCUMENT.write_text(document_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
