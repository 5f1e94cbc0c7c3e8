"""The built-in record store: entities and their records in SQLite or PostgreSQL."""
