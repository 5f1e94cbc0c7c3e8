"""What to do about an error, for somebody at a terminal: by its cause where that is known."""

from __future__ import annotations

from caudal_core.errors import CaudalError, InUse, Unavailable, clean_text, error_text

FOLDER = "name another folder with --data or CAUDAL_DATA"
JOURNAL = "the journal cannot be opened"
DATABASE = "the database does not answer"

CAUSES = (
    (("not a database", "malformed"), f"put a back-up in its place, or {FOLDER}"),
    (("no such column", "no such table", "has no column"), f"another version made it: {FOLDER}"),
    (("disk is full", "No space left", "quota"), f"make room on that disk, or {FOLDER}"),
)
"""What the text of a journal that cannot be opened holds, and what helps; else another folder."""

AT_DATABASE = "see that it runs, can be reached from here, and is what CAUDAL_DATABASE_URL says"


def told_with_advice(error: CaudalError) -> str:
    """«cause; what to do». That waiting helps is said only where it may."""
    if not isinstance(error, Unavailable) or isinstance(error, InUse):
        return error_text(error)
    text = error.text()
    if text.startswith(JOURNAL):
        return clean_text(f"{text}; {_for_journal(text)}")
    if text.startswith(DATABASE):
        return clean_text(f"{text}; {AT_DATABASE}")
    if text.startswith("port "):
        return clean_text(f"{text}; name another with --port or CAUDAL_PORT")
    return error_text(error)


def _for_journal(text: str) -> str:
    found = (advice for words, advice in CAUSES if any(word in text for word in words))
    return next(found, f"see that you may write there, or {FOLDER}")
