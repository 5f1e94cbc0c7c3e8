"""What is installed and how it is set up, as several commands need it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caudal_core.engine import Engine
    from caudal_core.registry import Registry


def registry() -> Registry:
    """Every installed handler; where several packages claim a type, as CAUDAL_PREFER says."""
    from caudal_core.registry import load_registry
    from caudal_server.settings import load_settings

    return load_registry(prefer=load_settings().prefer)


def local_engine(folder: Path, *, readable: Path) -> Engine:
    """The engine of the settings, but it keeps things in `folder` and may read under `readable`."""
    from caudal_core.text import Text
    from caudal_server.assembly import make_engine
    from caudal_server.settings import load_settings

    settings = load_settings()
    roots = (readable, *settings.file_roots)
    advice = Text(
        en="set filePath to a file beside the workflow, or --data to the folder with the upload",
        es="indique en filePath un archivo junto al flujo, o en --data la carpeta con lo subido",
    )
    here = settings.model_copy(update={"data": folder, "database_url": None, "file_roots": roots})
    return make_engine(here, advice=advice)
