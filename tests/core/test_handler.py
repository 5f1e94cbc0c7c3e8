"""The handler form: what `@handler` takes, makes and refuses."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

import caudal_core
from caudal_core import Config, Context, Field, Handler, Outputs, Records, Row, Text, handler
from caudal_core.context import Environment
from caudal_core.errors import HandlerDefinitionError, InvalidResult

if TYPE_CHECKING:
    from caudal_core.records import Records as OnlyChecked

CTX = Context("n", Environment())


class Own(Config):
    """A config of its own."""

    factor: int = Field(2, ge=0)


@handler("plain")
def plain(config: Config, data: Any, ctx: Context) -> Any:
    """Do next to nothing.

    More of it.
    """
    return data


@handler(
    "full",
    version=3,
    title=Text(en="Full", es="Lleno"),
    description=Text(en="All that can be said.", es="Todo."),
    category="logic",
    icon="star",
    inputs=("A", "B"),
    outputs=("yes", "no"),
    effect="idempotent",
    light=True,
    migrate=lambda config, _: {**config, "lifted": True},
)
def full(config: Own, data: Mapping[str, Records], ctx: Context) -> Outputs:
    """Say everything."""
    return Outputs(yes=data["A"])


def test_the_type_is_enough() -> None:
    """Everything but the type has a default; title and description come from what is there."""
    assert isinstance(plain, Handler)
    assert ("plain", 1, "plain", "Do next to nothing.") == (
        plain.type,
        plain.version,
        plain.title.en,
        plain.description.en,
    )
    assert ("other", None, ("in",), ("out",)) == (
        plain.category,
        plain.icon,
        plain.inputs,
        plain.outputs,
    )
    assert (False, False, None) == (plain.light, plain.per_row, plain.migrate)


def test_no_effect_declared_is_idempotent() -> None:
    """Not to declare an effect means idempotent, and it is remembered that nobody said so."""
    assert ("idempotent", False) == (plain.effect, plain.effect_declared)
    assert ("idempotent", True) == (full.effect, full.effect_declared)


def test_everything_that_can_be_said() -> None:
    """What the decorator is given is what the handler has."""
    assert (3, "Lleno", "Todo.") == (full.version, full.title.es, full.description.es)
    assert ("logic", "star", ("A", "B"), ("yes", "no"), True) == (
        full.category,
        full.icon,
        full.inputs,
        full.outputs,
        full.light,
    )
    assert Own is full.config


def test_it_is_called_like_its_function() -> None:
    """In a test a handler is called with a config, the data and a context."""
    data = Records([{"a": 1}])
    assert {"yes": data} == full(Own(), {"A": data}, CTX)


def test_it_is_frozen() -> None:
    """A handler cannot be changed after it was made."""
    with pytest.raises(AttributeError):
        plain.light = True  # type: ignore[misc]


def test_config_is_parsed_as_stored() -> None:
    """A stored config becomes the typed one, its migration first if it is of an older version."""
    assert Own(factor=5) == full.parse({"factor": "5"}, 3)
    assert True is full.parse({}, 1).model_dump()["lifted"]
    assert "lifted" not in full.parse({}, 3).model_dump()
    assert Config() == plain.parse(None)
    with pytest.raises(ValidationError):
        full.parse({"factor": -1}, 3)


# -- what the data parameter asks for -------------------------------------------------------------


def takes_records(config: Config, data: Records, ctx: Context) -> Any:
    """Records."""


def takes_dotted(config: Config, data: caudal_core.Records, ctx: Context) -> Any:
    """Records by a longer name."""


def takes_checked(config: Config, data: OnlyChecked, ctx: Context) -> Any:
    """A name that exists for the type checker alone; not known to be Records."""


def takes_any(config: Config, data: Any, ctx: Context) -> Any:
    """The plain value."""


def takes_list(config: Config, data: list[dict[str, Any]], ctx: Context) -> Any:
    """The plain value, whatever it is annotated."""


def takes_bare(config: Config, data, ctx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """The plain value, not annotated at all."""


@pytest.mark.parametrize(
    ("function", "wants"),
    [
        (takes_records, ("records", True)),
        (takes_dotted, ("records", True)),
        (takes_checked, ("value", False)),
        (takes_any, ("value", False)),
        (takes_list, ("value", False)),
        (takes_bare, ("value", False)),
    ],
)
def test_what_the_data_is(function: Callable[..., Any], wants: tuple[str, bool]) -> None:
    """Annotated Records the data come as Records, else as the plain JSON value."""
    made = handler("x")(function)
    assert wants == (made.wants, made.wants_records)


def takes_ports(config: Config, data: Mapping[str, Any], ctx: Context) -> Any:
    """Values by port."""


async def waits(config: Config, data: Any, ctx: Context) -> Any:
    """The plain value, waiting."""


def takes_record_ports(config: Config, data: Mapping[str, Records], ctx: Context) -> Any:
    """Records by port."""


@pytest.mark.parametrize(
    ("function", "wants"),
    [(takes_ports, ("ports", False)), (takes_record_ports, ("ports", True))],
)
def test_several_ports_are_a_mapping(function: Callable[..., Any], wants: tuple[str, bool]) -> None:
    """With several input ports the data are a mapping by port."""
    made = handler("x", inputs=("A", "B"))(function)
    assert wants == (made.wants, made.wants_records)


def one_row(config: Config, data: Row, ctx: Context) -> Any:
    """One record."""


async def one_row_async(config: Config, data: dict[str, Any], ctx: Context) -> Any:
    """One record, waiting."""


def test_a_record_at_a_time() -> None:
    """`per_row` is for a function of one record, `def` or `async def`."""
    assert (True, False) == (
        handler("x", per_row=True)(one_row).per_row,
        handler("x", per_row=True)(one_row).is_async,
    )
    assert handler("x", per_row=True)(one_row_async).is_async


# -- mistakes -------------------------------------------------------------------------------------


def too_few(data: Any) -> Any:
    """One parameter."""


def too_many(config: Config, data: Any, ctx: Context, more: Any) -> Any:
    """Four parameters."""


def by_keyword(config: Config, data: Any, *, ctx: Context) -> Any:
    """A parameter that is never given by position."""


def starred(config: Config, data: Any, *ctx: Context) -> Any:
    """A parameter that takes what is left over."""


def no_config(config: dict[str, Any], data: Any, ctx: Context) -> Any:
    """A config that is no Config."""


def bare_config(config, data, ctx):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """A config without an annotation."""


def unknown_config(config: NoSuchConfig, data: Any, ctx: Context) -> Any:  # type: ignore[name-defined]  # noqa: F821
    """A config that does not exist."""


def unknown_attribute(config: caudal_core.Nope, data: Any, ctx: Context) -> Any:  # type: ignore[name-defined]
    """A config that its module does not have."""


def maybe_records(config: Config, data: Records | None, ctx: Context) -> Any:
    """Neither Records nor a plain value."""


def local_config() -> Callable[..., Any]:
    """A function whose config only lives inside another."""

    class Local(Config):
        pass

    def function(config: Local, data: Any, ctx: Context) -> Any:
        return data

    return function


class Callable_:  # noqa: N801 - it is not a function, that is all
    """An object that can be called."""

    def __call__(self, config: Config, data: Any, ctx: Context) -> Any:
        """Look like a handler."""


MISTAKES: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "too few parameters": (too_few, {}, ["takes 1 parameters, not 3"]),
    "too many parameters": (too_many, {}, ["takes 4 parameters, not 3"]),
    "a parameter by keyword": (by_keyword, {}, ["ctx", "by position"]),
    "a parameter for the rest": (starred, {}, ["*ctx", "by position"]),
    "an object that is called": (Callable_(), {}, ["is no function"]),
    "a partial function": (functools.partial(too_many, more=1), {}, ["is no function"]),
    "a config that is a dict": (no_config, {}, ["'config'", "caudal_core.Config"]),
    "a config without annotation": (bare_config, {}, ["'config'", "caudal_core.Config"]),
    "a config nobody knows": (unknown_config, {}, ["'NoSuchConfig'", "module level"]),
    "a config its module lacks": (unknown_attribute, {}, ["'caudal_core.Nope'", "module level"]),
    "a config of a function": (local_config(), {}, ["'Local'", "module level"]),
    "records or nothing": (maybe_records, {}, ["Records | None", "data: Records"]),
    "records for two ports": (
        takes_records,
        {"inputs": ("A", "B")},
        ["2 input ports", "Mapping[str, Records]"],
    ),
    "records one at a time": (takes_records, {"per_row": True}, ["one record", "data: Row"]),
    "one record of two ports": (
        takes_ports,
        {"per_row": True, "inputs": ("A", "B")},
        ["per_row", "one"],
    ),
    "one record by two ports": (
        one_row,
        {"per_row": True, "outputs": ("a", "b")},
        ["per_row", "one"],
    ),
    "a type with a space": (takes_any, {"type": "two words"}, ["type is no name"]),
    "an empty type": (takes_any, {"type": ""}, ["type is no name"]),
    "a port with a space": (takes_any, {"outputs": ("a b",)}, ["'a b'"]),
    "ports in one text": (takes_any, {"outputs": "out"}, ["no tuple", "('out',)"]),
    "no input": (takes_any, {"inputs": ()}, ["no port"]),
    "no output": (takes_any, {"outputs": ()}, ["no port"]),
    "an empty port": (takes_any, {"outputs": ("",)}, ["the port ''"]),
    "a port with a comma": (takes_any, {"outputs": ("a,b",)}, ["'a,b'"]),
    "a port with NUL": (takes_any, {"inputs": ("a\x00",)}, ["'a\\x00'"]),
    "a port that is a number": (takes_any, {"outputs": (1,)}, ["the port 1"]),
    "a type that is a number": (takes_any, {"type": 1}, ["type is no name"]),
    "a version in a text": (takes_any, {"version": "2"}, ["version is '2'", "whole number"]),
    "a version below one": (takes_any, {"version": 0}, ["version is 0", "1 or more"]),
    "a version that is true": (takes_any, {"version": True}, ["version is True"]),
    "a light async def": (waits, {"light": True}, ["light", "async def"]),
    "a light one by rows": (one_row, {"light": True, "per_row": True}, ["light", "each record"]),
    "a light one with a key": (takes_any, {"light": True, "effect": "keyed"}, ["light", "'keyed'"]),
    "a light one in a transaction": (
        takes_any,
        {"light": True, "effect": "transactional"},
        ["light", "'transactional'", "goes to disk"],
    ),
    "a light one that does harm": (
        takes_any,
        {"light": True, "effect": "at_most_once"},
        ["light", "'at_most_once'", "goes to disk"],
    ),
    "a port twice": (takes_any, {"outputs": ("a", "a")}, ["twice"]),
    "the engine's port": (takes_any, {"outputs": ("out", "error")}, ["'error'", "onError"]),
    "an effect that is none": (takes_any, {"effect": "safe"}, ["'safe'", "'pure'"]),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_found_at_once(case: str) -> None:
    """What is wrong with a handler is said when it is defined, with the type and what to do."""
    function, options, words = MISTAKES[case]
    named = {"type": "made", **options}
    with pytest.raises(HandlerDefinitionError) as caught:
        handler(**named)(function)
    text = str(caught.value)
    assert [] == [word for word in [f"'{named['type']}'", *words] if word not in text]


# -- what it returns ------------------------------------------------------------------------------


def test_a_value_leaves_by_the_first_port() -> None:
    """What is no Outputs leaves by the first port, a dict with the names of ports too."""
    assert {"yes": 1} == full.ports(1)
    assert {"yes": {"no": 1}} == full.ports({"no": 1})
    assert {"yes": None} == full.ports(None)


def test_outputs_name_their_ports() -> None:
    """Outputs leave by the ports that they name; none at all is fine."""
    assert {"no": 1} == full.ports(Outputs(no=1))
    assert {} == full.ports(Outputs())


class Way(StrEnum):
    """Ports as an author may write them."""

    IN = "in"
    LEFT = "left"
    RIGHT = "right"


class Older(str, Enum):  # noqa: UP042 - it prints otherwise than a `StrEnum`
    """The same, as it was written before there was `StrEnum`."""

    IN = "in"
    LEFT = "left"
    RIGHT = "right"


@pytest.mark.parametrize("ways", [Way, Older])
def test_ports_are_plain_texts(ways: type[Way]) -> None:
    """Ports named by members of an enumeration are their texts, which databases and JSON take."""
    ports = {"inputs": (ways.IN,), "outputs": (ways.LEFT, ways.RIGHT)}
    made = handler(ways.LEFT, **ports)(takes_any)
    named = made.ports(Outputs(**{ways.RIGHT: 1}))
    assert (("in",), ("left", "right"), {"right": 1}) == (made.inputs, made.outputs, named)
    texts = (made.type, *made.inputs, *made.outputs, *named, *made.ports(1))
    assert {str} == set(map(type, texts))


def test_a_port_that_is_not_there() -> None:
    """A typo in a port is an error that names what there is, not a branch that is not taken."""
    with pytest.raises(InvalidResult) as caught:
        full.ports(Outputs(yess=1))
    text = str(caught.value)
    words = ("'full'", "'yess'", "'yes', 'no'", "did you mean 'yes'?")
    assert [] == [word for word in words if word not in text]
    assert "'yess'" in caught.value.text("es")


def test_a_stranger_may_wrap_a_function() -> None:
    """A decorated function is fine as long as its signature still says what it takes."""

    @functools.wraps(takes_records)
    def wrapped(*args: Any) -> Any:
        return takes_records(*args)

    assert "records" == handler("x")(wrapped).wants


def test_a_handler_file_without_future_annotations(tmp_path: Path) -> None:
    """Annotations that are already types are understood as well as those that are texts."""
    space: dict[str, Any] = {}
    source = (
        "from caudal_core import Config, Context, Records, handler\n"
        "@handler('x')\n"
        "def x(config: Config, data: Records, ctx: Context) -> Records:\n"
        "    return data\n"
    )
    exec(compile(source, str(tmp_path / "x.py"), "exec", dont_inherit=True), space)  # noqa: S102
    assert ("records", Config) == (SimpleNamespace(**space).x.wants, space["x"].config)
