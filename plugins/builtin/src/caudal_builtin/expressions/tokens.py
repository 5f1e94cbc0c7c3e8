"""The text of an expression, cut into tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from caudal_core import HandlerError

MAX_CHARACTERS: Final = 5_000

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    |(?P<text>"(?:[^"]|"")*"|'(?:[^']|'')*')
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>\*\*|==|!=|<>|<=|>=|[-+*/%=<>&(),])""",
    re.VERBOSE,
)
_ADVICE = {
    "^": ("write ** for a power", "escriba ** para una potencia"),
    "!": ("write not", "escriba not"),
    "|": ("write or", "escriba or"),
    ";": ("put commas between arguments", "separe los argumentos con comas"),
    "{": ("write [name] for a field", "escriba [nombre] para un campo"),
    "'": ("the text is never closed", "el texto no se cierra"),
    '"': ("the text is never closed", "el texto no se cierra"),
}


class ExpressionError(HandlerError):
    """An expression that cannot be read, with the place where reading stopped."""

    code = "EXPRESSION"


class Token(NamedTuple):
    """`kind` is `number`, `text`, `field`, `word`, `sign` or `end`; `start` counts from 0."""

    kind: str
    text: str
    start: int


def unreadable(start: int, why: str, why_es: str) -> ExpressionError:
    """The error for what stands at this place, counted from 0."""
    return ExpressionError(
        f"the expression cannot be read at character {start + 1}: {why}",
        es=f"la expresión no se puede leer en el carácter {start + 1}: {why_es}",
    )


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text`, the last of them of the kind `end`."""
    if len(text) > MAX_CHARACTERS:
        why = f"it is longer than {MAX_CHARACTERS} characters"
        raise unreadable(MAX_CHARACTERS, why, f"supera los {MAX_CHARACTERS} caracteres")
    start = 0
    while start < len(text):
        token = _field(text, start) if text[start] == "[" else _plain(text, start)
        start += len(token.text)
        if token.kind != "space":
            yield token
    yield Token("end", "", len(text))


def _field(text: str, start: int) -> Token:
    """A field's name with its brackets; brackets inside it come in pairs."""
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] == "[") - (text[index] == "]")
        if depth == 0:
            return Token("field", text[start : index + 1], start)
    raise unreadable(start, "the '[' is never closed", "el '[' no se cierra")


def _plain(text: str, start: int) -> Token:
    found = _TOKEN.match(text, start)
    if found is not None:
        return Token(str(found.lastgroup), found[0], start)
    sign = text[start]
    advice, advice_es = _ADVICE.get(sign, ("it means nothing here", "no significa nada aquí"))
    raise unreadable(start, f"'{sign}': {advice}", f"'{sign}': {advice_es}")
