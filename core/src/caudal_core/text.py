"""A text in the languages of the people who build workflows."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """The same text in English and in Spanish; Spanish may be left out."""

    en: str
    es: str = ""

    def in_(self, language: str) -> str:
        """The text in `language`, English where there is none."""
        return self.es if language == "es" and self.es else self.en

    def as_dict(self) -> dict[str, str]:
        """`{"en": …, "es": …}`, always with both keys."""
        return {"en": self.en, "es": self.es or self.en}

    @classmethod
    def of(cls, text: Text | str) -> Text:
        """A plain string counts as English."""
        return text if isinstance(text, Text) else cls(text)
