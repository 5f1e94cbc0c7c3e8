"""How a file is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from caudal_core.errors import InvalidRequest

FORMATS: Final = ("json", "csv", "xlsx", "parquet", "arrow")
_DECIMALS: Final = (".", ",")
_BREAKING: Final = ('"', "\r", "\n")
_WORDS: Final = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ","}


@dataclass(frozen=True, slots=True)
class Options:
    """The format, and how numbers and fields stand in a csv."""

    format: str = "json"
    delimiter: str = ","
    decimal: str = "."
    bom: bool = False


def options(request: Request) -> Options:
    """`?format=&delimiter=&decimal=&bom=`; `InvalidRequest` says what does not fit."""
    query = request.query_params
    format = query.get("format", "json")
    if format not in FORMATS:
        raise InvalidRequest(
            message=f"format is '{format[:50]}'; it is one of {', '.join(FORMATS)}"
        )
    decimal = query.get("decimal", ".")
    if decimal not in _DECIMALS:
        raise InvalidRequest(message=f"decimal is '{decimal[:50]}'; it is . or , (as %2C)")
    # Who asks for decimal commas has a program that parts fields by semicolons.
    delimiter = query.get("delimiter", ";" if decimal == "," else ",")
    delimiter = _WORDS.get(delimiter, delimiter)
    if len(delimiter) != 1 or delimiter in _BREAKING or delimiter.isalnum() or delimiter in "-+":
        text = f"delimiter is '{delimiter[:50]}'; it is one character such as ; (as %3B) or tab"
        raise InvalidRequest(message=text)
    if delimiter == decimal:
        text = f"delimiter and decimal are both '{decimal}'; give another delimiter, such as %3B"
        raise InvalidRequest(message=text)
    return Options(format, delimiter, decimal, query.get("bom", "") in ("1", "true"))
