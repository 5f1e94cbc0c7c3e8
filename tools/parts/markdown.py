"""Markdown from values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are put on one line, and bars in them are escaped."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """A text as code; nothing stays nothing."""
    return f"`{text}`" if text else ""


def fenced(text: str, language: str = "") -> str:
    """A block of code."""
    return f"```{language}\n{text.strip()}\n```"


def from_docstring(text: str) -> str:
    """A docstring as Markdown: sections such as `Ports:` become lists, `::` blocks of code."""
    blocks = re.split(r"\n{2,}", text.strip())
    return _with_code("\n\n".join(_section(block) or block for block in blocks))


_NAMES = r"\w+(?:, \w+)*: "


def _section(block: str) -> str:
    """A block such as `Ports:` with indented lines below it; empty if it is none."""
    head, _, body = block.partition("\n")
    if not re.fullmatch(r"[A-Z]\w*:", head) or not body:
        return ""
    items = re.split(rf"\n(?= {{4}}{_NAMES})", body)
    return "\n".join([f"**{head[:-1]}**", "", *map(_item, items)])


def _item(item: str) -> str:
    """`name: text` as an entry of a list, all else as a paragraph."""
    text = " ".join(item.split())
    if not re.match(_NAMES, text):
        return text
    names, _, about = text.partition(": ")
    return f"- {', '.join(map(code, names.split(', ')))}: {about}"


def _with_code(text: str) -> str:
    """A paragraph `::` and what is indented below it as a fenced block."""
    lines, out, inside = text.split("\n"), [], False
    for line in lines:
        if line.strip() == "::":
            out.append("```python")
            inside = True
        elif inside and line and not line.startswith(" "):
            out += ["```", "", line]
            inside = False
        else:
            out.append(line.removeprefix("    ") if inside else line)
    return "\n".join([*out, "```"] if inside else out).replace("```python\n\n", "```python\n")
