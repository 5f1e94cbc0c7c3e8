"""Why a file cannot be read as a PDF."""

from __future__ import annotations

from caudal_core import HandlerError


class UnreadablePdf(HandlerError):
    """A file that is no PDF, is broken, or is protected by a password that is not given."""

    code = "PDF"


def wrong_password(*, given: bool) -> UnreadablePdf:
    """The file wants a password, and there is none or another."""
    if given:
        return UnreadablePdf(
            "the PDF is protected, and the password is another",
            es="el PDF está protegido y la contraseña no es esa",
            hint="set password to the one that opens it",
            hint_es="ponga en password la que lo abre",
        )
    return UnreadablePdf(
        "the PDF is protected by a password",
        es="el PDF está protegido con contraseña",
        hint="set password",
        hint_es="indique password",
    )


def broken(why: str) -> UnreadablePdf:
    """The file is damaged."""
    return UnreadablePdf(
        f"the PDF cannot be read: {why}",
        es=f"el PDF no se puede leer: {why}",
        hint="open it in its own program and save it again",
        hint_es="ábralo en su programa y guárdelo de nuevo",
    )
