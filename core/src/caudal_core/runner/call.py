"""One call of a handler: what it is given, and what becomes of what it returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import alias_generators

from caudal_core.context import Context
from caudal_core.errors import InvalidResult
from caudal_core.handler import Handler, Outputs
from caudal_core.notes import Notes
from caudal_core.payload import LARGE, NO_REPORT, Payload, TablePayload
from caudal_core.records import Records
from caudal_core.values import JSON, encode, normalise
from caudal_core.waits import Wait

MOST_REPORTED = 8_000_000
"""Bytes that stand beside a node's output at most; they are a part of its record."""

Deliveries = Mapping[str, Payload]
"""By input port what was delivered there; a port without a delivery is missing."""


class NodeResult(NamedTuple):
    """What a node handed on, by port, and what it said beside that (journal form, an object).

    `wait` is set where it has not ended, but waits; `state` is what it keeps for the next execution
    (journal form), where that has changed.
    """

    ports: dict[str, Payload]
    message: str | None
    report: bytes
    wait: Wait | None = None
    state: bytes | None = None


def given(handler: Handler, deliveries: Deliveries) -> Any:
    """The data that the function gets, in the form its annotation asks for."""
    if handler.wants == "ports":
        return {
            port: payload.records() if handler.wants_records else payload.copy()
            for port, payload in deliveries.items()
        }
    [payload] = deliveries.values()
    if handler.wants_records or (handler.wants == "data" and isinstance(payload, TablePayload)):
        return payload.records()
    return payload.copy()


def result_of(
    handler: Handler, returned: Any, data: Any, deliveries: Deliveries, said: Notes | None
) -> NodeResult:
    """The node's result; `InvalidResult` if it cannot be handed on."""
    if isinstance(returned, Wait):
        return NodeResult({}, None if said is None else said.message, NO_REPORT, returned)
    if isinstance(returned, Outputs):
        by_port = handler.ports(returned)
        ports = {port: _payload(value, data, deliveries) for port, value in by_port.items()}
    else:
        ports = {handler.outputs[0]: _payload(returned, data, deliveries)}
    if said is None:
        return NodeResult(ports, None, NO_REPORT)
    if not said.report:
        return NodeResult(ports, said.message, NO_REPORT)
    report = _report(said.report, returned, ports)
    encoded = encode(report)
    if len(encoded) > MOST_REPORTED:
        raise InvalidResult(
            f"what is reported takes {len(encoded):,} bytes; {MOST_REPORTED:,} are the limit",
            es=f"lo comunicado ocupa {len(encoded):,} bytes; el límite es {MOST_REPORTED:,}",
            hint="hand large values on by a port",
        )
    return NodeResult(ports, said.message, encoded)


def _payload(value: Any, data: Any, deliveries: Deliveries) -> Payload:
    """What was handed on as it came is the payload that came.

    A plain value may have been changed in place; what is known of its columns goes along with it.
    """
    if value is not data or len(deliveries) != 1:
        return Payload.of(value)
    [payload] = deliveries.values()
    return payload if type(data) is Records else payload.after(value)


@lru_cache(maxsize=1024)
def _wire_name(name: str) -> str:
    return alias_generators.to_camel(name)


def _report(report: dict[str, Any], returned: Any, ports: dict[str, Payload]) -> dict[str, Any]:
    """The report in wire names; a value that a port hands on stands as `{"$port": name}`."""
    first = next(iter(ports), "")
    handed_on = returned if isinstance(returned, Outputs) else {first: returned}
    out = {}
    for name, value in report.items():
        port = _port_of(value, handed_on, ports)
        if port is not None:
            out[_wire_name(name)] = {"$port": port}
            continue
        plain = value.to_json() if isinstance(value, Records) else value
        out[_wire_name(name)] = _own(name, normalise(plain))
    return out


def _port_of(value: Any, handed_on: Mapping[str, Any], ports: Iterable[str]) -> str | None:
    """The port by which the very same value leaves, where that can be told by its identity."""
    long = isinstance(value, str) and len(value) > LARGE
    if not long and not isinstance(value, list | dict | Records):
        return None
    return next((port for port in ports if handed_on[port] is value), None)


def _own(name: str, value: JSON) -> JSON:
    """A reported value that is on no port."""
    if type(value) is dict and value.keys() == {"$port"}:
        raise InvalidResult(
            f"what is reported as '{name}' has the key '$port', which stands for a port's value",
            es=f"lo comunicado como '{name}' tiene la clave '$port', reservada para los puertos",
            hint="name the key otherwise",
        )
    return value


def call(handler: Handler, config: Any, deliveries: Deliveries, ctx: Context) -> NodeResult:
    """Call a `def` handler here and now."""
    data = given(handler, deliveries)
    returned = handler.function(config, data, ctx)
    return with_state(result_of(handler, returned, data, deliveries, ctx.said), ctx)


async def call_async(
    handler: Handler, config: Any, deliveries: Deliveries, ctx: Context
) -> NodeResult:
    """Call an `async def` handler."""
    data = given(handler, deliveries)
    returned = await handler.function(config, data, ctx)
    return with_state(result_of(handler, returned, data, deliveries, ctx.said), ctx)


def with_state(result: NodeResult, ctx: Context) -> NodeResult:
    """The result, with what the node keeps where it has changed that; `InvalidResult`."""
    if not ctx.has_read_state:
        return result
    changed = ctx.changed_state()
    return result if changed is None else result._replace(state=changed)
