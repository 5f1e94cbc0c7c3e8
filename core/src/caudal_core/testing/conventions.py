"""The rules about how a handler is declared."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from caudal_core.errors import error_text
from caudal_core.testing.subject import Fault, Subject

_TYPE = re.compile(r"[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*")
_PORT = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_EDITORS_KEY = "keptByTheEditor"


def names(subject: Subject) -> Iterator[Fault]:
    """Type and ports are written as everything on the wire is."""
    handler = subject.handler
    if not _TYPE.fullmatch(handler.type):
        mend = "write it in camelCase, such as readMeter or acme.readMeter"
        yield Fault(f"the type '{handler.type}' is not written as types are", mend)
    for port in (*handler.inputs, *handler.outputs):
        if not _PORT.fullmatch(port):
            mend = "use letters and digits, in camelCase"
            yield Fault(f"the port '{port}' is not written as ports are", mend)
        if port == "error":
            mend = (
                "give it another name; the engine adds `error` where a node's onError asks for it"
            )
            yield Fault("a port is called 'error'", mend)


def docstring(subject: Subject) -> Iterator[Fault]:
    """The function says what it does."""
    if not (subject.handler.function.__doc__ or "").strip():
        yield Fault(
            "the function has no docstring",
            "say what it does, what comes in and leaves by each port, and its errors",
        )


def effect(subject: Subject) -> Iterator[Fault]:
    """Whether a second run does harm is said, not guessed."""
    if not subject.handler.effect_declared:
        yield Fault(
            "the effect is not declared, so it counts as idempotent",
            'write effect="pure" if it only computes; see caudal_core.handler.Effect',
        )


def titles(subject: Subject) -> Iterator[Fault]:
    """People read of the node and of each field in their language."""
    handler = subject.handler
    if not handler.title.es or handler.title.en == handler.type:
        mend = 'write title=Text(en="…", es="…") in @handler'
        yield Fault("the node has no title in English and Spanish", mend)
    for name, field in handler.config.model_fields.items():
        missing = ", ".join(_missing_texts(field))
        if missing:
            mend = 'write Field(…, title=Text(en="…", es="…"), description="…")'
            yield Fault(f"the config field {name} lacks {missing}", mend)


def _missing_texts(field: FieldInfo) -> Iterator[str]:
    extra: Any = field.json_schema_extra
    spanish = extra.get("x-es", {}) if isinstance(extra, dict) else {}
    if not field.title:
        yield "a title in English"
    if not spanish.get("title"):
        yield "a title in Spanish"
    if not field.description:
        yield "a description"


def empty_config(subject: Subject) -> Iterator[Fault]:
    """A node that was just put down works, or says which fields it needs."""
    try:
        subject.handler.parse({}, subject.handler.version)
    except ValidationError:
        return
    except Exception as error:  # noqa: BLE001 - whatever else it is, it is not clear
        mend = "give the field a default, or let a validator raise ValueError with a clear text"
        yield Fault(f"an empty config raises {error_text(error)}", mend)


def schema(subject: Subject) -> Iterator[Fault]:
    """Editors make a form of the schema, and what they find there is a config that is valid."""
    model = subject.handler.config
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            made = model.model_json_schema()
    except Exception as error:  # noqa: BLE001 - any of them leaves an editor without a form
        mend = "use types and defaults that JSON has"
        yield Fault(f"the config has no JSON Schema: {error_text(error)}", mend)
        return
    for key, about in made.get("properties", {}).items():
        if "default" in about and (why := _refused(subject, key, about["default"])):
            mend = "give it a default that its own limits allow"
            yield Fault(f"the default of {key} is refused: {why}", mend)


def _refused(subject: Subject, key: str, default: Any) -> str | None:
    """Why the model does not take the default of one field."""
    try:
        subject.handler.config.model_validate({key: default})
    except ValidationError as error:
        name = subject.handler.config.wire_names().get(key, key)
        mine = [item for item in error.errors() if item["loc"] and item["loc"][0] in (key, name)]
        return str(mine[0]["msg"]) if mine else None
    except Exception:  # noqa: BLE001 - a validator that stumbles: the empty config shows it
        return None
    return None


def unknown_keys(subject: Subject) -> Iterator[Fault]:
    """What an editor keeps in a config is still there when it is read back."""
    if subject.handler.config.model_config.get("extra") != "allow":
        yield Fault(
            f"the config forgets keys such as '{_EDITORS_KEY}'",
            'derive it from caudal_core.Config and leave extra="allow" as it is',
        )
