"""Uses of the public API as authors write them; the type checker reads this file, nobody runs it.

A line with `type: ignore` is a mistake that the checker must find: if it did not, the comment
would be unused, which is an error itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, assert_type

from caudal_core import (
    JSON,
    Call,
    CaudalError,
    Config,
    Context,
    Data,
    DataError,
    Event,
    Field,
    Handler,
    HandlerError,
    Outcome,
    Outputs,
    Question,
    Records,
    Reply,
    Row,
    Secret,
    Text,
    Trigger,
    TriggerContext,
    UnknownField,
    Wait,
    ZoneName,
    handler,
    hookimpl,
)
from caudal_core.engine import Engine, EngineOptions, Execution, FolderStorage
from caudal_core.registry import Registry, load_registry
from caudal_core.stores import Entity, Query, RecordStores, Report, filter_of
from caudal_core.testing import (
    MemoryRecordStore,
    Ran,
    Review,
    WorkflowRun,
    check_handler,
    installed_handlers,
    memory_engine,
    review_handler,
    run_handler,
    run_on,
    run_trigger,
    run_workflow,
)

# -- configs --------------------------------------------------------------------------------------


class MeterConfig(Config):
    """Fields of every kind."""

    url: str = Field(title=Text(en="Address", es="Dirección"), description="Of the meter.")
    factor: float = Field(1.0, unit="MWh", ge=0, le=10, examples=[2.5], aliases=["multiplier"])
    retries: int | None = Field(None, title="Retries")
    zone: ZoneName | None = Field(None, title=Text(en="Time zone", es="Zona horaria"))
    mode: Literal["batch", "perRow"] = "batch"
    columns: list[str] = Field(default_factory=list, template=False)
    password: Secret = Field(Secret(""), description=Text(en="Of the meter.", es="Del contador."))


def use_config(config: MeterConfig) -> None:
    """A config's fields have their own types."""
    assert_type(config.url, str)
    assert_type(config.factor, float)
    assert_type(config.retries, int | None)
    assert_type(config.columns, list[str])
    assert_type(config.password.reveal(), str)
    config.factor = 2  # type: ignore[misc]
    config.facter  # type: ignore[attr-defined]  # noqa: B018
    Text(en="a", fr="b")  # type: ignore[call-arg]


# -- handlers in all their forms ------------------------------------------------------------------


@handler("double", effect="pure")
def double(config: MeterConfig, data: Records, ctx: Context) -> Records:
    """Take and give a table."""
    assert_type(data.column("n"), list[Any])
    assert_type(data.columns, list[str])
    assert_type(data.rows(), list[dict[str, Any]])
    for row in data:
        assert_type(row, Row)
        row["n"] = 1  # type: ignore[index]
    data.columns = ["n"]  # type: ignore[misc]
    return data.with_column("n", [2 * value for value in data.column("n")])


@handler("inColumns", effect="pure")
def in_columns(config: Config, data: Records, ctx: Context) -> Records:
    """Work on an Arrow table, which has no types of its own."""
    assert_type(data.in_columns, bool)
    assert_type(data.nbytes, int)
    ctx.afford(2 * data.nbytes, "records")
    assert_type(data.where([True]), Records)
    assert_type(data.slice(0, 5), Records)
    assert_type(Records.concat([data, data]), Records)
    return Records(data.arrow(), metadata=data.metadata)


@handler("handedOn", effect="pure")
def handed_on(config: Config, data: Data, ctx: Context) -> Data:
    """Hand on whatever it is, in the form in which it is held."""
    return data


@handler("anything")
def anything(config: Config, data: Any, ctx: Context) -> JSON:
    """Take and give any JSON value."""
    return {"got": data}


@handler(
    "meet",
    version=2,
    title=Text(en="Meet", es="Reunir"),
    description="Two tables side by side.",
    category="logic",
    icon="join",
    inputs=("A", "B"),
    outputs=("both", "left"),
    effect="pure",
    light=True,
    migrate=lambda config, version: {**config, "version": version},
)
def meet(config: Config, data: Mapping[str, Records], ctx: Context) -> Outputs:
    """Take two tables and name the ports to leave by."""
    assert_type(data["A"], Records)
    return Outputs(both=data["A"], left=[])


@handler("row", per_row=True)
def one_row(config: Config, data: Row, ctx: Context) -> Row:
    """Take one record at a time."""
    return {**data, "seen": True}


