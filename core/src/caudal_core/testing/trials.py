"""The rules about what a handler does."""

from __future__ import annotations

from collections.abc import Iterator

from caudal_core.errors import CaudalError, InvalidResult, NodeTimeout, error_text
from caudal_core.testing.subject import Fault, Subject
from caudal_core.testing.trial import LONGEST, Trial


def hostile_input(subject: Subject) -> Iterator[Fault]:
    """On odd input it gives a result or says what it needs, within a few seconds."""
    for trial in subject.trials:
        error = trial.error
        if isinstance(error, NodeTimeout):
            mend = "let it give up by itself, or look at ctx.check() in loops"
            yield Fault(f"on {trial.shown} it runs longer than {LONGEST:g} s", mend)
            return
        if error is not None and not isinstance(error, CaudalError):
            mend = "raise a DataError that says what the node needs"
            yield Fault(f"on {trial.shown} it raises {error_text(error)}", mend)
            return


def results(subject: Subject) -> Iterator[Fault]:
    """What it returns can be handed on."""
    for trial in subject.trials:
        if isinstance(trial.error, InvalidResult):
            mend = "return JSON values, Records, or Outputs of them by the handler's own ports"
            yield Fault(f"on {trial.shown}: {trial.error.text()}", mend)
            return


def pure(subject: Subject) -> Iterator[Fault]:
    """If it says that it is pure, a second run gives the same; its input is never changed."""
    changed = next((trial for trial in subject.trials if trial.changed), None)
    if changed is not None:
        mend = "change a copy: rows(), with_column(), or a dict of your own"
        yield Fault(f"it changes its input {changed.shown}, which other nodes see too", mend)
    if subject.handler.effect != "pure":
        return
    other = next((first for first, second in _pairs(subject) if not first.repeats(second)), None)
    if other is not None:
        mend = "take the time from ctx.now() and no random numbers, or declare another effect"
        yield Fault(f"on {other.shown} a second run gives another result", mend)


def _pairs(subject: Subject) -> Iterator[tuple[Trial, Trial]]:
    return zip(subject.trials[::2], subject.trials[1::2], strict=True)
