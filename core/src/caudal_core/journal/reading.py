"""The connection that only reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event


def open_for_reading(database: Path) -> Engine:
    """An engine over the SQLite file that cannot write; the file must exist."""
    path = str(database.resolve()).replace("?", "%3f").replace("#", "%23")
    url = f"sqlite:///file:{path}?mode=ro&uri=true"
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 10})
    event.listen(engine, "connect", _query_only)
    return engine


def _query_only(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA query_only=1")