@handler("fetch", effect="idempotent")
async def fetch(config: MeterConfig, data: Any, ctx: Context) -> JSON:
    """Wait for something outside."""
    await asyncio.sleep(0)
    return config.url


@handler("wrongEffect", effect="save")  # type: ignore[arg-type]
def wrong_effect(config: Config, data: Any, ctx: Context) -> None:
    """An effect that there is not."""


@handler("wrongPorts", outputs="out")  # type: ignore[arg-type]
def wrong_ports(config: Config, data: Any, ctx: Context) -> None:
    """Ports that are one text."""


@handler("wrongOption", lite=True)  # type: ignore[call-arg]
def wrong_option(config: Config, data: Any, ctx: Context) -> None:
    """An option that there is not."""


@handler(type=5)  # type: ignore[arg-type]
def wrong_type(config: Config, data: Any, ctx: Context) -> None:
    """A type that is no text."""


handler("notAFunction")(5)  # type: ignore[arg-type]


def use_handler(ctx: Context) -> None:
    """A handler is a value that is called like its function, and cannot be changed."""
    assert_type(double, Handler)
    assert_type(double.inputs, tuple[str, ...])
    assert_type(double.title.es, str)
    assert_type(double.parse({"url": "x"}), Config)
    double(Config(), Records(), ctx)
    double.light = True  # type: ignore[misc]
    double(Config(), Records())  # type: ignore[call-arg]


# -- the context ----------------------------------------------------------------------------------


@handler("speaks")
def speaks(config: MeterConfig, data: Records, ctx: Context) -> Records:
    """Say and ask for things."""
    ctx.say("read", row_count=len(data))
    ctx.log.info("read %d rows", len(data))
    ctx.progress(1, 2.5, "rows")
    ctx.check()
    assert_type(ctx.now(), datetime)
    assert_type(ctx.attempt, int)
    assert_type(ctx.organization, str | None)
    assert_type(ctx.labels, Mapping[str, str])
    assert_type(ctx.render(config.url, data), list[Any])
    ctx.say(message=5)  # type: ignore[arg-type]
    ctx.execution_id = "e"  # type: ignore[misc]
    ctx.log.debug("no such level")  # type: ignore[attr-defined]
    return data


# -- errors ---------------------------------------------------------------------------------------


class NoSuchTag(HandlerError):
    """An error of a package's own."""

    code = "NO_SUCH_TAG"
    en = "there is no tag '{tag}'"
    es = "no existe la etiqueta '{tag}'"


def use_errors() -> None:
    """Errors say what is wrong in two languages."""
    try:
        raise NoSuchTag(tag="TI-101")
    except CaudalError as error:
        assert_type(error.text("es"), str)
        assert_type(error.hint(), str)
        assert_type(error.node_id, str | None)
    raise DataError("no rows", es="sin filas", hint="look before", hint_es="mire antes")


def use_errors_wrongly() -> None:
    """What an error does not take is found."""
    DataError(5)  # type: ignore[arg-type]
    UnknownField("a")  # type: ignore[call-arg]
    UnknownField("a", known="b")  # type: ignore[arg-type]


# -- a plugin -------------------------------------------------------------------------------------


@hookimpl
def caudal_handlers() -> Iterable[Handler]:
    """Give the handlers."""
    return (double, anything, meet, one_row, fetch)


# -- tests of a package ---------------------------------------------------------------------------


def use_testing() -> None:
    """The kit's values have types of their own."""
    ran = run_handler(double, [{"n": 1}], {"url": "x"}, timezone="Europe/Madrid")
    assert_type(ran, Ran)
    assert_type(ran.outputs, dict[str, Any])
    assert_type(ran.message, str | None)
    assert_type(check_handler(double, strict=True), Review)
    assert_type(review_handler(double, config={"url": "x"}).score, int)
    assert_type(installed_handlers("caudal-builtin"), list[Handler])
    found = run_workflow({"nodes": []}, {"day": 1}, double, anything)
    assert_type(found, WorkflowRun)
    assert_type(found.status, str)
    assert_type(found.outputs("a"), dict[str, Any])
    run_handler("double", [])  # type: ignore[arg-type]
    run_workflow({"nodes": []}, double)  # type: ignore[arg-type]
    check_handler([double])  # type: ignore[arg-type]


async def use_memory_engine() -> None:
    """An engine for tests is an engine."""
    async with memory_engine(double, max_queued=5) as engine:
        assert_type(engine, Engine)
        assert_type(await run_on(engine, {"nodes": []}), WorkflowRun)


