"""The handler form: a typed function, made into a frozen value by `@handler`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from caudal_core.config import Config
from caudal_core.errors import HandlerDefinitionError, InvalidResult, nearest
from caudal_core.records import Data
from caudal_core.text import Text

Effect = Literal["pure", "idempotent", "keyed", "transactional", "at_most_once"]
"""What a second run would do to the world: nothing (`pure`), nothing more (`idempotent`), nothing
more because the key is sent along (`keyed`) or written with it (`transactional`), or harm."""

UNRECORDED: Final[tuple[Effect, ...]] = ("pure", "idempotent")
"""Effects that may be called before their start is on disk: a second run does no harm."""

Function = Callable[..., Any]
ConfigClass = type[Config]
Reconcile = Callable[..., Any]
"""`(config, data, key, since, ctx)`, `def` or `async def`, that returns an `Outcome`."""

Migrate = Callable[[dict[str, Any], int], dict[str, Any]]
Wants = Literal["records", "value", "data", "ports"]

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_RECORDS = re.compile(r"\bRecords\b")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_PORT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")


class Outputs(dict[str, Any]):
    """What leaves by which port: `Outputs(true=rows)`. A port left out is a branch not taken."""

    def __init__(self, **ports: Any) -> None:
        super().__init__(ports)


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """One node type. It is called like its function: `add_field(config, data, ctx)`."""

    type: str
    function: Function
    config: ConfigClass
    version: int
    title: Text
    description: Text
    category: str
    icon: str | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    effect: Effect
    effect_declared: bool
    light: bool
    per_row: bool
    migrate: Migrate | None
    wants: Wants
    wants_records: bool
    is_async: bool
    reconcile: Reconcile | None = None

    def __call__(self, config: Config, data: Any, ctx: Any) -> Any:
        """The function itself."""
        return self.function(config, data, ctx)

    def parse(self, config: Mapping[str, Any] | None, version: int = 1) -> Config:
        """The typed config from a stored one, lifted from the version that it was stored at."""
        stored = dict(config or {})
        if self.migrate is not None and version < self.version:
            stored = self.migrate(stored, version)
        return self.config.model_validate(stored)

    def ports(self, result: Any) -> Mapping[str, Any]:
        """By port what the function returned; `InvalidResult` for a port it does not have."""
        if not isinstance(result, Outputs):
            return {self.outputs[0]: result}
        for name in result:
            if name not in self.outputs:
                raise _unknown_port(self, name)
        return {_exact(name): value for name, value in result.items()}


def _unknown_port(handler: Handler, name: str) -> InvalidResult:
    near = nearest(name, list(handler.outputs))
    hint = f"did you mean '{near}'?" if near else "give the port in outputs=(…) of @handler"
    return InvalidResult(
        f"'{handler.type}' returned the port '{name}'; it has {_names(handler.outputs)}",
        es=f"'{handler.type}' devolvió el puerto '{name}', que no tiene",
        hint=hint,
    )


def handler(
    type: str,
    *,
    version: int = 1,
    title: Text | str = "",
    description: Text | str = "",
    category: str = "other",
    icon: str | None = None,
    inputs: tuple[str, ...] = ("in",),
    outputs: tuple[str, ...] = ("out",),
    effect: Effect | None = None,
    light: bool = False,
    migrate: Migrate | None = None,
    per_row: bool = False,
    reconcile: Reconcile | None = None,
) -> Callable[[Function], Handler]:
    """Make a function `(config, data, ctx)` the handler of a node type.

    `def` for computing, which runs in a thread; `async def` for waiting on the outside. `light`
    is for a `def` that does next to nothing, and nothing that a second run would do twice: it is
    called on the spot while its input is small.
    `per_row` gives the function one record at a time; the engine keeps the order. `reconcile` is
    for an `at_most_once` handler that can ask the world: `(config, data, key, since, ctx)` returns
    an `Outcome`, when a run of the node that began at `since` (UTC) was cut off. Raises
    `HandlerDefinitionError`, which says what is wrong with the function.
    """

    def define(function: Function) -> Handler:
        _check_names(type, inputs, outputs, effect)
        _check_version(type, version)
        parameters = _parameters(type, function)
        config = _config_class(type, function, parameters[0])
        if per_row:
            _check_per_row(type, inputs, outputs)
        if reconcile is not None:
            _check_reconcile(type, reconcile, effect or "idempotent")
        if light:
            _check_light(type, function, effect or "idempotent", per_row=per_row)
        wants, wants_records = _wanted(type, function, parameters[1], inputs, per_row=per_row)
        summary = inspect.getdoc(function) or ""
        return Handler(
            type=_exact(type),
            function=function,
            config=config,
            version=version,
            title=Text.of(title or type),
            description=Text.of(description or summary.partition("\n")[0]),
            category=category,
            icon=icon,
            inputs=tuple(map(_exact, inputs)),
            outputs=tuple(map(_exact, outputs)),
            effect=effect or "idempotent",
            effect_declared=effect is not None,
            light=light,
            per_row=per_row,
            migrate=migrate,
            wants=wants,
            wants_records=wants_records,
            is_async=inspect.iscoroutinefunction(function),
            reconcile=reconcile,
        )

    return define


def _wrong(type_: str, why: str, hint: str) -> HandlerDefinitionError:
    return HandlerDefinitionError(message=f"the handler '{type_}': {why}; {hint}")


def _parameters(type_: str, function: Function) -> list[inspect.Parameter]:
    hint = "write def name(config: MyConfig, data: Records, ctx: Context)"
    if not inspect.isfunction(function):
        raise _wrong(type_, f"{function!r} is no function", hint)
    found = list(inspect.signature(function).parameters.values())
    if len(found) != 3:
        raise _wrong(type_, f"its function takes {len(found)} parameters, not 3", hint)
    for parameter in found:
        if parameter.kind not in _BY_POSITION:
            raise _wrong(type_, f"its parameter '{parameter}' is not taken by position", hint)
    return found


def _annotation(function: Function, parameter: inspect.Parameter) -> Any:
    """The annotation itself; only this one is resolved, so others may be for the checker alone."""
    found = parameter.annotation
    if not isinstance(found, str):
        return found
    closure = inspect.getclosurevars(function)
    try:
        return eval(found, {**function.__globals__, **closure.nonlocals})  # noqa: S307
    except Exception:  # noqa: BLE001 - a name that only the type checker knows, or none at all
        return found


def _config_class(type_: str, function: Function, parameter: inspect.Parameter) -> type[Config]:
    found = _annotation(function, parameter)
    if isinstance(found, type) and issubclass(found, Config):
        return found
    if isinstance(found, str):
        why = f"the annotation '{found}' of its config cannot be resolved"
        hint = "define the config at module level and import it at run time"
        raise _wrong(type_, why, hint)
    why = f"its first parameter '{parameter.name}' is not annotated with a Config"
    raise _wrong(type_, why, "derive your config from caudal_core.Config, or write config: Config")


def _wanted(
    type_: str,
    function: Function,
    parameter: inspect.Parameter,
    inputs: tuple[str, ...],
    *,
    per_row: bool,
) -> tuple[Wants, bool]:
    found = _annotation(function, parameter)
    text = found if isinstance(found, str) else getattr(found, "__qualname__", str(found))
    records = text == "Records" or text.endswith(".Records")
    if found in (Data, "Data") and len(inputs) == 1 and not per_row:
        return "data", False
    mentioned = _RECORDS.search(f"{found}") is not None
    if len(inputs) > 1:
        if records:
            hint = "annotate data: Mapping[str, Records], one entry a port"
            raise _wrong(type_, f"it has {len(inputs)} input ports but takes one Records", hint)
        return "ports", mentioned
    if mentioned and not records:
        hint = "annotate data: Records for a table, or data: Any for the plain value"
        raise _wrong(type_, f"its data is annotated {text}, which is neither", hint)
    if per_row and records:
        hint = "annotate data: Row (or dict[str, Any])"
        raise _wrong(type_, "per_row gives it one record, but it takes Records", hint)
    return ("records", True) if records else ("value", False)


def _check_per_row(type_: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
    if len(inputs) > 1 or len(outputs) > 1:
        why = "per_row takes records in by one port and hands them on by one"
        raise _wrong(type_, why, "leave the ports as they are, or take all records at once")


def _check_light(type_: str, function: Function, effect: str, *, per_row: bool) -> None:
    hint = "leave light out"
    if inspect.iscoroutinefunction(function):
        raise _wrong(type_, "light is for a def that is called on the spot; async def waits", hint)
    if per_row:
        raise _wrong(type_, "light is for one short call; per_row makes one for each record", hint)
    if effect not in UNRECORDED:
        why = f"the start of a handler with the effect '{effect}' goes to disk before the call"
        raise _wrong(type_, f"{why}, but a light one is called on the spot", hint)


def _check_reconcile(type_: str, reconcile: Reconcile, effect: str) -> None:
    hint = "write def name(config, data, key, since, ctx) -> Outcome"
    if not inspect.isfunction(reconcile) or len(inspect.signature(reconcile).parameters) != 5:
        raise _wrong(type_, f"its reconcile {reconcile!r} does not take 5 parameters", hint)
    if effect != "at_most_once":
        why = f"with the effect '{effect}' a second run does no harm, so that nothing is reconciled"
        raise _wrong(type_, why, "leave reconcile out, or declare the effect at_most_once")


def _check_version(type_: str, version: object) -> None:
    if type(version) is not int or version < 1:
        raise _wrong(type_, f"its version is {version!r}", "give a whole number, 1 or more")


def _check_names(
    type_: str, inputs: tuple[str, ...], outputs: tuple[str, ...], effect: str | None
) -> None:
    if not _matches(_TYPE, type_):
        raise _wrong(type_, "the type is no name", "use letters, digits, '_', '.' and '-'")
    ports: tuple[object, ...] = (inputs, outputs)
    if not all(isinstance(names, tuple | list) for names in ports):
        raise _wrong(type_, "its ports are no tuple", "write one, such as outputs=('out',)")
    if not inputs or not outputs:
        raise _wrong(type_, "it has no port", "leave inputs and outputs at ('in',) and ('out',)")
    for name in (*inputs, *outputs):
        if not _matches(_PORT, name):
            raise _wrong(type_, f"the port {name!r} is no name", "use letters, digits and '_'")
    if "error" in outputs:
        hint = "leave it out; onError: branch brings it"
        raise _wrong(type_, "the port 'error' belongs to the engine", hint)
    if len(set(inputs)) < len(inputs) or len(set(outputs)) < len(outputs):
        raise _wrong(type_, "a port is named twice", "give each port its own name")
    if effect is not None and effect not in get_args(Effect):
        raise _wrong(type_, f"there is no effect '{effect}'", f"use {_names(get_args(Effect))}")


def _matches(form: re.Pattern[str], name: object) -> bool:
    return isinstance(name, str) and form.fullmatch(name) is not None


def _exact(text: str) -> str:
    """The text itself, where it may be a member of an enumeration: no database would take that."""
    return str.__str__(text)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"
