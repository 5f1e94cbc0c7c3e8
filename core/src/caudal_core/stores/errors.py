"""What can go wrong with entities and their records."""

from __future__ import annotations

from collections.abc import Sequence

from caudal_core.errors import CaudalError, Conflict, DataError, HandlerError, NotFound, nearest


class EntityNotFound(NotFound):
    """No record store has this entity; `looked_in` names the stores, nearest names are hinted."""

    code = "ENTITY_NOT_FOUND"
    en = "there is no entity '{id}'"
    es = "no existe la entidad '{id}'"
    hint_en = "{hint}"
    hint_es = "{hint_es}"

    def __init__(self, ref: str, looked_in: Sequence[str] = (), known: Sequence[str] = ()) -> None:
        near = nearest(ref, list(known))
        places = ", ".join(looked_in)
        super().__init__(
            kind="Entity",
            id=ref,
            looked_in=list(looked_in),
            hint=f"did you mean '{near}'?" if near else places and f"looked in: {places}",
            hint_es=f"¿quiso decir '{near}'?" if near else places and f"se buscó en: {places}",
        )

    @property
    def looked_in(self) -> list[str]:
        """Where it was looked for, in that order."""
        return list(self.params["looked_in"])


class EntityExists(Conflict):
    """An entity of this name is there already."""

    code = "ENTITY_EXISTS"
    en = "there is an entity '{name}' already"
    es = "ya existe una entidad '{name}'"
    hint_en = "write its records, or give the new one another name"
    hint_es = "escriba sus registros o dé otro nombre a la nueva"


class RowRefused(DataError):
    """One record cannot be written, so none of them was; `row` counts from 0."""

    code = "ROW_REFUSED"
    en = "row {row}: {why}; nothing was written"
    es = "fila {row}: {why_es}; no se escribió nada"
    hint_en = "{hint}"
    hint_es = "{hint_es}"

    def __init__(
        self, row: int, why: str, why_es: str = "", *, hint: str = "", hint_es: str = ""
    ) -> None:
        texts = {"why": why, "why_es": why_es or why, "hint": hint, "hint_es": hint_es or hint}
        CaudalError.__init__(self, message="", row=row, **texts)


class StoreFailed(HandlerError):
    """A record store could not be asked; `cause` is what it said."""

    code = "RECORD_STORE_FAILED"
    en = "{store} failed: {cause}"
    es = "{store} ha fallado: {cause}"
    hint_en = "see that its database works and that its setting is right"
    hint_es = "compruebe que su base de datos funciona y que su ajuste es correcto"
