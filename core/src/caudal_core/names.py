"""What people call things: which characters have no place in a name.

Control and format characters are not seen, or change how what stands around them is shown: with
U+202E `gpj.exe` reads `exe.jpg`. A name that is chosen here, as that of an entity, is refused if it
has one; that of a file comes from elsewhere, is only shown, and gets a space for it.
"""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import Final

_KINDS: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Unicode's categories of control, format, half a character, and ends of lines and paragraphs."""

_WRITTEN: Final = frozenset("\u200c\u200d")
"""Of these the two with which some scripts, and emoji of several parts, are written."""


def has_unseen(name: str) -> bool:
    """Whether some character of a name has no place in one."""
    return any(map(_unseen, name))


def without_unseen(name: str) -> str:
    """The name with a space in the place of those characters; of several together one space."""
    parts = groupby(name, _unseen)
    return "".join(" " if unseen else "".join(chars) for unseen, chars in parts)


def _unseen(char: str) -> bool:
    return unicodedata.category(char) in _KINDS and char not in _WRITTEN
