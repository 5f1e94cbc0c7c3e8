"""What can go wrong while a workflow is looked for."""

from __future__ import annotations

from collections.abc import Sequence

from caudal_core.errors import CaudalError, NotFound


class WorkflowNotFound(NotFound):
    """No place has a workflow of this id; `looked_in` names the places."""

    def __init__(self, workflow_id: str, looked_in: Sequence[str]) -> None:
        super().__init__(kind="Workflow", id=workflow_id, looked_in=list(looked_in))

    @property
    def looked_in(self) -> list[str]:
        """Where it was looked for, in that order."""
        return list(self.params["looked_in"])


class SourceFailed(CaudalError):
    """A place could not be asked, or what it gave is no workflow."""

    code = "WORKFLOW_SOURCE_FAILED"
    en = "{source} could not give the workflow {id}: {cause}"
    es = "{source} no pudo dar el flujo {id}: {cause}"
    hint_en = "see that it works and that its setting is right"
    hint_es = "compruebe que funciona y que su ajuste es correcto"


class SourceTimeout(CaudalError):
    """A place took too long to answer."""

    code = "WORKFLOW_SOURCE_TIMEOUT"
    en = "{source} did not give the workflow {id} within {seconds:g} s"
    es = "{source} no dio el flujo {id} en {seconds:g} s"
    hint_en = "try again, or see why it is slow"
    hint_es = "reintente o averigüe por qué es lento"


class Unusable(Exception):
    """Inside this package: why one place cannot answer; the finder adds which and for what."""
