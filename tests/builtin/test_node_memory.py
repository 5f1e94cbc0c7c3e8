"""What is read and would be more than CAUDAL_NODE_MEMORY: the error names the setting."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.builtin.pdfs import pdf
from tests.builtin.record_stores import EVERY, REAL, opened, save

from caudal_builtin.excel_input import excel_input
from caudal_builtin.fetch_data import fetch_data
from caudal_builtin.pdf_input import pdf_input
from caudal_builtin.store.places import open_application
from caudal_core.errors import NodeMemory
from caudal_core.files import FileAccess
from caudal_core.stores import RecordStores, StorePlace
from caudal_core.tables.weight import weight
from caudal_core.testing import run_handler

ROWS = [{"meter": f"nº {at}", "kWh": at / 4} for at in range(12_000)]
LITTLE = 1_000_000
"""Bytes that are more than a few of these records, and fewer than the first 5,000."""

EACH = {"field": "kWh", "operator": ">=", "value": 0}
"""A filter that every record meets."""


def fetched(stores: RecordStores, memory: int = LITTLE, **config: Any) -> list[dict[str, Any]]:
    """What `fetchData` gives where a node may build so many bytes."""
    config = {"entityName": "meters", **config}
    ran = run_handler(fetch_data, None, config, records=stores, node_memory=memory)
    found: list[dict[str, Any]] = ran.output
    return found


def refused(stores: RecordStores, **config: Any) -> int:
    """How many records the error speaks of."""
    with pytest.raises(NodeMemory) as caught:
        fetched(stores, **config)
    found = re.search(r"(\d+) records; CAUDAL_NODE_MEMORY allows 1,000,000", str(caught.value))
    assert found is not None, str(caught.value)
    return int(found[1])


@EVERY
def test_a_whole_entity_is_refused_and_a_part_is_not(tmp_path: Path, kind: str) -> None:
    """A limit, a filter and more memory are ways out."""
    with opened(kind, tmp_path) as store:
        save(store, "meters", ROWS)
        stores = RecordStores.of(store)
        assert len(ROWS) == refused(stores)
        assert refused(stores, filter=EACH)
        assert 50 == len(fetched(stores, limit=50))
        assert ["nº 400"] == [
            row["meter"] for row in fetched(stores, filter={**EACH, "value": 100, "operator": "="})
        ]
        assert len(ROWS) == len(fetched(stores, memory=100_000_000))


@REAL
def test_it_is_told_before_all_are_read(tmp_path: Path, kind: str) -> None:
    """By the first 5,000 of a whole entity; behind a filter as soon as it has come to that."""
    with opened(kind, tmp_path) as store:
        save(store, "meters", ROWS)
        stores = RecordStores.of(store)
        assert 5_000 == refused(stores, filter=EACH)
        assert 6_000 == refused(stores, limit=6_000)


def test_a_table_of_the_application(tmp_path: Path) -> None:
    """It keeps to the same limit."""
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE meters (id INTEGER PRIMARY KEY, meter TEXT, kWh REAL)")
    rows = [(row["meter"], row["kWh"]) for row in ROWS]
    connection.executemany("INSERT INTO meters (meter, kWh) VALUES (?, ?)", rows)
    connection.commit()
    connection.close()
    store = open_application(StorePlace(records_url=f"sqlite:///{path}"))
    assert store is not None
    try:
        assert 5_000 == refused(RecordStores.of(store))
        assert 50 == len(fetched(RecordStores.of(store), limit=50))
    finally:
        store.close()


def csv_of(count: int, path: Path) -> dict[str, Any]:
    """A file of so many records; what a handler is run with to read it."""
    lines = [f"nº {at};{at},25;{at}" for at in range(count)]
    path.write_text("\n".join(["meter;kWh;n", *lines]), encoding="utf-8")
    return {"files": FileAccess([path.parent])}


def test_a_file_of_records(tmp_path: Path) -> None:
    """The records are weighed before they are made, within half of what they take."""
    count, config = 100, {"filePath": "file.csv"}
    more = csv_of(count, tmp_path / "file.csv")
    taken = weight(run_handler(excel_input, None, config, **more).output)
    with pytest.raises(NodeMemory, match=f"{count} records; CAUDAL_NODE_MEMORY"):
        run_handler(excel_input, None, config, node_memory=taken // 2, **more)
    found = run_handler(excel_input, None, config, node_memory=taken * 3 // 2, **more).output
    assert count == len(found)


def test_a_file_in_columns(tmp_path: Path) -> None:
    """What stays in columns is weighed as columns, which take far less than its rows would."""
    count, config = 12_000, {"filePath": "file.csv"}
    more = csv_of(count, tmp_path / "file.csv")
    with pytest.raises(NodeMemory, match=f"{count} records; CAUDAL_NODE_MEMORY"):
        run_handler(excel_input, None, config, node_memory=20 * count, **more)
    found = run_handler(excel_input, None, config, node_memory=60 * count, **more).output
    assert count == len(found)
    assert weight(found) > 120 * count


def test_the_text_of_a_pdf(tmp_path: Path) -> None:
    """It is counted before its pages are put together."""
    (tmp_path / "file.pdf").write_bytes(pdf(["x" * 40] * 20))
    more = {"files": FileAccess([tmp_path])}
    config = {"filePath": "file.pdf"}
    with pytest.raises(NodeMemory, match=r"text; CAUDAL_NODE_MEMORY allows 1,000"):
        run_handler(pdf_input, None, config, node_memory=1_000, **more)
    assert 20 == run_handler(pdf_input, None, config, node_memory=4_000, **more).output["pages"]
