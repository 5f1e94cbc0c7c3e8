"""The OpenAPI document: `python -m caudal_server.openapi > openapi.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from caudal_core.engine import Engine
from caudal_core.registry import Registry
from caudal_server.app import create_app
from caudal_server.settings import Settings


def document() -> dict[str, Any]:
    """The document of a server with nothing installed; the same on every machine."""
    with TemporaryDirectory() as folder:
        settings = Settings.model_construct(**_defaults(), data=Path(folder))
    return create_app(Engine(Registry()), settings).openapi()


def _defaults() -> dict[str, Any]:
    """Every setting's default, whatever this machine's environment says."""
    fields = Settings.model_fields
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in fields.items()
        if name != "data"
    }


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
