"""What Alembic runs for each command: on the connection that it is given."""

from __future__ import annotations

from alembic import context

from caudal_core.journal.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite too, as the connection begins its transactions itself
    render_as_batch=True,  # SQLite cannot alter much
)
with context.begin_transaction():
    context.run_migrations()
