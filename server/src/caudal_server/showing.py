"""Texts made fit to be shown: without secrets, and without characters that command a terminal."""

from __future__ import annotations

import os
import re

HIDDEN = "••••"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SCHEME = re.compile(r"[A-Za-z][\w+.-]*://")
_QUERY = re.compile(r"[?#]")
_WORDS = re.compile(r"\w+ *= *\S")
"""The other form of an address that libpq knows: `host=… password=…`."""


def visible(text: str, *, but: str = "") -> str:
    r"""The text with each control character written out, ESC as `\x1b`; those in `but` stay."""
    return _CONTROL.sub(lambda found: found[0] if found[0] in but else _written(found[0]), text)


def _written(char: str) -> str:
    return f"\\x{ord(char):02x}"


def readable(path: str) -> str:
    """The name of a file as a text that can be written anywhere: what is no UTF-8 becomes `�`."""
    return os.fsencode(path).decode(errors="replace")


def masked(url: str) -> str:
    """A URL, or what was meant for one, with a mark in the place of what may be a secret.

    That is all before its last `@`, as a password may hold any character, and its query. Where a
    query seems to begin before the `@`, nobody can say where which part ends: all of it is hidden,
    and so is all of `password=…`.
    """
    return _without_secrets(url, HIDDEN)


def bare(url: str) -> str:
    """The same with nothing in their place."""
    return _without_secrets(url, "")


def scheme_alone(url: str) -> str:
    """A URL of which every part may be a secret, such as the path of a chat's webhook."""
    scheme = _SCHEME.match(url)
    return url if scheme is None else f"{scheme[0]}{HIDDEN}"


def _without_secrets(url: str, mark: str) -> str:
    scheme = _SCHEME.match(url)
    beginning = scheme[0] if scheme else ""
    if scheme is None and _WORDS.match(url.lstrip()):
        return mark
    user, at, place = url[len(beginning) :].rpartition("@")
    if _QUERY.search(user):
        return beginning + mark
    query = _QUERY.search(place)
    if query is not None:
        place = place[: query.start()] + (query[0] + mark if mark else "")
    return beginning + (f"{mark}@" if at and mark else "") + place
