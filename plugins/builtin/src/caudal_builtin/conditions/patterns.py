"""Regular expressions that no text can make slow."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema


@lru_cache(maxsize=256)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether `pattern` is found anywhere in a text; `ValueError` says why it cannot be read.

    The engine is the one that pydantic brings for its own patterns: its time grows in proportion
    to the text, whatever the pattern, where Python's `re` can run for ever on thirty characters
    and stop the whole process. It knows no look-around and no back-references, and refuses those.
    """
    schema = core_schema.str_schema(pattern=pattern, strict=True, regex_engine="rust-regex")
    try:
        return SchemaValidator(schema).isinstance_python
    except SchemaError as error:
        raise ValueError(_reason(str(error))) from None


def _reason(text: str) -> str:
    """What the engine says in its last line: `unclosed group`."""
    last = text.strip().splitlines()[-1].strip()
    return last.removeprefix("error: ").removeprefix("SchemaError: ")
