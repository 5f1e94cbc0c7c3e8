"""Handlers for plant equipment; none is registered yet."""
