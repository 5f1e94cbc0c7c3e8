"""The handler `humanApproval`."""

from __future__ import annotations

from typing import Any, Literal

from caudal_builtin.wording import amount
from caudal_core import Config, Context, Field, HandlerError, Outputs, Question, Text, Wait, handler


class HumanApprovalConfig(Config):
    """Who is asked, what, and for how long."""

    assigned_user_id: str = Field(
        "",
        title=Text(en="User id", es="Id del usuario"),
        description=Text(
            en="Whose decision it is; empty: anybody's.",
            es="De quién es la decisión; vacío: de cualquiera.",
        ),
        template=False,
    )
    assigned_user_name: str = Field(
        "",
        title=Text(en="User", es="Usuario"),
        description=Text(en="The name to show.", es="El nombre que se muestra."),
        template=False,
    )
    notification_channel: str = Field(
        "",
        title=Text(en="Channel", es="Canal"),
        description=Text(
            en="Where the person is told, for whoever sends such notices; nothing is sent here.",
            es="Dónde se avisa a la persona, para quien envíe los avisos; aquí no se envía nada.",
        ),
        template=False,
    )
    message: str = Field(
        "",
        title=Text(en="Question", es="Pregunta"),
        description=Text(
            en="What is to be decided; empty: the name of the node.",
            es="Qué hay que decidir; vacío: el nombre del nodo.",
        ),
        template=False,
    )
    approval_timeout: float | None = Field(
        None,
        title=Text(en="Time limit", es="Plazo"),
        description=Text(
            en="How long the answer is waited for; empty: without an end.",
            es="Cuánto se espera la respuesta; vacío: sin fin.",
        ),
        aliases=("approvalTimeoutSeconds",),
        gt=0,
        le=31_536_000,
        unit="s",
    )
    on_timeout: Literal["fail", "reject", "approve"] = Field(
        "fail",
        title=Text(en="Without an answer", es="Sin respuesta"),
        description=Text(
            en="When the time is over: fail, or go on as if it had been rejected or approved.",
            es="Cuando acaba el plazo: fallar, o seguir como si se rechazara o aprobara.",
        ),
    )


class NobodyAnswered(HandlerError):
    """Nobody has decided in time."""

    code = "NOT_DECIDED"
    en = "nobody decided within {seconds:g} s"
    es = "nadie decidió en {seconds:g} s"
    hint_en = "raise approvalTimeout, or say with onTimeout how to go on"
    hint_es = "aumente approvalTimeout o indique con onTimeout cómo seguir"

    def __init__(self, seconds: float) -> None:
        super().__init__(message="", seconds=seconds)


@handler(
    "humanApproval",
    title=Text(en="Approval", es="Aprobación"),
    description=Text(
        en="Wait until a person approves or rejects.",
        es="Espera a que una persona apruebe o rechace.",
    ),
    category="basic",
    icon="user-check",
    outputs=("true", "false"),
    effect="idempotent",
    light=True,
)
def human_approval(config: HumanApprovalConfig, data: Any, ctx: Context) -> Outputs | Wait:
    """Wait until a person approves or rejects.

    Ports:
        in: anything.
        true: what came in, where it was approved; if data came with the decision, that instead.
        false: the same, where it was rejected. Beside the output stand `approved`, `decidedBy`,
            `decidedAt`, `comment`, `approvalId` and `timedOut`.

    The open questions are at `GET /api/approvals`; `POST /api/approvals/{id}` decides one, once.
    While it waits the execution is `waiting`: it takes no memory, and it survives restarts. The
    time that the node may take (`timeoutSeconds`) counts while it waits, too.

    Errors:
        NOT_DECIDED: nobody decided within `approvalTimeout`, and `onTimeout` is `fail`.
    """
    reply = ctx.answer
    if reply is None:
        who = config.assigned_user_name or config.assigned_user_id
        ctx.say(f"waits for the decision of {who or 'a person'} on {amount(data)}")
        user = config.assigned_user_id, config.assigned_user_name
        question = Question(config.message, *user, config.notification_channel)
        return Wait(question, seconds=config.approval_timeout)
    if reply.late and config.on_timeout == "fail":
        raise NobodyAnswered(config.approval_timeout or 0)
    approved = config.on_timeout == "approve" if reply.late else reply.approved
    by = " as nobody decided in time" if reply.late else f" by {reply.person or 'a person'}"
    said = f"{'approved' if approved else 'rejected'}{by}"
    ctx.say(
        f"{said}: {reply.comment}" if reply.comment else said,
        approved=approved,
        decided_by=reply.person,
        decided_at=reply.decided.isoformat().replace("+00:00", "Z") if reply.decided else None,
        comment=reply.comment,
        approval_id=reply.approval_id,
        timed_out=reply.late,
    )
    handed_on = data if reply.data is None else reply.data
    return Outputs(true=handed_on) if approved else Outputs(false=handed_on)
