"""The parts of a compiled expression: closures that call each other, one for each operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from caudal_builtin.expressions import arithmetic, vectors
from caudal_builtin.expressions.arithmetic import negative, number
from caudal_builtin.expressions.functions import Function
from caudal_builtin.expressions.logic import equals, joined, ordering, truth
from caudal_builtin.expressions.scope import Evaluate, Scope
from caudal_builtin.expressions.vectors import Vector
from caudal_core import Row
from caudal_core.template import Placeholder
from caudal_core.values import JSON

MAX_DEPTH: Final = 200
_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression; `depth` counts the operations one inside the other.

    `vector` is the same for whole columns, of what can be computed so.
    """

    evaluate: Evaluate
    depth: int = 1
    constant: bool = False
    vector: Vector | None = None


def constant(value: JSON) -> Node:
    """A literal, or what was computed from literals alone."""
    return Node(_always(value), constant=True, vector=vectors.number(value))


def _always(value: JSON) -> Evaluate:
    def evaluate(row: Row, scope: Scope) -> JSON:
        return value

    return evaluate


def looked_up(field: Placeholder) -> Node:
    """A field of the record, found as a template finds it."""
    name = field.text

    def evaluate(row: Row, scope: Scope) -> JSON:
        found = row.get(name, _MISSING)
        return field.value(row, scope.columns) if found is _MISSING else found

    return Node(evaluate, vector=vectors.column(field))


def _made(evaluate: Evaluate, parts: Sequence[Node]) -> Node:
    depth = 1 + max(part.depth for part in parts)
    return Node(evaluate, depth, all(part.constant for part in parts))


def operation(apply: Callable[[JSON, JSON], JSON], left: Node, right: Node) -> Node:
    """An operation on two values."""
    one, two = left.evaluate, right.evaluate
    return _made(lambda row, scope: apply(one(row, scope), two(row, scope)), (left, right))


def _ordered(sign: str, left: Node, right: Node) -> Node:
    apply, one, two = ordering(sign), left.evaluate, right.evaluate
    return _made(lambda row, scope: apply(scope, one(row, scope), two(row, scope)), (left, right))


def _deciding(decisive: bool, left: Node, right: Node) -> Node:  # noqa: FBT001 - the value itself
    """`and` (decided by false) or `or` (decided by true); the right side only where it matters."""
    one, two = left.evaluate, right.evaluate

    def evaluate(row: Row, scope: Scope) -> JSON:
        first = truth(one(row, scope))
        if first is decisive:
            return decisive
        second = truth(two(row, scope))
        return second if first is not None or second is decisive else None

    return _made(evaluate, (left, right))


def _computed(sign: str, apply: Callable[[JSON, JSON], JSON]) -> Callable[[Node, Node], Node]:
    """An operation of arithmetic, also for whole columns."""

    def make(left: Node, right: Node) -> Node:
        made = operation(apply, left, right)
        if left.vector is None or right.vector is None:
            return made
        return replace(made, vector=vectors.operation(sign, left.vector, right.vector))

    return make


BINARY: Final[dict[str, tuple[int, Callable[[Node, Node], Node]]]] = {
    "or": (1, lambda left, right: _deciding(True, left, right)),  # noqa: FBT003
    "and": (2, lambda left, right: _deciding(False, left, right)),  # noqa: FBT003
    "=": (4, lambda left, right: operation(equals, left, right)),
    "!=": (4, lambda left, right: operation(lambda a, b: not equals(a, b), left, right)),
    "<": (4, lambda left, right: _ordered("<", left, right)),
    "<=": (4, lambda left, right: _ordered("<=", left, right)),
    ">": (4, lambda left, right: _ordered(">", left, right)),
    ">=": (4, lambda left, right: _ordered(">=", left, right)),
    "&": (5, lambda left, right: operation(joined, left, right)),
    "+": (6, _computed("+", arithmetic.add)),
    "-": (6, _computed("-", arithmetic.subtract)),
    "*": (7, _computed("*", arithmetic.multiply)),
    "/": (7, _computed("/", arithmetic.divide)),
    "%": (7, lambda left, right: operation(arithmetic.modulo, left, right)),
    "**": (9, lambda left, right: operation(arithmetic.power, left, right)),
}
"""By sign: how tightly it binds, and what it makes of its two sides."""


def _not(value: JSON) -> JSON:
    found = truth(value)
    return None if found is None else not found


UNARY: Final[dict[str, tuple[int, Callable[[JSON], JSON]]]] = {
    "not": (3, _not),
    "-": (8, lambda value: None if value is None else negative(number(value))),
    "+": (8, lambda value: None if value is None else number(value)),
}
"""By sign in front of a value: how tightly it binds, and what it does."""


def prefixed(apply: Callable[[JSON], JSON], value: Node) -> Node:
    """An operation on one value."""
    inner = value.evaluate
    return _made(lambda row, scope: apply(inner(row, scope)), (value,))


def conditional(parts: Sequence[Node]) -> Node:
    """`if(condition, a, b)`: the branch not taken is not looked at; without `b` it is null."""
    test, then, *rest = [part.evaluate for part in parts]
    other = rest[0] if rest else _always(None)

    def evaluate(row: Row, scope: Scope) -> JSON:
        return then(row, scope) if truth(test(row, scope)) else other(row, scope)

    return _made(evaluate, parts)


def first_known(parts: Sequence[Node]) -> Node:
    """`coalesce(a, b, …)`: the first that is not null; those after it are not looked at."""
    candidates = [part.evaluate for part in parts]

    def evaluate(row: Row, scope: Scope) -> JSON:
        values = (candidate(row, scope) for candidate in candidates)
        return next((value for value in values if value is not None), None)

    return _made(evaluate, parts)


LAZY: Final[dict[str, Function]] = {
    "if": Function("if(condition, a, b)", conditional, 2, 3),
    "coalesce": Function("coalesce(a, b, …)", first_known, 1, 255),
}
"""Functions that get their arguments' nodes, not their values."""


def called(function: Function, parts: Sequence[Node]) -> Node:
    """A function of the closed list and its arguments."""
    arguments, call = [part.evaluate for part in parts], function.call

    def evaluate(row: Row, scope: Scope) -> JSON:
        values = [argument(row, scope) for argument in arguments]
        if None in values and not function.nulls:
            return None
        return call(scope, *values) if function.scoped else call(*values)

    return _made(evaluate, parts)
