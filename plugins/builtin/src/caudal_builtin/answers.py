"""The parts of an HTTP answer, filled from data."""

from __future__ import annotations

import json
import re

from caudal_builtin.row_errors import shown
from caudal_core import CaudalError, Data, DataError, Records, Row
from caudal_core.formats import as_text
from caudal_core.intake import loads
from caudal_core.template import (
    Template,
    compile_template,
    render_value,
    require_fields,
    templates_in,
)
from caudal_core.values import JSON, to_wire

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]|[^\x00-\xff]")
_QUOTE = re.compile(r'\\.|(")', re.DOTALL)


def wrong_name(name: str) -> bool:
    """Whether no header can be called so."""
    return not _NAME.fullmatch(name)


def header_text(name: str, value: JSON, data: Data) -> str:
    """The value of a header, filled from the object or the first record."""
    if any(templates_in(value)):
        row, columns = _first(value, data)
        value = render_value(value, row, columns=columns)
    text = as_text(value).strip()
    if _UNSENDABLE.search(text):
        raise DataError(
            f"the header '{name}' holds characters that HTTP does not carry: {shown(text)}",
            es=f"la cabecera '{name}' contiene caracteres que HTTP no admite: {shown(text)}",
            hint="leave out line ends, control characters and all beyond Latin-1",
            hint_es="quite saltos de línea, caracteres de control y los ajenos a Latin-1",
        )
    return text


def body_of(template: JSON, data: Data) -> JSON:
    """The body that a template gives, filled from the object or the first record.

    A text that, once filled, is JSON gives that JSON value; another text is the body itself.
    """
    row, columns = _first(template, data) if any(templates_in(template)) else ({}, [])
    if not isinstance(template, str):
        return render_value(template, row, columns=columns)
    filled = compile_template(template).render(row, columns=columns)
    if not isinstance(filled, str):
        return filled
    try:
        return loads(_as_json(template, row, columns))
    except CaudalError:
        return filled


def _first(value: JSON, data: Data) -> tuple[Row, list[str]]:
    """The object or the first record to fill `value` from, and the columns of its table."""
    records = data if isinstance(data, Records) else Records.of(data)
    require_fields(value, records)
    for row in records.slice(0, 1):
        return row, records.columns
    raise DataError(
        "there is no record to fill the answer's templates from",
        es="no hay ningún registro con el que rellenar las plantillas de la respuesta",
        hint="lead the branch without records to another webhookResponse",
        hint_es="lleve la rama sin registros a otro webhookResponse",
    )


def _as_json(template: str, row: Row, columns: list[str]) -> str:
    """The filled text as JSON wants it: texts inside quotes escaped, null outside them written.

    Numbers that no JavaScript reader keeps stand outside them as texts, as everywhere on the wire.
    """
    out, quoted = [], False
    for part in compile_template(template).parts:
        if isinstance(part, str):
            quoted ^= sum(map(bool, _QUOTE.findall(part))) % 2 == 1
            out.append(part)
            continue
        value = Template((part,)).render(row, columns=columns)
        if quoted:
            out.append(json.dumps(as_text(value), ensure_ascii=False)[1:-1])
        else:
            out.append(as_text(value) if type(value) is str else to_wire(value).decode())
    return "".join(out)
