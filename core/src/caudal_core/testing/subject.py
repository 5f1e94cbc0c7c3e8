"""A handler under review, and what the rules need to know of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import ValidationError

from caudal_core.config import Config
from caudal_core.handler import UNRECORDED, Handler
from caudal_core.testing.trial import Trial, try_out


class Fault(NamedTuple):
    """What is wrong with a handler, and how to mend it."""

    wrong: str
    mend: str


class Subject:
    """One handler under review."""

    def __init__(
        self, handler: Handler, config: Mapping[str, Any] | None = None, *, effects: bool = False
    ) -> None:
        self.handler = handler
        self._config = config
        self._effects = effects

    @cached_property
    def configs(self) -> list[Config]:
        """The configs to try it with: those that it accepts."""
        wanted = _examples(self.handler.config) if self._config is None else [self._config]
        return [config for stored in wanted if (config := self._parsed(stored)) is not None]

    def _parsed(self, stored: Mapping[str, Any]) -> Config | None:
        try:
            return self.handler.parse(stored, self.handler.version)
        except ValidationError:
            if self._config is not None:
                raise
            return None
        except Exception:  # noqa: BLE001 - the rule about the empty config says so
            return None

    @cached_property
    def trials(self) -> list[Trial]:
        """It was run with every config on every odd input; not at all where that could do harm."""
        harmless = self.handler.effect in UNRECORDED or self._effects
        return try_out(self.handler, self.configs) if harmless else []


def _examples(model: type[Config]) -> Iterator[dict[str, Any]]:
    """The empty config, then what the fields give as examples: the required ones, then all."""
    fields = {name: field for name, field in model.model_fields.items() if field.examples}
    every = {name: (field.examples or [None])[0] for name, field in fields.items()}
    required = {name: every[name] for name, field in fields.items() if field.is_required()}
    yield {}
    if required:
        yield required
    if every != required:
        yield every