def use_records(ctx: Context) -> None:
    """What a handler does with entities and their records."""
    meters = ctx.records.find("meters", "counters")
    assert_type(meters, Entity)
    query = Query(where=filter_of({"field": "kWh", "operator": ">", "value": 5}), limit=10)
    assert_type(ctx.records.read(meters, query).records, list[dict[str, Any]])
    report = ctx.records.write(meters, [{"meter": "A"}], mode="upsert", keys=["meter"])
    assert_type(report, Report)
    assert_type(report.ids, tuple[str, ...])
    ctx.records.write(meters, [], mode="replace")  # type: ignore[arg-type]
    ctx.records.read("meters")  # type: ignore[arg-type]
    given: RecordStores = RecordStores.of(MemoryRecordStore(meters=[{"meter": "A"}]))
    run_handler(double, [], records=given)


# -- waiting, and what became of an effect ---------------------------------------------------------


async def valve_is_open(
    config: Config, data: Any, key: str, since: datetime, ctx: Context
) -> Outcome:
    """Look whether it was done."""
    return Outcome.happened(data) if since < ctx.now() else Outcome.unknown()


@handler("openValve", effect="at_most_once", reconcile=valve_is_open)
def open_valve(config: Config, data: Any, ctx: Context) -> Outputs | Wait:
    """Ask, then do it."""
    if ctx.answer is None:
        ctx.state["asked"] = True
        return Wait(Question("Open it?", user_name="Ana"), seconds=60, memo={"n": 1})
    assert_type(ctx.answer, Reply)
    assert_type(ctx.answer.approved, bool)
    return Outputs(out=data)


def use_wait() -> None:
    """A test of such a handler."""
    assert_type(run_handler(open_valve, 1).wait, Wait | None)
    run_handler(open_valve, 1, answer=Reply(approved=True))
    Wait("Open it?")  # type: ignore[arg-type]


# -- embedding ------------------------------------------------------------------------------------


async def use_engine() -> None:
    """An engine over a folder, from start to end."""
    options = EngineOptions(timezone="Europe/Madrid", max_queued=100)
    storage = FolderStorage("data")
    async with Engine(load_registry(), storage=storage, options=options) as engine:
        execution = await engine.submit({"nodes": []}, {"day": 1}, labels={"user": "42"})
        assert_type(execution, Execution)
        assert_type(await execution.finished(10), bool)
        assert_type(execution.record.error, str | None)
        assert_type(await engine.cancel(execution.id), tuple[bool, str])
        execution.record.state = "done"  # type: ignore[assignment]
        engine.submit([double])  # type: ignore[arg-type, unused-coroutine]
    Engine(Registry.of(double), storage="data")  # type: ignore[arg-type]
    Registry.of(double.function)  # type: ignore[arg-type]


# -- triggers -------------------------------------------------------------------------------------


class Ticker(Trigger[MeterConfig]):
    """A trigger in all its parts."""

    name = "ticker"
    config = MeterConfig

    def wanted(self, config: MeterConfig) -> bool:
        """Whether there is something to listen for."""
        return config.retries is not None

    async def listen(self, config: MeterConfig, ctx: TriggerContext) -> AsyncIterator[Event]:
        """Tell of things."""
        assert_type(config.url, str)
        assert_type(ctx.now(), datetime)
        assert_type(ctx.last, datetime | None)
        await ctx.sleep(config.factor)
        yield Event("key", {"n": 1}, planned=ctx.now(), overlap="queue")
        yield Event("key", overlap="wait")  # type: ignore[arg-type]
        yield "key"  # type: ignore[misc]

    def receive(self, config: MeterConfig, call: Call) -> Event | None:
        """Take a call."""
        assert_type(call.method, str)
        if call.method != config.mode:
            return None
        return Event(call.headers.get("x-id"), {"data": call.data})


def use_run_trigger() -> None:
    """What a trigger tells of in a test."""
    assert_type(run_trigger(Ticker(), {"url": "x"}, most=2, seconds=60), list[Event])
    run_trigger("ticker")  # type: ignore[arg-type]


class WrongTicker(Trigger[MeterConfig]):
    """A trigger that takes another config than it says."""

    async def listen(self, config: int, ctx: TriggerContext) -> AsyncIterator[Event]:  # type: ignore[override]
        """Tell of nothing."""
        yield Event(f"{ctx.node_id} {config}")


@hookimpl
def caudal_triggers() -> Iterable[Trigger[Any]]:
    """What starts workflows by itself."""
    return (Ticker(),)
