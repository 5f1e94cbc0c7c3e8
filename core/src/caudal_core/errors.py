"""The errors of Caudal, one tree.

    CaudalError
    ├── HandlerError            raised by handlers: what the outside world or the data refused
    │   ├── DataError           the input does not have the shape that the node needs
    │   │   ├── UnknownField    a field that no record has
    │   │   ├── MixedMerge      what arrived at one port does not go together
    │   │   └── RowRefused      a record that cannot be written
    │   ├── TemplateError       a template that cannot be read
    │   ├── NotAvailable        a part of Caudal that is not installed or not switched on
    │   ├── FileRefused         a file that is missing or that may not be read
    │   ├── NodeMemory          a node that would build more than it may
    │   ├── WorkerLimit         work in a process of its own took too long or too much memory
    │   ├── WorkerCrashed       the process that did a piece of work did not survive it
    │   ├── StoreFailed         a record store that could not be asked
    │   └── InvalidResult       what a handler returned cannot be handed on
    ├── NodeTimeout             a node ran longer than its limit
    ├── ExecutionCancelled      somebody cancelled
    ├── InvalidWorkflow         a workflow with problems, all of them listed
    ├── InvalidRequest          a call whose arguments do not fit
    │   └── KeyReused           a key that was used for another call already
    ├── NotFound                no workflow, execution, node or handler has this id
    │   └── EntityNotFound      no record store has an entity of this id or name
    ├── Conflict                what is stored has changed meanwhile
    │   └── EntityExists        there is an entity of this name already
    ├── Overloaded              too much is waiting already
    ├── Unavailable             the journal cannot write, or the engine is stopping
    │   └── InUse               a folder or a port that something else holds
    ├── CallFailed              a URL that did not take what it was told
    │   └── CallRefused         one that never will
    ├── HandlerDefinitionError  a handler that is written wrong, found when it is defined
    └── PluginError             a plugin that could not be taken in

Every error has a stable `code`, the `params` its texts are made from, a text in English and in
Spanish and, where there is something to do, a hint. All of them pickle, so that any runner can
carry them.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self


class CaudalError(Exception):
    """Base of all errors; subclasses state `code`, `en`, `es` and the hints as templates."""

    code: ClassVar[str] = "ERROR"
    en: ClassVar[str] = "{message}"
    es: ClassVar[str] = "{message}"
    hint_en: ClassVar[str] = ""
    hint_es: ClassVar[str] = ""

    def __init__(self, **params: Any) -> None:
        super().__init__()
        self.params = params
        self.node_id: str | None = None

    def text(self, language: str = "en") -> str:
        """The message in `language` (`es`, else English), without the hint."""
        return (self.es if language == "es" else self.en).format_map(self.params)

    def hint(self, language: str = "en") -> str:
        """What to do about it, or an empty text."""
        return (self.hint_es if language == "es" else self.hint_en).format_map(self.params)

    def at(self, node_id: str) -> Self:
        """The same error, knowing the node it happened in."""
        self.node_id = node_id
        return self

    def __str__(self) -> str:
        return error_text(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.params, self.node_id)


def _rebuild(cls: type[CaudalError], params: dict[str, Any], node_id: str | None) -> CaudalError:
    error = cls.__new__(cls)
    CaudalError.__init__(error, **params)
    error.node_id = node_id
    return error


class HandlerError(CaudalError):
    """What a handler raises: `HandlerError("the tank is empty", es="el tanque está vacío")`.

    A package may derive its own with `code`, `en` and `es` as templates over keyword arguments.
    """

    code = "HANDLER"
    hint_en = "{hint}"
    hint_es = "{hint_es}"

    def __init__(
        self, message: str = "", *, es: str = "", hint: str = "", hint_es: str = "", **params: Any
    ) -> None:
        texts = {"message": message, "message_es": es or message}
        hints = {"hint": hint, "hint_es": hint_es or hint}
        super().__init__(**texts, **hints, **params)

    def text(self, language: str = "en") -> str:
        """The message in `language`; a literal message is never taken for a template."""
        if self.params["message"]:
            return str(self.params["message_es" if language == "es" else "message"])
        return super().text(language)


class DataError(HandlerError):
    """The input does not have the shape that the node needs."""

    code = "DATA"


class UnknownField(DataError):
    """A field that no record has; lists the fields there are."""

    code = "UNKNOWN_FIELD"
    en = "unknown field '{field}'; the fields are: {known}"
    es = "campo desconocido '{field}'; los campos son: {known}"
    hint_en = "{nearest}"
    hint_es = "{nearest_es}"

    def __init__(self, field: str, known: list[str]) -> None:
        near = nearest(field, known)
        CaudalError.__init__(
            self,
            message="",
            field=field,
            known=", ".join(known[:40]) + (", …" if len(known) > 40 else "") or "none",
            nearest=f"did you mean '{near}'?" if near else "",
            nearest_es=f"¿quiso decir '{near}'?" if near else "",
        )


class MixedMerge(DataError):
    """What arrived at one port does not go together; `kinds` says what that was."""

    code = "MIXED_MERGE"
    en = "port '{port}' gets {kinds}, which cannot be merged"
    es = "el puerto '{port}' recibe valores que no se pueden mezclar: {kinds}"
    hint_en = "bring them together with a join node, or connect only one of them"
    hint_es = "júntelos con un nodo join o conecte solo uno de ellos"

    def __init__(self, port: str, kinds: list[str]) -> None:
        CaudalError.__init__(self, message="", port=port, kinds=" and ".join(kinds))


class TemplateError(HandlerError):
    """A template that cannot be read."""

    code = "TEMPLATE"


class NotAvailable(HandlerError):
    """A part of Caudal that is not installed or not switched on."""

    code = "NOT_AVAILABLE"


class FileRefused(HandlerError):
    """A file that is missing or that may not be read."""

    code = "FILE_REFUSED"


class WorkerLimit(HandlerError):
    """Work in a process of its own that took too long or too much memory, and was ended."""

    code = "WORKER_LIMIT"

    @classmethod
    def seconds(cls, what: str, seconds: float) -> Self:
        """It took longer than it may."""
        return cls(
            f"{what} took longer than {seconds:g} s and was ended",
            es=f"{what} tardó más de {seconds:g} s y se detuvo",
            hint="split the file, or raise CAUDAL_FILE_SECONDS",
            hint_es="divida el archivo o aumente CAUDAL_FILE_SECONDS",
        )

    @classmethod
    def memory(cls, what: str, memory: int) -> Self:
        """It asked for more memory than it may have."""
        size = f"{memory / 2**20:,.0f} MiB"
        return cls(
            f"{what} asked for more than {size} of memory and was ended",
            es=f"{what} pidió más de {size} de memoria y se detuvo",
            hint="split the file, or raise CAUDAL_FILE_MEMORY",
            hint_es="divida el archivo o aumente CAUDAL_FILE_MEMORY",
        )


class WorkerCrashed(HandlerError):
    """The process that did a piece of work did not survive it."""

    code = "WORKER_CRASHED"

    def __init__(self, what: str, exit_code: int | None, last_words: str) -> None:
        ending = f" (exit code {exit_code})" if exit_code is not None else ""
        lines = last_words.strip().splitlines()
        why = f": {lines[-1][:300]}" if lines else ""
        super().__init__(
            f"{what} ended the process that did it{ending}{why}"
            if exit_code is not None
            else f"{what} failed{why}",
            es=f"{what} falló{ending}{why}",
            hint="the file is damaged or hostile: open it in its own program and save it again",
            hint_es="el archivo está dañado: ábralo en su programa y guárdelo de nuevo",
        )


class InvalidResult(HandlerError):
    """What a handler returned cannot be handed on."""

    code = "INVALID_RESULT"


class NodeMemory(HandlerError):
    """A node would build more than it may; counted before it is built."""

    code = "NODE_MEMORY"
    en = "the node would build about {size:,} bytes of {what}; CAUDAL_NODE_MEMORY allows {limit:,}"
    es = "el nodo crearía unos {size:,} bytes de {what}; CAUDAL_NODE_MEMORY permite {limit:,}"
    hint_en = "give it fewer records or columns, or raise CAUDAL_NODE_MEMORY"
    hint_es = "dele menos registros o columnas, o aumente CAUDAL_NODE_MEMORY"

    def __init__(self, size: int, limit: int, what: str) -> None:
        CaudalError.__init__(self, message="", size=size, limit=limit, what=what)


class NodeTimeout(CaudalError):
    """A node ran longer than its limit, in seconds."""

    code = "TIMEOUT"
    en = "timed out after {seconds:g} s"
    es = "superó el tiempo máximo de {seconds:g} s"
    hint_en = "raise the node's timeoutSeconds or give it less to do"
    hint_es = "aumente timeoutSeconds del nodo o dele menos trabajo"


class ExecutionCancelled(CaudalError):
    """Somebody cancelled the execution."""

    code = "CANCELLED"
    en = "the execution was cancelled"
    es = "la ejecución fue cancelada"


class InvalidWorkflow(CaudalError):
    """A workflow with problems; `problems` lists every one (see `caudal_core.graph`)."""

    code = "INVALID_WORKFLOW"
    en = "the workflow has {count} problem(s): {summary}"
    es = "el flujo tiene {count} problema(s): {summary}"

    @property
    def problems(self) -> list[dict[str, Any]]:
        """Each as `{code, message, nodeId?, connectionId?, pointer}`."""
        return list(self.params["problems"])

    @classmethod
    def of(cls, problems: list[dict[str, Any]]) -> Self:
        """The error for these problems; its text sums up the first ten."""
        shown = [str(problem["message"]) for problem in problems[:10]]
        more = [f"and {len(problems) - 10} more"] if len(problems) > 10 else []
        summary = "; ".join(shown + more)
        return cls(problems=problems, count=len(problems), summary=summary)


class InvalidRequest(CaudalError):
    """A call whose arguments do not fit."""

    code = "INVALID_REQUEST"


class KeyReused(InvalidRequest):
    """A key that was used for another call already."""

    code = "IDEMPOTENCY_KEY_REUSED"
    en = "the key was used for another call already, which began the execution {id}"
    es = "la clave ya se usó en otra llamada, que inició la ejecución {id}"
    hint_en = "send the same call again to get that execution, or take a new key for this one"
    hint_es = "repita la misma llamada para obtener esa ejecución o use otra clave para esta"


class NotFound(CaudalError):
    """Nothing of this kind has this id."""

    code = "NOT_FOUND"
    en = "{kind} {id} not found"
    es = "no existe {kind} {id}"


class Conflict(CaudalError):
    """What is stored has changed meanwhile, or contradicts what is asked."""

    code = "CONFLICT"


class Overloaded(CaudalError):
    """Too much is waiting already; `seconds` says when to try again."""

    code = "OVERLOADED"
    en = "{queued} executions are waiting, the limit is {limit}"
    es = "hay {queued} ejecuciones en espera, el límite es {limit}"
    hint_en = "try again in {seconds:g} s, or raise CAUDAL_MAX_QUEUED"
    hint_es = "reintente en {seconds:g} s o aumente CAUDAL_MAX_QUEUED"


class Unavailable(CaudalError):
    """The journal cannot write, or the engine is stopping."""

    code = "UNAVAILABLE"
    hint_en = "try again in a few seconds"
    hint_es = "reintente en unos segundos"


class InUse(Unavailable):
    """A folder or a port that something else holds."""

    code = "IN_USE"
    hint_en = "stop what holds it, or choose another"
    hint_es = "detenga lo que lo ocupa o elija otro"


class CallFailed(CaudalError):
    """A URL that did not take what it was told; it is called again."""

    code = "CALL_FAILED"


class CallRefused(CallFailed):
    """A URL that will never take what it is told; it is not called again."""

    code = "CALL_REFUSED"


class HandlerDefinitionError(CaudalError):
    """A handler that is written wrong, found when it is defined."""

    code = "HANDLER_DEFINITION"


class PluginError(CaudalError):
    """A plugin that could not be taken in."""

    code = "PLUGIN"


def nearest(name: str, known: list[str]) -> str | None:
    """The known name that is most like `name`, if any is."""
    from difflib import get_close_matches

    lowered = {item.lower(): item for item in reversed(known[:2000])}
    found = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def clean_text(value: object) -> str:
    """Any value as a text that can be written anywhere; what is half a character becomes `?`."""
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 - it is somebody else's code
        text = f"({type(value).__name__} without a readable text)"
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "?")


def error_text(error: BaseException, language: str = "en") -> str:
    """«cause; what to do» for a person, of any exception, whatever it does when it is asked."""
    name = type(error).__name__
    try:
        if isinstance(error, CaudalError):
            parts = (error.text(language), error.hint(language))
            return clean_text("; ".join(filter(None, parts)))
    except Exception:  # noqa: BLE001 - a template of somebody else's error class has a hole
        return clean_text(f"{name}: {vars(error).get('params')}")
    text = clean_text(error).strip()
    return f"{name}: {text}" if text else name
