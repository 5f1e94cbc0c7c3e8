"""What is shown to people: no secrets, and nothing that commands a terminal."""

from __future__ import annotations

import pytest

from caudal_server.showing import bare, masked, readable, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b]0;pwn\x07b", r"a\x1b]0;pwn\x07b"),
        ("\x00\t\r\n\x7f", r"\x00\x09\x0d\x0a\x7f"),
        ("\x80\x9b31m\x9f", r"\x80\x9b31m\x9f"),
        ("año 1 — ✓", "año 1 — ✓"),
    ],
)
def test_control_characters_are_written_out(text: str, shown: str) -> None:
    r"""C0, DEL and C1 are shown as `\x1b`; all other characters stay."""
    assert shown == visible(text)


def test_some_control_characters_may_stay() -> None:
    """Lines that are made on purpose stay lines."""
    assert "a\nb\\x1b" == visible("a\nb\x1b", but="\n")


@pytest.mark.parametrize(
    ("url", "shown", "without"),
    [
        ("postgresql://me:hush@h/db", "postgresql://••••@h/db", "postgresql://h/db"),
        ("postgresql+psycopg://u:hu/sh@h/db", "postgresql+psycopg://••••@h/db", None),
        ("postgresql+psycopg://u:hu@hu:hush@h/db", "postgresql+psycopg://••••@h/db", None),
        ("https://hush@h/{id}", "https://••••@h/{id}", "https://h/{id}"),
        ("https://u:hu?sh@h/{id}", "https://••••", "https://"),
        ("https://h/{id}?key=a@hush", "https://••••", "https://"),
        ("https://u:hu#sh@h/{id}", "https://••••", "https://"),
        ("https://h/{id}?key=hush", "https://h/{id}?••••", "https://h/{id}"),
        ("https://h/{id}#hush", "https://h/{id}#••••", "https://h/{id}"),
        ("u:hush@h/db", "••••@h/db", "h/db"),
        ("host=h password=hush", "••••", ""),
        (" password = hush", "••••", ""),
        ("http://localhost:3001/{id}", "http://localhost:3001/{id}", "http://localhost:3001/{id}"),
        ("sqlite:///app.db", "sqlite:///app.db", "sqlite:///app.db"),
    ],
)
def test_no_part_of_a_secret_is_shown(url: str, shown: str, without: str | None) -> None:
    """All before the last `@` and all of a query is hidden, whatever a password holds."""
    assert shown == masked(url)
    assert without in (None, bare(url))
    assert "hu" not in masked(url) + bare(url)


def test_a_files_name_becomes_a_text() -> None:
    """Bytes that are no UTF-8 are replaced; everything else stays."""
    assert "año�.json" == readable("año\udcff.json")
