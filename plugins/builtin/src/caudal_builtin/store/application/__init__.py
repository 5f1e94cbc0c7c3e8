"""The tables of an application's own database, as entities."""
