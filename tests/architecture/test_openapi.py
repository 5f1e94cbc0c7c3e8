"""The committed OpenAPI document."""

from __future__ import annotations

from tools.openapi import problems


def test_the_document_is_current_and_in_the_changelog() -> None:
    """The committed document is what the server offers, and the changelog names its digest."""
    assert [] == problems()
