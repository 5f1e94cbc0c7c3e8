"""What a handler is given, and what becomes of what it returns."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.flows import pass_async, pass_thread
from tests.core.jobs import job, output, runner

from caudal_core import Config, Context, Handler, Outputs, Records, handler
from caudal_core.errors import InvalidResult
from caudal_core.payload import Payload
from caudal_core.values import decode


@pytest.mark.parametrize("made", [pass_thread, pass_async], ids=lambda made: made.type)
@pytest.mark.parametrize("data", [[], {}, None, "text", [1, [2]], {"a": {"b": [None]}}, 2**70])
async def test_values_go_through(made: Handler, data: Any) -> None:
    """A plain value arrives as it is and leaves as it is."""
    async with runner() as running:
        assert data == output(await running.run(job(made, data)))


@handler("changer")
def changer(config: Config, data: Any, ctx: Context) -> Any:
    """Change what came in, and hand it on."""
    data[0]["deep"]["list"].append("changed")
    data.append({"more": 1})
    return data


@handler("rowChanger")
def row_changer(config: Config, data: Any, ctx: Context) -> Any:
    """Change a record that came in, and add one."""
    data[0]["text"] = "changed"
    data.append({"more": 1})
    return data


async def test_a_handler_may_change_what_it_gets() -> None:
    """What a handler does to its data is in what it returns, and nobody else sees it."""
    before = [{"deep": {"list": [1]}}]
    delivered = job(changer, before)
    (payload,) = delivered.deliveries.values()
    async with runner() as made:
        result = await made.run(delivered)
    assert [{"deep": {"list": [1, "changed"]}}, {"more": 1}] == output(result)
    assert [{"deep": {"list": [1]}}] == payload.data


async def test_a_handler_may_change_a_large_value() -> None:
    """Of a large table every record is a copy, so that fields and records may be changed."""
    delivered = job(row_changer, [{"text": "x" * 1000} for _ in range(100)])
    (payload,) = delivered.deliveries.values()
    async with runner() as made:
        found = output(await made.run(delivered))
    assert ("changed", {"more": 1}, 101) == (found[0]["text"], found[-1], len(found))
    assert ("x" * 1000, 100) == (payload.data[0]["text"], len(payload.data))


@handler("keepsRecords")
def keeps_records(config: Config, data: Records, ctx: Context) -> Records:
    """Hand records on as they are."""
    return data


async def test_records_handed_on_are_the_same_payload() -> None:
    """Records that go through unchanged are not encoded again, and keep what is known of them."""
    delivered = job(keeps_records)
    known = {"price": {"unit": "€/MWh"}}
    payload = Payload.of(Records([{"price": 1.5}], metadata=known))
    delivered.deliveries = {"in": payload}
    async with runner() as made:
        assert payload is (await made.run(delivered)).ports["out"]


@handler("wrongPort", outputs=("a", "b"))
def wrong_port(config: Config, data: Any, ctx: Context) -> Outputs:
    """Name a port that is not there."""
    return Outputs(c=1)


@handler("noJson")
def no_json(config: Config, data: Any, ctx: Context) -> Any:
    """Return what JSON does not have."""
    return {"a": [object()]}


@handler("noText")
def no_text(config: Config, data: Any, ctx: Context) -> Any:
    """Return a text that is none."""
    return {"a": "half \ud800"}


@pytest.mark.parametrize(
    ("made", "word"), [(wrong_port, "'c'"), (no_json, "a[0]"), (no_text, "Unicode")]
)
async def test_a_result_that_cannot_be_handed_on(made: Handler, word: str) -> None:
    """What cannot be handed on is the handler's failure, and says what it is."""
    async with runner() as running:
        with pytest.raises(InvalidResult, match=word.replace("[", r"\[")):
            await running.run(job(made))


@handler("speaks", outputs=("a", "b"))
def speaks(config: Config, data: Any, ctx: Context) -> Outputs:
    """Say something beside the output."""
    rows = Records([{"x": 1}])
    ctx.say("two ports", row_count=1, true_rows=rows, when=2.5)
    return Outputs(a=rows, b=None)


async def test_what_is_said_stands_beside_the_output() -> None:
    """A report is in wire names; a value that a port hands on is named, not repeated."""
    async with runner() as made:
        result = await made.run(job(speaks))
    assert "two ports" == result.message
    assert b'{"rowCount":1,"trueRows":{"$port":"a"},"when":2.5}' == result.report


@handler("reports")
def reports(config: Config, data: Any, ctx: Context) -> int:
    """Report what came in."""
    ctx.say("done", **data)
    return 1


async def test_a_report_has_a_limit() -> None:
    """What stands beside the output is a part of a record: beyond a limit it is refused."""
    async with runner() as running:
        result = await running.run(job(reports, {"few": 1, "many": list(range(100_000))}))
        assert {"few": 1, "many": list(range(100_000))} == decode(result.report)
        with pytest.raises(InvalidResult, match="8,000,000 are the limit"):
            await running.run(job(reports, {"many": "x" * 8_000_000}))


@handler("tells")
def tells(config: Config, data: Any, ctx: Context) -> Any:
    """Report what is handed on."""
    ctx.say("done", told=data)
    return data


@pytest.mark.parametrize(
    ("value", "once"), [(1, False), ("ok", False), ([1], True), ("x" * 70_000, True)]
)
async def test_what_is_handed_on_is_kept_once(value: Any, *, once: bool) -> None:
    """A reported value that a port hands on stands as that port, if it is more than a word."""
    async with runner() as running:
        result = await running.run(job(tells, value))
    assert {"told": {"$port": "out"} if once else value} == decode(result.report)


async def test_a_reserved_key_in_a_report() -> None:
    """What would be taken for the value of a port is refused."""
    async with runner() as running:
        with pytest.raises(InvalidResult, match=r"'\$port'"):
            await running.run(job(reports, {"odd": {"$port": "out"}}))
