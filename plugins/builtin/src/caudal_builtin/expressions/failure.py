"""What an expression cannot compute from the values of one record."""

from __future__ import annotations

from caudal_builtin.row_errors import RowError, shown
from caudal_core.values import JSON


class CannotCompute(RowError):
    """An operation that these values do not allow, such as a division by zero."""

    code = "EXPRESSION_VALUE"
    en = "{place}{why}"
    es = "{place_es}{why_es}"
    hint_en = "correct the value, or go around it with if() or coalesce()"
    hint_es = "corrija el valor o evítelo con if() o coalesce()"

    def __init__(self, why: str, why_es: str) -> None:
        super().__init__(why=why, why_es=why_es)


def unfit(value: JSON, what: str, what_es: str) -> CannotCompute:
    """The error for a value that is not `what`."""
    return CannotCompute(f"{shown(value)} is not {what}", f"{shown(value)} no es {what_es}")
