"""The config of a node: one typed model that is its schema, its form, its docs and its defaults."""

from __future__ import annotations

import typing
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

import pydantic
from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from caudal_core.errors import InvalidRequest
from caudal_core.text import Text


class Secret(SecretStr):
    """A text that never shows itself: not in a repr, a log or an answer. `reveal()` reads it."""

    def reveal(self) -> str:
        """The secret itself, for the call that needs it."""
        return self.get_secret_value()


def Field(  # noqa: N802 - it stands where pydantic's Field stands
    default: Any = ...,
    *,
    title: Text | str | None = None,
    description: Text | str | None = None,
    unit: str | None = None,
    aliases: tuple[str, ...] | list[str] = (),
    template: bool = True,
    examples: list[Any] | None = None,
    **limits: Any,
) -> Any:
    """A field of a config.

    `unit` is that of a number (`s`, `ms`, `MWh`). `aliases` are older camelCase names that stored
    workflows may carry. `template=False` says that `{{…}}` means nothing in this text. `limits`
    are pydantic's own (`ge`, `le`, `min_length`, `pattern`, `default_factory`, …).
    """
    title_text, about = Text.of(title or ""), Text.of(description or "")
    extra: dict[str, Any] = {} if template else {"x-template": False}
    if title or description:
        spanish = {"title": title_text.es, "description": about.es}
        extra["x-es"] = {key: text for key, text in spanish.items() if text}
    if unit:
        extra["x-unit"] = unit
    if aliases:
        extra["x-aliases"] = list(aliases)
    if "default_factory" not in limits:
        limits["default"] = default
    return pydantic.Field(
        title=title_text.en or None,
        description=about.en or None,
        examples=examples,
        json_schema_extra=extra or None,
        **limits,
    )


class Config(BaseModel):
    """Base of all configs, and the config of a handler that has none.

    On the wire a field's name is camelCase, made from the Python name. Values may come as editors
    store them: numbers as text (`"502"`), lists as text (`"a, b"`); an empty text and null mean
    absent except where a text is wanted, where null does. Unknown keys are kept.
    """

    model_config = ConfigDict(
        extra="allow",
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        validate_default=False,
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
        arbitrary_types_allowed=False,
    )
    __caudal_names__: ClassVar[dict[str, str]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.__caudal_names__ = _names(cls)

    @model_validator(mode="before")
    @classmethod
    def _as_stored(cls, data: Any) -> Any:
        """Bring what an editor stored to what the fields want."""
        if not isinstance(data, dict):
            return data
        out = {key: value for key, value in data.items() if key not in cls.__caudal_names__}
        for key, name in cls.__caudal_names__.items():
            if key not in data or _absent(data[key], cls.model_fields[name]):
                continue
            if out.get(name) in (None, ""):  # an older key counts where the newer one is empty
                out[name] = _lift(data[key], cls.model_fields[name])
        return out

    @classmethod
    def wire_names(cls) -> dict[str, str]:
        """From every key that may be stored to the name of its field."""
        return cls.__caudal_names__

    @classmethod
    def template_fields(cls) -> list[str]:
        """The names of the fields whose texts may hold `{{…}}`."""
        return [name for name, field in cls.model_fields.items() if _takes_templates(field)]

    @classmethod
    def secret_fields(cls) -> list[str]:
        """The names of the fields whose values are never shown."""
        return [n for n, field in cls.model_fields.items() if Secret in _types(field.annotation)]

    @classmethod
    def known_keys(cls) -> list[str]:
        """Every key that means something on the wire, aliases too."""
        return [key for key, name in cls.__caudal_names__.items() if "_" not in key or key != name]

    @classmethod
    def unknown_keys(cls, config: dict[str, Any]) -> list[str]:
        """The keys of a stored config that mean nothing to this handler."""
        return [key for key in config if key not in cls.__caudal_names__]


def _names(cls: type[Config]) -> dict[str, str]:
    """From every key that may be stored to the field it means; the field's own name first."""
    found: dict[str, str] = {}
    for name, field in cls.model_fields.items():
        extra = field.json_schema_extra
        aliases: Any = extra.get("x-aliases", []) if isinstance(extra, dict) else []
        for key in (name, field.alias or name, *aliases):
            found.setdefault(key, name)
    return found


def _takes_templates(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return not (isinstance(extra, dict) and extra.get("x-template") is False)


def _types(annotation: Any) -> set[Any]:
    """The plain types that an annotation allows: `list[int] | None` gives `{list, NoneType}`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _types(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return set().union(*map(_types, get_args(annotation)))
    if origin is typing.Literal:
        return {typing.Literal}
    return {origin or annotation}


def _absent(value: Any, field: FieldInfo) -> bool:
    types = _types(field.annotation)
    if value is None:
        return not types & {Any, NoneType}
    return value == "" and not types & {str, Any, Secret}


def _lift(value: Any, field: FieldInfo) -> Any:
    types = _types(field.annotation)
    if isinstance(value, bool) and types & {int, float} and bool not in types:
        return [value]  # fails as a number does: pydantic alone would take true for 1
    if isinstance(value, str) and str not in types and Any not in types:
        if types & {list, tuple, set}:
            return _split(value)
        if types & {int, float}:
            return _plain_number(value)
    return value


def _split(value: str) -> Any:
    """A list stored as text: a JSON list, or items between commas or line ends."""
    text = value.strip()
    if text.startswith("["):
        from caudal_core.intake import loads

        try:
            return loads(text, what="the list")
        except InvalidRequest as error:
            raise ValueError(str(error)) from None
    return [item.strip() for item in text.replace("\n", ",").split(",") if item.strip()]


def _plain_number(value: str) -> str:
    """`1,5` is read as 1.5; everything else is left for pydantic to judge."""
    text = value.strip()
    return text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
