"""Write a revision of the journal's tables from their description in `journal/tables.py`.

    python -m tools.migrations               # the first revision anew, while it is the only one
    python -m tools.migrations "add a note"  # the next one: what has changed since the last

Once a version is released its revision is never written anew: the next one follows it. Raise
`SCHEMA_VERSION` with it, and read what was written: Alembic does not see everything.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from caudal_core.journal import schema
from caudal_core.journal.tables import SCHEMA_VERSION, metadata

VERSIONS = schema.FOLDER / "versions"
FIRST = VERSIONS / "v0001_first.py"
TEMPLATE = '''"""{message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before}


def upgrade() -> None:
    """From {origin}."""
    {body}
'''


def first() -> str:
    """The first revision: all tables, on a database that has none."""
    return _text("All tables.", 1, _changes(None))


def following(message: str) -> str:
    """The next revision: from the last one's tables to those described now."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "caudal.db"
        with schema.at(database) as engine:
            schema.upgrade(engine, to=f"{SCHEMA_VERSION - 1:04d}")
        return _text(f"{message[:1].upper()}{message[1:]}.", SCHEMA_VERSION, _changes(database))


def _changes(database: Path | None) -> str:
    engine = create_engine(f"sqlite:///{database}" if database else "sqlite://")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"render_as_batch": database is not None}
        )
        changes = produce_migrations(context, metadata).upgrade_ops
        assert changes is not None  # noqa: S101 - it is produced just above
        text = render_python_code(changes, migration_context=context)
    lines = (line for line in text.splitlines() if not line.strip().startswith("# ###"))
    return "\n".join(lines).strip()


def _text(message: str, number: int, body: str) -> str:
    before = f'"{number - 1:04d}"' if number > 1 else "None"
    origin = f"revision {number - 1:04d}" if number > 1 else "nothing"
    made = TEMPLATE.format(
        message=message, revision=f"{number:04d}", before=before, origin=origin, body=body
    )
    command = [str(Path(sys.executable).parent / "ruff"), "format", "-q", "-"]
    tidy = [*command[:1], "check", "-q", "--fix", "--select", "I,F401,Q", "-"]
    for step in (tidy, command):
        made = subprocess.run(step, input=made, capture_output=True, text=True, check=True).stdout
    return made


def main(arguments: list[str]) -> None:
    """Write what is to be written, and say where."""
    if arguments:
        name = "_".join(arguments[0].lower().split())
        path, text = VERSIONS / f"v{SCHEMA_VERSION:04d}_{name}.py", following(arguments[0])
    elif len(list(VERSIONS.glob("v*.py"))) > 1:
        return
    else:
        path, text = FIRST, first()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(Path.cwd())} written")


if __name__ == "__main__":
    main(sys.argv[1:])
