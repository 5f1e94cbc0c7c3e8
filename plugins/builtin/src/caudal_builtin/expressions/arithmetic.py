"""Arithmetic over whole numbers, floats and exact decimals; null in, null out.

Where a whole number has more digits than a float holds, an operation that gives no whole number is
computed as with exact decimals.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from math import isfinite
from typing import Any, Final

from caudal_builtin.expressions.failure import CannotCompute, unfit
from caudal_builtin.numbers import NUMBERS, PLAIN, Number, canonical_number, exact
from caudal_core.values import JSON, MAX_SAFE_INTEGER, normalise

MAX_DIGITS: Final = 1_000
MAX_EXPONENT: Final = 999
MAX_BITS: Final = 3_322
"""Those of a whole number of 1,000 digits."""

Arithmetic = Callable[[JSON, JSON], JSON]

EXACT: Final = Context(
    prec=60,
    rounding=ROUND_HALF_UP,
    Emax=MAX_EXPONENT,
    Emin=-MAX_EXPONENT,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""How exact decimals are computed: to 60 digits."""


def too_large() -> CannotCompute:
    """The error for a number beyond every bound."""
    return CannotCompute("the result is too large a number", "el resultado es demasiado grande")


def _by_zero() -> CannotCompute:
    return CannotCompute("division by zero", "división por cero")


def number(value: JSON) -> Number:
    """The number that a value is or, being a text, is written as."""
    if type(value) in NUMBERS:
        given: Number = value
        return given
    found = canonical_number(value) if type(value) is str else None
    if found is None:
        raise unfit(value, "a number", "un número")
    return found


def _operation(
    fast: Callable[[Any, Any], Any], slow: Callable[[Decimal, Decimal], Decimal]
) -> Arithmetic:
    """An operation by `fast` on plain numbers, and by `slow` where that would lose digits."""

    def apply(left: JSON, right: JSON) -> JSON:
        if type(left) not in PLAIN or type(right) not in PLAIN:
            if left is None or right is None:
                return None
            left, right = number(left), number(right)
            if type(left) is Decimal or type(right) is Decimal:
                return _within(slow, left, right)
        try:
            result = fast(left, right)
        except ZeroDivisionError:
            raise _by_zero() from None
        except OverflowError:
            raise too_large() from None
        if type(result) is float and (is_wide(left) or is_wide(right)):
            return shortest(_within(slow, left, right))
        return bounded(result)

    return apply


def is_wide(value: JSON) -> bool:
    """Whether this is a whole number with more digits than a float is sure to hold."""
    return type(value) is int and abs(value) > MAX_SAFE_INTEGER


def shortest(result: Decimal) -> JSON:
    """A whole number beyond a float's digits; else the float that it is, or all its digits."""
    known = result.adjusted() < EXACT.prec  # beyond, digits would have to be made up
    if known and abs(result) > MAX_SAFE_INTEGER and result == result.to_integral_value():
        return int(result)
    rounded = float(result)
    if isfinite(rounded) and Decimal(rounded) == result:
        return rounded
    return normalise(result)


def bounded(result: Any) -> int | float:
    """The result of plain arithmetic, if it is a number that can be kept."""
    if type(result) is float and isfinite(result):
        return result
    if type(result) is int and result.bit_length() <= MAX_BITS:
        return result
    if isinstance(result, complex):
        raise CannotCompute("the result is no real number", "el resultado no es un número real")
    raise too_large()


def _within(slow: Callable[[Decimal, Decimal], Decimal], left: Number, right: Number) -> Decimal:
    try:
        return slow(exact(left), exact(right))
    except Overflow:
        raise too_large() from None
    except (InvalidOperation, DivisionByZero):
        why = "the numbers do not allow this operation"
        raise CannotCompute(why, "los números no permiten esta operación") from None


def _divided(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise _by_zero()
    return EXACT.divide(left, right)


def _modulo(left: Decimal, right: Decimal) -> Decimal:
    """The remainder with the sign of the divisor, as for plain numbers."""
    if not right:
        raise _by_zero()
    rest = EXACT.remainder(left, right)
    return EXACT.add(rest, right) if rest and rest.is_signed() != right.is_signed() else rest


def _power(left: float, right: float) -> Any:
    """A power, whose size is looked at before it is computed."""
    whole = type(left) is int and type(right) is int
    if whole and abs(left) > 1 and int(left).bit_length() * right > 2 * MAX_BITS:
        raise OverflowError
    return left**right


add = _operation(operator.add, EXACT.add)
subtract = _operation(operator.sub, EXACT.subtract)
multiply = _operation(operator.mul, EXACT.multiply)
divide = _operation(operator.truediv, _divided)
modulo = _operation(operator.mod, _modulo)
power = _operation(_power, EXACT.power)


def negative(value: Number) -> Number:
    """The number with its sign turned."""
    return EXACT.minus(value) if isinstance(value, Decimal) else -value
