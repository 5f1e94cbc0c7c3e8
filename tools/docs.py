"""Write the parts of the documentation that are made from the code.

    python -m tools.docs            # write them anew
    python -m tools.docs --check    # exit 1 where one is stale, and say which

In a page such a part stands between two lines, the first of which names it::

    <!-- generated: settings -->
    <!-- end -->
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from tools.parts import cli, errors, handlers, hooks, journal, kit, metrics, operations, settings

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "README.es.md", "CONTRIBUTING.md", "docs/*.md")

PARTS: dict[str, Callable[[], str]] = {
    "cli": cli.commands,
    "conformance": kit.rules,
    "error-codes": errors.codes,
    "error-tree": errors.tree,
    "functions": handlers.functions,
    "handlers": handlers.reference,
    "handlers-en": handlers.overview,
    "handlers-es": handlers.overview_in_spanish,
    "hooks": hooks.reference,
    "http-status": errors.statuses,
    "operations": operations.table,
    "journal": journal.columns,
    "metrics": metrics.table,
    "settings": settings.table,
    "settings-later": settings.later,
}

_PART = re.compile(
    r"^<!-- generated: (?P<name>\S+) -->\n(?P<text>.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL
)
_BEGINNING = re.compile(r"^<!-- generated: ", re.MULTILINE)


class WrongPage(Exception):
    """A page asks for a part that there is not, or has marks that do not fit."""


def pages() -> Iterator[Path]:
    """Every page, in a fixed order."""
    for pattern in PAGES:
        yield from sorted(ROOT.glob(pattern))


def renewed(text: str, name: str = "the page") -> str:
    """The text of a page with each of its parts made anew; `WrongPage` says what is wrong."""
    if len(_BEGINNING.findall(text)) != len(_PART.findall(text)):
        message = f"{name}: a generated part has no end"
        raise WrongPage(message)
    return _PART.sub(lambda found: _part(found["name"], name), text)


def _part(part: str, page: str) -> str:
    if part not in PARTS:
        message = f"{page}: there is no part '{part}'; there are {', '.join(PARTS)}"
        raise WrongPage(message)
    return f"<!-- generated: {part} -->\n{_made(part)}\n<!-- end -->"


@lru_cache
def _made(part: str) -> str:
    return f"\n{PARTS[part]().strip()}\n"


def stale() -> list[Path]:
    """The pages whose parts are not what the code says now."""
    return [page for page in pages() if _renewed(page) != page.read_text(encoding="utf-8")]


def _renewed(page: Path) -> str:
    return renewed(page.read_text(encoding="utf-8"), str(page.relative_to(ROOT)))


def main(arguments: list[str]) -> int:
    """Write or check; the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        found = stale()
    except WrongPage as error:
        print(error, file=sys.stderr)
        return 1
    for page in found:
        if arguments:
            print(f"{page.relative_to(ROOT)} is stale; `make docs` writes it anew")
        else:
            page.write_text(_renewed(page), encoding="utf-8")
            print(f"{page.relative_to(ROOT)} written")
    return 1 if found and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
