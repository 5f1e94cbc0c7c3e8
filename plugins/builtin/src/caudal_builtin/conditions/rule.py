"""A condition compiled for one table: its terms' tests, and what they come to in a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from caudal_builtin.conditions.comparison import comparison, has_zone
from caudal_builtin.conditions.fields import Getter, find
from caudal_builtin.conditions.terms import OnMissing, Quality, Term
from caudal_builtin.equality import is_empty
from caudal_builtin.moments import Zone, told_by_order
from caudal_builtin.row_errors import RowError
from caudal_core import Context, Records, Row, UnknownField
from caudal_core.template import (
    Template,
    compile_template,
    render_value,
    require_fields,
    templates_in,
)
from caudal_core.values import JSON

RowTest = Callable[[Row], bool | None]
"""Whether a record meets a term; null where a value is missing."""

CHECK_EVERY = 10_000
"""Records between two looks at whether the execution was cancelled."""

_QUALITIES: Final = {"good": 2, "uncertain": 1}


class MissingValue(RowError):
    """A record without a value to compare, where `onMissing` says that this is an error."""

    code = "MISSING_VALUE"
    en = "{place}there is no value to compare"
    es = "{place_es}no hay valor que comparar"
    hint_en = "mend the data, or set onMissing to false or true"
    hint_es = "corrija los datos o ponga onMissing en false o true"


class Rule:
    """The terms together.

    `missing` counts the records in which a value was wanting; `zone` says whether it was used.
    """

    def __init__(
        self,
        tests: Sequence[tuple[str, RowTest]],
        zone: Zone,
        *,
        all_of: bool,
        on_missing: OnMissing,
    ) -> None:
        self.missing = 0
        self.zone = zone
        self._tests = tests
        self._all_of = all_of
        self._on_missing = on_missing

    def met(self, row: Row) -> bool:
        """Whether the record meets the condition; terms are read in their order, while needed.

        Raises `RowError`, which names the field.
        """
        verdict, missing = self._all_of, False
        for field, test in self._tests:
            try:
                outcome = test(row)
            except RowError as error:
                raise error.about(field) from None
            if outcome is None:
                missing, outcome = True, self._without(field)
            if outcome is not self._all_of:
                verdict = outcome
                break
        self.missing += missing
        return verdict

    def verdicts(self, data: Records, count: int, ctx: Context) -> list[bool]:
        """For each of the first `count` records whether it is met; an error names its row."""
        out: list[bool] = []
        asked = data.slice(0, count) if count < len(data) else data
        for index, row in enumerate(asked):
            if index % CHECK_EVERY == 0:
                ctx.check()
            try:
                out.append(self.met(row))
            except RowError as error:
                raise error if data.single else error.in_row(index) from None
        return out

    def _without(self, field: str) -> bool:
        if self._on_missing == "error":
            raise MissingValue().about(field)
        return self._on_missing == "true"


def row_test(term: Term, get: Getter, data: Records, zone: Zone) -> RowTest:
    """The test of a record by one term; all that does not depend on the record is done here."""
    if term.operator in ("isEmpty", "isNotEmpty"):
        wanted = term.operator == "isEmpty"
        return lambda row: is_empty(get(row)) is wanted
    if term.templated:
        return _templated(term, get, data, zone)
    holds = comparison(term.operator, "" if term.value is None else term.value, zone)

    def test(row: Row) -> bool | None:
        value = get(row)
        return None if value is None else holds(value)

    return test


def _templated(term: Term, get: Getter, data: Records, zone: Zone) -> RowTest:
    require_fields(term.value, data)
    columns, limits = data.columns, _limits(term)

    def test(row: Row) -> bool | None:
        left, right = get(row), render_value(term.value, row, columns=columns)
        if left is None or right is None:
            return None
        if limits and _lacks_one(right, [limit.render(row, columns=columns) for limit in limits]):
            return None
        return comparison(term.operator, right, zone)(left)

    return test


def _lacks_one(right: JSON, limits: list[JSON]) -> bool:
    """Whether a `between` was filled with null, in its template or in the list that this gave."""
    return None in limits or (type(right) is list and None in right)


def _limits(term: Term) -> list[Template]:
    """The placeholders of a `between`, each alone: inside a text null prints as nothing."""
    if term.operator != "between":
        return []
    texts = map(compile_template, templates_in(term.value))
    parts = (part for text in texts for part in text.parts)
    return [Template((part,)) for part in parts if not isinstance(part, str)]


def getter(term: Term, data: Records, ctx: Context, *, strict: bool) -> Getter:
    """How to read the term's field.

    One that no record has is an error, or else missing in all of them, with a warning.
    """
    found = find(term.field, data)
    if found is not None:
        return found
    unknown = UnknownField(term.field, data.columns)
    if strict:
        raise unknown
    ctx.log.warning("%s", unknown)
    return lambda _: None


def with_order(get: Getter, term: Term, data: Records, zone: Zone) -> Getter:
    """The same, with the offset of a local time that exists twice where the rows' order tells it.

    Only where it matters: next to a fixed value that has a zone.
    """
    if not has_zone(term.operator, term.value):
        return get
    rows = data.view()
    told = told_by_order([get(row) for row in rows], zone.name)
    known = {id(rows[index]): text for index, text in told.items()}
    if not known or len(known) < len(told):  # one record that stands twice would need two times
        return get
    zone.used = True
    return lambda row: known.get(id(row)) or get(row)


def with_quality(get: Getter, minimum: Quality) -> Getter:
    """The same, with null for the value of a record whose `quality` is below `minimum`.

    A record without a quality passes; one whose quality has any other name counts as bad.
    """
    passes = passes_quality(minimum)

    def good(row: Row) -> object:
        quality = row.get("quality")
        return get(row) if quality is None or passes(quality) else None

    return good


def passes_quality(minimum: Quality) -> Callable[[JSON], bool]:
    """Whether a quality, never null, is good enough."""
    lowest = _QUALITIES[minimum.lower()]
    return lambda quality: _QUALITIES.get(str(quality).lower(), 0) >= lowest
