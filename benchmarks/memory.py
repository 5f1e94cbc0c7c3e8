"""A server that keeps nothing: what durability is measured beside (`serve --port … --data …`)."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Serve as `caudal serve` does, with an engine that has no storage."""
    from caudal_core.engine import Engine, EngineOptions
    from caudal_core.registry import load_registry
    from caudal_server import serving
    from caudal_server.app import create_app
    from caudal_server.settings import load_settings

    given = dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True))
    settings = load_settings(port=given["--port"], data=Path(given["--data"]))
    engine = Engine(load_registry(), options=EngineOptions(keep_finished=2_000))
    serving.serve(create_app(engine, settings), settings)


if __name__ == "__main__":
    main()
