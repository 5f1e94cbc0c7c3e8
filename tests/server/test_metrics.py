"""What `/metrics` tells."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from tests.server.serving import Service, flow, node, service

from caudal_server.metrics import METRICS

Found = dict[tuple[str, ...], float]


async def told(here: Service) -> Found:
    """Every sample, by its name and the values of its labels in order."""
    answer = await here.http.get("/metrics")
    assert 200 == answer.status_code
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_nodes_and_executions_are_counted(tmp_path: Path) -> None:
    """Each attempt counts once, by its type and how it ended; so does each execution."""
    async with service(tmp_path) as here:
        await here.run(flow(node("a", "give", value=1), node("b", "fail"), node("c", "output")))
        await here.run(flow(node("a", "give", value=1), node("b", "give")))
        found = await told(here)
    assert 3 == found["caudal_node_attempts_total", "completed", "give"]
    assert 1 == found["caudal_node_attempts_total", "failed", "fail"]
    assert 1 == found["caudal_node_attempts_total", "skipped", "output"]
    assert 0 <= found["caudal_node_seconds_total", "completed", "give"] < 10
    assert (1, 1) == tuple(
        found["caudal_executions_ended_total", state] for state in ("completed", "failed")
    )
    assert 2 == found["caudal_executions_accepted_total",]


async def test_what_has_not_ended_is_there(tmp_path: Path) -> None:
    """Executions by state are those of the database, whatever this process has seen."""
    async with service(tmp_path) as here:
        identity = await here.start(flow(node("a", "gate")))
        await here.until_running(identity)
        await here.engine.journal.flush()
        found = await told(here)
        assert 1 == found["caudal_executions", "running"]
        assert (0, 0) == (found["caudal_queue_depth",], found["caudal_queue_oldest_seconds",])
        await here.post(f"/api/executions/{identity}/cancel")
        await here.ended(identity)
        found = await told(here)
    assert 0 == found["caudal_executions", "running"]


async def test_every_commit_is_measured(tmp_path: Path) -> None:
    """The ranges of a commit's rows and seconds hold each commit once."""
    async with service(tmp_path) as here:
        before = await told(here)
        await here.run(flow(node("a", "give", value=1)))
        found = await told(here)
    commits = found["caudal_commit_seconds_count",] - before["caudal_commit_seconds_count",]
    assert 1 <= commits
    assert (
        commits
        == found["caudal_commit_rows_bucket", "+Inf"] - before["caudal_commit_rows_bucket", "+Inf"]
    )
    # The workflow, its plan, its acceptance, its node and its end.
    assert 5 <= found["caudal_commit_rows_sum",] - before["caudal_commit_rows_sum",]


async def test_bytes_are_those_of_the_folder(tmp_path: Path) -> None:
    """A large value counts from the moment it is kept, and what was there before counts too."""
    async with service(tmp_path) as here:
        assert 0 == (await told(here))["caudal_blob_bytes",]
        await here.run(flow(node("a", "rows", rows=5_000, text="x" * 50)))
        found = await told(here)
        files = [
            path.stat().st_size for path in (tmp_path / "data/blobs").rglob("*") if path.is_file()
        ]
        assert 0 < sum(files) == found["caudal_blob_bytes",]
        assert (tmp_path / "data/caudal.db").stat().st_size <= found["caudal_database_bytes",]
    async with service(tmp_path) as here:
        assert sum(files) == (await told(here))["caudal_blob_bytes",]


async def test_without_a_folder_there_are_no_bytes(tmp_path: Path) -> None:
    """What is not known is not told as nothing."""
    async with service(tmp_path, memory=True) as here:
        await here.run(flow(node("a", "give", value=1)))
        found = await told(here)
    assert not {"caudal_blob_bytes", "caudal_database_bytes"} & {key[0] for key in found}
    assert 1 == found["caudal_executions_ended_total", "completed"]


def test_labels_never_name_one_thing() -> None:
    """A label is a type or a state: an id would make as many series as there are executions."""
    assert {"type", "state"} >= {label for item in METRICS for label in item.labels}
