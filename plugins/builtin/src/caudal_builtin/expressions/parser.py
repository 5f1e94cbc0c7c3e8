"""From the text of an expression to a compiled one, by the strength with which signs bind."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from caudal_builtin.expressions.arithmetic import MAX_DIGITS, MAX_EXPONENT
from caudal_builtin.expressions.functions import FUNCTIONS, Function
from caudal_builtin.expressions.nodes import (
    BINARY,
    LAZY,
    MAX_DEPTH,
    UNARY,
    Node,
    called,
    constant,
    looked_up,
    prefixed,
)
from caudal_builtin.expressions.scope import Scope
from caudal_builtin.expressions.tokens import Token, tokens, unreadable
from caudal_builtin.row_errors import RowError
from caudal_core import TemplateError
from caudal_core.errors import nearest
from caudal_core.template import Placeholder, compile_template
from caudal_core.values import JSON, normalise

MAX_NESTING: Final = 60
_COMPARING: Final = 4
_WORDS: Final[dict[str, JSON]] = {"true": True, "false": False, "null": None}
_SAME: Final = {"==": "=", "<>": "!="}
_CALLABLE: Final = {**FUNCTIONS, **LAZY}


class Parser:
    """Reads one expression; `fields` are those it names, in order."""

    def __init__(self, text: str) -> None:
        self.fields: list[Placeholder] = []
        self._tokens = list(tokens(text))
        self._at = 0
        self._nesting = 0

    def parse(self) -> Node:
        """The whole expression."""
        node = self._expression(0)
        if self._next.kind != "end":
            raise _unexpected(self._next)
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def _accept(self, sign: str) -> bool:
        if self._next.kind == "sign" and self._next.text == sign:
            self._at += 1
            return True
        return False

    def _expression(self, least: int) -> Node:
        """A value and the signs behind it that bind at least so tightly."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise _too_deep(self._next)
        node = self._operand()
        while (strength := _strength(self._next)) >= max(least, 1):
            token = self._take()
            sign = _sign(token)
            right = self._expression(strength if sign == "**" else strength + 1)
            node = _finished(token, BINARY[sign][1](node, right))
            if strength == _COMPARING == _strength(self._next):
                raise _chained(self._next)
        self._nesting -= 1
        return node

    def _operand(self) -> Node:
        token = self._take()
        if unary := UNARY.get(_sign(token)):
            return _finished(token, prefixed(unary[1], self._expression(unary[0])))
        if token.kind == "sign" and token.text == "(":
            return self._closed(token, self._expression(0))
        read = _OPERANDS.get(token.kind)
        if read is None:
            raise _unexpected(token)
        return read(self, token)

    def _closed(self, opened: Token, node: Node) -> Node:
        if self._accept(")"):
            return node
        if self._next.kind == "end":
            raise unreadable(opened.start, "the '(' is never closed", "el '(' no se cierra")
        raise _unexpected(self._next)

    def _number(self, token: Token) -> Node:
        if len(token.text) > MAX_DIGITS:
            why = f"the number has more than {MAX_DIGITS} digits"
            raise unreadable(token.start, why, f"el número tiene más de {MAX_DIGITS} cifras")
        if token.text.isdigit():
            return constant(int(token.text))
        value = normalise(Decimal(token.text))
        if isinstance(value, Decimal) and abs(value.adjusted()) > MAX_EXPONENT:
            raise unreadable(token.start, "the number is too large", "el número es muy grande")
        return constant(value)

    def _text(self, token: Token) -> Node:
        quote = token.text[0]
        return constant(token.text[1:-1].replace(quote * 2, quote))

    def _field(self, token: Token) -> Node:
        try:
            parts = compile_template("{{" + token.text[1:-1] + "}}").parts
        except TemplateError:
            parts = ()
        if len(parts) != 1 or not isinstance(parts[0], Placeholder):
            raise unreadable(token.start, "this names no field", "esto no nombra ningún campo")
        if parts[0].filters:
            why = f"{token.text} has a filter; use a function"
            raise unreadable(token.start, why, f"{token.text} tiene un filtro; use una función")
        self.fields.append(parts[0])
        return looked_up(parts[0])

    def _word(self, token: Token) -> Node:
        name = token.text.lower()
        if self._accept("("):
            return self._call(token, _function(token, name))
        if name not in _WORDS:
            why = f"'{token.text}' is no value; write [{token.text}] for a field"
            why_es = f"'{token.text}' no es un valor; escriba [{token.text}] para un campo"
            raise unreadable(token.start, why, why_es)
        return constant(_WORDS[name])

    def _call(self, token: Token, function: Function) -> Node:
        arguments: list[Node] = []
        if not self._accept(")"):
            arguments.append(self._expression(0))
            while self._accept(","):
                arguments.append(self._expression(0))
            self._closed(token, arguments[0])
        if not function.fewest <= len(arguments) <= function.most:
            why = f"write {function.form}"
            raise unreadable(token.start, why, f"escriba {function.form}")
        lazy = token.text.lower() in LAZY
        return _finished(token, function.call(arguments) if lazy else called(function, arguments))


_OPERANDS: Final[dict[str, Callable[[Parser, Token], Node]]] = {
    "number": Parser._number,  # noqa: SLF001 - this module's own class
    "text": Parser._text,  # noqa: SLF001
    "field": Parser._field,  # noqa: SLF001
    "word": Parser._word,  # noqa: SLF001
}


def _sign(token: Token) -> str:
    """The sign or the word that an operator is written with, as one of its spellings."""
    if token.kind == "word":
        return token.text.lower()
    return _SAME.get(token.text, token.text) if token.kind == "sign" else ""


def _strength(token: Token) -> int:
    """How tightly the operator binds that a token is; 0 if it is none."""
    return BINARY[_sign(token)][0] if _sign(token) in BINARY else 0


def _function(token: Token, name: str) -> Function:
    if name in _CALLABLE:
        return _CALLABLE[name]
    near = nearest(name, list(_CALLABLE))
    advice = f"did you mean {near}()?" if near else f"there are {', '.join(sorted(_CALLABLE))}"
    advice_es = f"¿quiso decir {near}()?" if near else f"existen {', '.join(sorted(_CALLABLE))}"
    why = f"there is no function {token.text}(); {advice}"
    raise unreadable(token.start, why, f"no existe la función {token.text}(); {advice_es}")


def _finished(token: Token, node: Node) -> Node:
    """The node; what it computes from literals alone is computed here, once."""
    if node.depth > MAX_DEPTH:
        raise _too_deep(token)
    if not node.constant:
        return node
    scope = Scope()
    try:
        value = node.evaluate({}, scope)
        return node if scope.zone.used else constant(value)
    except RowError as error:
        raise unreadable(token.start, error.text("en"), error.text("es")) from None


def _chained(token: Token) -> Exception:
    why = "comparisons do not chain; write a < b and b < c"
    why_es = "las comparaciones no se encadenan; escriba a < b and b < c"
    return unreadable(token.start, why, why_es)


def _too_deep(token: Token) -> Exception:
    why = "it is too long or too deeply nested; split it over two fields"
    why_es = "es demasiado largo o anidado; repártalo en dos campos"
    return unreadable(token.start, why, why_es)


def _unexpected(token: Token) -> Exception:
    if token.kind == "end":
        return unreadable(token.start, "it ends too early", "termina demasiado pronto")
    advice = "; write decimals with a point" if token.text == "," else ""
    advice_es = "; escriba los decimales con punto" if token.text == "," else ""
    why = f"'{token.text}' does not belong here{advice}"
    return unreadable(token.start, why, f"'{token.text}' no va aquí{advice_es}")
