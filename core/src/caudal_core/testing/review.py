"""The rules that a handler is reviewed by, and what a review finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from caudal_core.testing import conventions, lightness, trials
from caudal_core.testing.subject import Fault, Subject


@dataclass(frozen=True, slots=True)
class Rule:
    """One convention. A handler that breaks a `required` one works wrongly or harms others."""

    name: str
    about: str
    required: bool
    points: int
    check: Callable[[Subject], Iterable[Fault]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: what is wrong, and how to put it right."""

    rule: Rule
    wrong: str
    mend: str

    def __str__(self) -> str:
        return f"{self.rule.name}: {self.wrong}; {self.mend}"


@dataclass(frozen=True, slots=True)
class Review:
    """What was found in one handler. `points` were reached of `of`."""

    type: str
    findings: tuple[Finding, ...]
    points: int
    of: int

    @property
    def score(self) -> int:
        """How much of all that can be reached was, in per cent."""
        return 100 * self.points // self.of

    @property
    def passed(self) -> bool:
        """Whether no required rule is broken."""
        return not any(finding.rule.required for finding in self.findings)

    def __str__(self) -> str:
        head = f"{self.type}: {self.points} of {self.of} points ({self.score} %)"
        lines = (f"  {_mark(finding)} {finding}" for finding in self.findings)
        return "\n".join([head, *lines])


def _mark(finding: Finding) -> str:
    return "must" if finding.rule.required else "should"


def _must(name: str, about: str, check: Callable[[Subject], Iterable[Fault]]) -> Rule:
    return Rule(name, about, required=True, points=2, check=check)


def _should(name: str, about: str, check: Callable[[Subject], Iterable[Fault]]) -> Rule:
    return Rule(name, about, required=False, points=1, check=check)


RULES: tuple[Rule, ...] = (
    _must("names", "type and ports have camelCase names", conventions.names),
    _should("docstring", "the function has a docstring", conventions.docstring),
    _should("titles", "titles in English and Spanish, descriptions", conventions.titles),
    _should("effect", "the effect is declared", conventions.effect),
    _must("emptyConfig", "an empty config works or is refused clearly", conventions.empty_config),
    _must("schema", "the config has a JSON Schema, and valid defaults", conventions.schema),
    _must("unknownKeys", "keys that editors add to a config are kept", conventions.unknown_keys),
    _must("lightImport", "heavy libraries are loaded only when used", lightness.light_import),
    _must("hostileInput", "odd input is handled or refused clearly", trials.hostile_input),
    _must("results", "results are JSON values or records", trials.results),
    _must("pure", "a pure handler repeats itself and leaves its input alone", trials.pure),
)
"""Every rule, in the order in which findings are shown."""


def review(subject: Subject) -> Review:
    """Check every rule."""
    findings: list[Finding] = []
    points = 0
    for rule in RULES:
        faults = [Finding(rule, fault.wrong, fault.mend) for fault in rule.check(subject)]
        points += 0 if faults else rule.points
        findings += faults
    return Review(subject.handler.type, tuple(findings), points, sum(r.points for r in RULES))
