"""Values on the wire: what is a number, what is text, and times that nobody gives a zone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.acceptance.flows import chain, field, flow, made, node, table
from tests.acceptance.serving import Server

MADRID, CANARY = "Europe/Madrid", "Atlantic/Canary"
LOCAL = "2026-03-01T12:00"


def computed(server: Server, expression: str, value: Any) -> Any:
    """What an expression makes of `[v]`."""
    more = node("f", "addField", {"fieldName": "v", "expression": expression})
    return server.completed(chain(made("a", {"v": value}), more)).final["v"]


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1, 0, 7])
def test_whole_numbers_that_every_reader_keeps_are_numbers(server: Server, number: int) -> None:
    """Whole numbers up to ±(2⁵³-1) are numbers on the wire."""
    found = server.completed(flow([made("a", {"v": number})])).final["v"]
    assert (number, int) == (found, type(found))


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**53 + 1, 2**64 + 1, 10**40])
def test_larger_whole_numbers_are_text(server: Server, number: int) -> None:
    """Whole numbers beyond ±(2⁵³-1) are text on the wire: final output, entries, node and data."""
    run = server.completed(flow([made("a", {"v": number})]))
    path = f"/api/executions/{run.status['executionId']}/nodes/a/data"
    assert {"v": str(number)} == run.final == run.output("a")
    assert {"v": str(number)} == server.get(path)["data"]


def test_inside_they_are_numbers(server: Server) -> None:
    """What is text on the wire for its size is a number inside: 1 can be added to it."""
    assert str(2**53 + 2) == computed(server, "[v] + 1", 2**53 + 1)
    assert 2**53 - 1 == computed(server, "[v] - 2", 2**53 + 1)


def test_each_kind_of_value_has_its_form(server: Server) -> None:
    """Long decimals are text, others numbers; NaN and infinities null; bytes base64; ISO 8601."""
    expected = {
        "beyond": "9007199254740993",
        "below": "-9007199254740993",
        "largest": 9007199254740991,
        "long": "0.1234567890123456789",
        "short": 12.5,
        "float": 0.1,
        "nan": None,
        "infinite": None,
        "bytes": "AP9jYXVkYWw=",
        "duration": "P1DT3600.5S",
        "date": "2026-03-29",
        "local": "2026-03-29T02:30:00",
        "zoned": "2026-03-29T02:30:00+00:00",
        "time": "02:30:00",
        "id": "00000000-0000-0000-0000-000000000007",
    }
    assert expected == server.completed(flow([node("a", "trialValues")])).final


def test_numbers_are_numbers_inside(server: Server) -> None:
    """Whole numbers and decimals of any length reach the next node as numbers."""
    found = server.completed(chain(node("a", "trialValues"), node("b", "trialTypes"))).final
    names = ("beyond", "below", "largest", "long", "short", "float")
    assert ["int", "int", "int", "Decimal", "float", "float"] == [found[name] for name in names]


def test_long_decimals_are_computed_with(server: Server) -> None:
    """An expression takes a decimal of more than 15 digits as the number that it is."""
    more = node("f", "addField", {"fieldName": "v", "expression": "[long] * 2"})
    found = server.completed(chain(node("a", "trialValues"), more)).final["v"]
    assert "0.2469135780246913578" == found


def test_numbers_of_the_caller_come_back(server: Server) -> None:
    """Numbers that came in as JSON numbers leave as the same numbers."""
    numbers = [0.1, 1e-7, 123456789.12345, -0.0, 1e300, 5, 5.0]
    found = server.completed(flow([node("t", "trigger")]), {"v": numbers}).final["v"]
    assert list(map(repr, numbers)) == list(map(repr, found))


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-29T02:30",
        "2026-03-29 02:30:00",
        "2026-03-29T02:30:00.123456",
        "2026-10-25T02:30:00",
        "2026-03-29",
        "29/03/2026 02:30",
        "2026-03-29T02:30:00Z",
        "2026-03-29T02:30:00+02:00",
    ],
)
def test_nothing_adds_a_zone(server: Server, text: str) -> None:
    """A date-time without a zone stays without one through nodes, records and the whole wire."""
    nodes = [
        table("t", [{"when": text}]),
        field("f", "same", "{{when}}"),
        field("g", "text", "at {{when}}"),
        node("o", "output"),
    ]
    run = server.completed(chain(*nodes), {"when": text})
    assert [{"when": text, "same": text, "text": f"at {text}"}] == run.final
    assert text == server.completed(flow([node("t", "trigger")]), {"when": text}).final["when"]


def test_a_files_times_stay_without_a_zone(server: Server) -> None:
    """A column of local times in a csv is handed on in ISO 8601 and without a zone."""
    (server.files / "local.csv").write_text("when;kWh\n29/03/2026 01:45;1,5\n29/03/2026 03:00;2\n")
    read = node("x", "excelInput", {"filePath": str(server.files / "local.csv")})
    found = server.completed(flow([read])).final
    assert ["2026-03-29T01:45:00", "2026-03-29T03:00:00"] == [row["when"] for row in found]


# -- where a zone is needed ------------------------------------------------------------------------


def later_than(server: Server, when: str, limit: str, zone: str = "", **settings: Any) -> Any:
    """The entry of a condition that asks whether one time is after another."""
    config = {"conditionField": "t", "conditionOperator": "greaterThan", "conditionValue": limit}
    decide = node("c", "condition", {**config, "timezone": zone} if zone else config)
    workflow = chain(made("a", {"t": when}), decide, settings=settings)
    return server.completed(workflow).entries["c"]["outputData"]


@pytest.mark.parametrize(
    ("zone", "settings", "expected"),
    [
        ("", {}, MADRID),
        ("", {"timezone": CANARY}, CANARY),
        (MADRID, {"timezone": CANARY}, MADRID),
        (CANARY, {}, CANARY),
    ],
)
def test_the_zone_is_the_nodes_or_the_workflows_or_the_servers(
    server: Server, zone: str, settings: Any, expected: str
) -> None:
    """The node's `timezone`, else `settings.timezone`, else CAUDAL_TIMEZONE; the result says it."""
    found = later_than(server, LOCAL, "2026-03-01T11:30:00Z", zone, **settings)
    # 12:00 is 11:00 Z in Madrid and 12:00 Z in the Canary Islands.
    assert (expected == CANARY) is found["conditionResult"]
    assert expected in str(found)


