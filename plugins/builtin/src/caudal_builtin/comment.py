"""The handler `comment`."""

from __future__ import annotations

from typing import Any

from caudal_core import Config, Context, Data, Field, Text, handler


class CommentConfig(Config):
    """What the comment says."""

    comment_text: str = Field(
        "",
        title=Text(en="Text", es="Texto"),
        description=Text(en="A note for people.", es="Una nota para las personas."),
        template=False,
    )


@handler(
    "comment",
    title=Text(en="Comment", es="Comentario"),
    description=Text(
        en="Say something about the workflow; data goes through unchanged.",
        es="Explica algo del flujo; los datos pasan sin cambios.",
    ),
    category="basic",
    icon="message-square",
    effect="pure",
    light=True,
)
def comment(config: CommentConfig, data: Data, ctx: Context) -> Any:
    """Say something about the workflow; data goes through unchanged.

    Ports:
        in: anything.
        out: the same, unchanged.
    """
    ctx.say("handed on unchanged")
    return data
