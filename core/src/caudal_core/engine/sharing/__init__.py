"""Several servers on one database: who owns what, and for how long."""
