"""Handlers that keep the conventions, and handlers that break one each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import random
from typing import Any, Self

from pydantic import ConfigDict, model_validator

from caudal_core import Config, Context, Field, Handler, Outputs, Records, Text, handler

TITLE = Text(en="Some title", es="Un título")


class GoodConfig(Config):
    """A config that has all that one should have."""

    factor: int = Field(2, title=TITLE, description="By how much.", ge=1)
    name: str = Field("", title=TITLE, description="What it is called.")


@handler("good", title=TITLE, effect="pure")
def good(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Hand on what comes in."""
    ctx.say("handed on", at=ctx.now())
    return data


@handler("plain", effect="pure")
def plain(config: Config, data: Records, ctx: Context) -> Records:
    """Keep to what must be, with the least that can be written."""
    return data


def like(made: Handler, function: Callable[..., Any] | None = None, **changes: Any) -> Handler:
    """A handler with one thing about it that is not as it should be."""
    return replace(made, **{**changes, **({"function": function} if function else {})})


def silent(config: GoodConfig, data: Any, ctx: Context) -> Any:  # noqa: D103 - that is its fault
    return data


class Untitled(Config):
    """A config of which nobody can read what it means."""

    factor: int = 2


class OneLanguage(Config):
    """A config that speaks English alone."""

    factor: int = Field(2, title="Factor", description="By how much.")


class Stumbling(Config):
    """A validator that stumbles over a missing field."""

    table: str | None = Field(None, title=TITLE, description="Which one.")

    @model_validator(mode="after")
    def _look(self) -> Self:
        assert self.table.isidentifier()  # type: ignore[union-attr]
        return self


class Choice:
    """Something that JSON does not know."""


class NoSchema(Config):
    """A type that no form can show."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    choice: Choice | None = Field(None, title=TITLE, description="One of them.")


class BadDefault(Config):
    """A default that its own limits refuse."""

    share: float = Field(150.0, title=TITLE, description="In per cent.", le=100)


class OddDefault(Config):
    """A default that JSON cannot write."""

    names: Any = Field(default_factory=lambda: {1, 2}, title=TITLE, description="Some names.")
    when: Any = Field(object(), title=TITLE, description="At what time.")


class Forgetful(Config):
    """A config that forgets what it does not know."""

    model_config = ConfigDict(extra="ignore")


def needs_a_field(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Take for granted what comes in."""
    return [{**row, "n": row["n"] * 2} for row in data]


def never_ends(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Look for the end of an empty list."""
    while not ctx.cancelled:
        pass


def returns_a_set(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Return what JSON does not have."""
    return {1, 2}


def wrong_port(config: GoodConfig, data: Any, ctx: Context) -> Outputs:
    """Name a port that is not there."""
    return Outputs(outt=data)


def throws_dice(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Return something else each time."""
    return random()  # noqa: S311


def says_dice(config: GoodConfig, data: Any, ctx: Context) -> Any:
    """Say something else each time."""
    ctx.say(f"{random()}")  # noqa: S311
    return data


def changes_its_input(config: GoodConfig, data: Records, ctx: Context) -> Any:
    """Write into records that others see too."""
    for row in data.view():
        row["seen"] = True  # type: ignore[index]
    return data


BAD: dict[str, tuple[str, Handler, list[str]]] = {
    "a type in capitals": ("names", like(good, type="Read_Meter"), ["'Read_Meter'", "camelCase"]),
    "a port with a line": ("names", like(good, outputs=("failed_rows",)), ["'failed_rows'"]),
    "the engine's port": ("names", like(good, outputs=("out", "error")), ["'error'", "onError"]),
    "no docstring": ("docstring", like(good, silent), ["docstring"]),
    "no title": ("titles", like(good, title=Text("good")), ["no title in English and Spanish"]),
    "a title in English": ("titles", like(good, title=Text("Good one")), ["Spanish"]),
    "a field without title": (
        "titles",
        like(good, config=Untitled),
        ["factor", "a title in English", "a title in Spanish", "a description"],
    ),
    "a field in one language": (
        "titles",
        like(good, config=OneLanguage),
        ["factor lacks a title in Spanish"],
    ),
    "no effect": ("effect", like(good, effect_declared=False), ["idempotent", 'effect="pure"']),
    "an empty config that stumbles": (
        "emptyConfig",
        like(good, config=Stumbling),
        ["AttributeError", "default"],
    ),
    "a config without schema": ("schema", like(good, config=NoSchema), ["no JSON Schema"]),
    "a default beyond the limits": ("schema", like(good, config=BadDefault), ["share", "100"]),
    "a default that is no JSON": (
        "schema",
        like(good, config=OddDefault),
        ["no JSON Schema", "not JSON serializable"],
    ),
    "keys that are forgotten": ("unknownKeys", like(good, config=Forgetful), ['extra="allow"']),
    "input taken for granted": (
        "hostileInput",
        like(good, needs_a_field),
        ["on [{}]", "KeyError: 'n'", "DataError"],
    ),
    "a result that is no JSON": ("results", like(good, returns_a_set), ["set is not a JSON value"]),
    "a port that is not there": ("results", like(good, wrong_port), ["'outt'"]),
    "another result each time": ("pure", like(good, throws_dice), ["another result", "ctx.now()"]),
    "another message each time": ("pure", like(good, says_dice), ["another result"]),
    "an input that is changed": (
        "pure",
        like(good, changes_its_input, wants="records", wants_records=True),
        ["changes its input", "rows()"],
    ),
}
