"""Handlers for databases, files and services outside; none is registered yet."""
