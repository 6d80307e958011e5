"""New rows of a source that is read whole and knows no cursor: a file, in whatever order; each row comes once."""

from __future__ import annotations

from pathlib import Path

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import parse_config
from headrace_node_triggers import headrace_triggers
from headrace_node_triggers.poll import Poll

from nodes.triggers.tests.test_file_arrival import Context

TYPE = next(one for one in headrace_triggers() if one.id == "poll")


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    return tmp_path / "rows.csv"


def polled(table: Path, cursor: dict, **config) -> tuple[list[list[int]], dict]:
    """What one look after another gives, until there is no more; the ids by events, and the place."""
    connector = load_plugins(only=["connector-local_files"], strict=True).registry.connector("local_files")
    opened = connector.open({"root": str(table.parent)})
    given = {"connection": "Files", "stream": table.name, "cursor": "id", **config}
    poll, found = Poll(parse_config(TYPE.config, given), None), []
    while True:
        got = poll.receive(Context(opened), cursor, wait_s=0)
        cursor = dict(got.cursor)
        found += [[row["id"] for row in event.rows] for event in got.events]
        if not got.more:
            opened.close()
            return found, cursor


def test_rows_of_a_file_come_once_and_in_order(table):
    table.write_text("id,name\n3,c\n1,a\n2,b\n")
    found, cursor = polled(table, {}, first="all")
    assert (found, cursor["value"]) == ([[1, 2, 3]], 3)
    table.write_text(table.read_text() + "5,e\n4,d\n")
    found, cursor = polled(table, cursor)
    assert (found, cursor["value"]) == ([[4, 5]], 5)
    assert polled(table, cursor) == ([], cursor)


def test_what_is_there_at_first_does_not_count_unless_asked(table):
    table.write_text("id\n7\n2\n")
    found, cursor = polled(table, {})
    assert (found, cursor["value"]) == ([], 7)
    table.write_text("id\n8\n7\n2\n")
    assert polled(table, cursor)[0] == [[8]]


def test_batches_cut_no_group_and_lose_no_row(table):
    ids = [n // 3 for n in range(60)]
    table.write_text("id\n" + "".join(f"{n}\n" for n in reversed(ids)))
    found, _ = polled(table, {}, first="all", batch_rows=7)
    assert sorted(n for event in found for n in event) == ids
    assert [event[0] for event in found] == sorted({event[0] for event in found}), "no value in two events"