def test_without_need_no_zone_is_told(server: Server) -> None:
    """Two times without a zone are compared as they are, and no zone is spoken of."""
    found = later_than(server, LOCAL, "2026-03-01T11:30")
    assert found["conditionResult"]
    assert MADRID not in str(found)


@pytest.mark.parametrize(
    ("local", "why"),
    [("2026-03-29T02:30", "does not exist"), ("2026-10-25T02:30", "exists twice")],
)
def test_an_unclear_local_time_is_an_error(server: Server, local: str, why: str) -> None:
    """A local time that does not exist, or exists twice, is an error with its row."""
    rows = [{"t": "2026-03-01T00:00"}, {"t": local}]
    config = {
        "conditionField": "t",
        "conditionOperator": "greaterThan",
        "conditionValue": "2026-01-01T00:00:00Z",
        "processingMode": "perRow",
    }
    run = server.run(chain(table("a", rows), node("c", "condition", config)))
    assert "failed" == run.state
    assert why in run.status["error"]
    assert "row 1" in run.status["error"]
    assert MADRID in run.status["error"]


@pytest.mark.parametrize(
    ("ambiguous", "limit", "expected"),
    [
        ("first", "2026-10-25T00:30:00Z", False),
        ("first", "2026-10-25T00:29:59Z", True),
        ("second", "2026-10-25T01:30:00Z", False),
        ("second", "2026-10-25T01:29:59Z", True),
    ],
)
def test_an_unclear_local_time_may_be_decided(
    server: Server, ambiguous: str, limit: str, *, expected: bool
) -> None:
    """With `ambiguous` `first` or `second` one of the two times is meant."""
    config = {
        "conditionField": "t",
        "conditionOperator": "greaterThan",
        "conditionValue": limit,
        "ambiguous": ambiguous,
    }
    workflow = chain(made("a", {"t": "2026-10-25T02:30"}), node("c", "condition", config))
    found = server.completed(workflow).entries["c"]["outputData"]
    assert expected is found["conditionResult"]


def test_an_unclear_local_time_may_be_inferred(server: Server) -> None:
    """With `ambiguous` `infer` the order of the rows tells which of the two times is meant."""
    hours = ["01:30", "02:30", "02:30", "03:30"]
    config = {
        "conditionField": "t",
        "conditionOperator": "lessThan",
        "conditionValue": "2026-10-25T01:00:00Z",
        "processingMode": "perRow",
        "ambiguous": "infer",
    }
    rows = table("a", [{"t": f"2026-10-25T{hour}"} for hour in hours])
    run = server.run(chain(rows, node("c", "condition", config)))
    assert (2, 2) == tuple(
        run.entries["c"]["outputData"][key] for key in ("trueCount", "falseCount")
    )
