"""The binlog of a server of its own: every change once, in order, also when the reader dies between two batches."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest
from headrace.kits.sql.binlog import BinlogChanges
from headrace.sdk import ConfigError, parse_config
from headrace_connector_mariadb import ChangesConfig

pytestmark = [
    pytest.mark.slow,  # makes and starts a server with a binlog
    pytest.mark.timeout(900),
    pytest.mark.skipif(not shutil.which("mariadbd"), reason="mariadb-server is not installed"),
]


@pytest.fixture
def sql(server: dict[str, Any]) -> Iterator[Any]:
    with closing(pymysql.connect(**{**server, "autocommit": True})) as db, db.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS city")
        cursor.execute("CREATE TABLE city (id INT PRIMARY KEY, name VARCHAR(200), area DECIMAL(10,2))")
        yield cursor.execute


def reader(**config: Any) -> BinlogChanges:
    return BinlogChanges(
        parse_config(ChangesConfig, {"connection": "c", "batch_seconds": 0, "snapshot": "never", **config}), None
    )


def read(ctx: Any, changes: BinlogChanges, cursor: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    found = changes.receive(ctx, cursor, wait_s=0)
    return [row for event in found.events for row in event.rows], dict(found.cursor)


def test_each_kind_of_change_comes_once_in_order(ctx: Any, sql: Any) -> None:
    with closing(reader(tables=["city"])) as changes:
        _, cursor = read(ctx, changes, {})
        sql("INSERT INTO city VALUES (1, '雪 😀', 1.25), (2, NULL, NULL)")
        sql("UPDATE city SET name = 'Bern' WHERE id = 1")
        sql("CREATE TABLE other (id INT)")
        sql("INSERT INTO other VALUES (1)")
        sql("DROP TABLE other")
        sql("DELETE FROM city WHERE id = 2")
        rows, cursor = read(ctx, changes, cursor)
        assert [(row["operation"], row["before"], row["after"]) for row in rows] == [
            ("insert", None, {"id": 1, "name": "雪 😀", "area": "1.25"}),
            ("insert", None, {"id": 2, "name": None, "area": None}),
            ("update", {"id": 1, "name": "雪 😀", "area": "1.25"}, {"id": 1, "name": "Bern", "area": "1.25"}),
            ("delete", {"id": 2, "name": None, "area": None}, None),
        ]
        assert len({row["position"] for row in rows}) == 4
        assert read(ctx, changes, cursor)[0] == []


def test_what_was_not_stored_comes_again_also_within_a_transaction(ctx: Any, sql: Any) -> None:
    with closing(reader()) as first:
        _, cursor = read(ctx, first, {})
    sql("INSERT INTO city VALUES (1,'a',1),(2,'b',2),(3,'c',3)")
    seen = []
    for _ in range(3):  # each reader takes one change of the three, stores it, and dies on the next
        with closing(reader(batch_changes=1)) as changes:
            rows, cursor = read(ctx, changes, cursor)
            seen += [row["after"]["id"] for row in rows]
            read(ctx, changes, cursor)
    assert seen == [1, 2, 3]


def test_a_log_that_was_removed_is_said(ctx: Any, sql: Any) -> None:
    with closing(reader()) as changes:
        _, cursor = read(ctx, changes, {})
    gone = {**cursor, "file": "log.999999"}  # no such file any more, as after PURGE BINARY LOGS
    with closing(reader()) as changes, pytest.raises(ConfigError, match="removed log that was not read"):
        read(ctx, changes, gone)


def test_100_000_changes_while_the_reader_dies_twice(ctx: Any, sql: Any) -> None:
    with closing(reader()) as changes:
        _, cursor = read(ctx, changes, {})
    for start in range(0, 100_000, 5_000):
        values = ",".join(f"({i},'n{i}',{i % 100})" for i in range(start, start + 5_000))
        sql(f"INSERT INTO city VALUES {values}")
    seen: list[int] = []
    deaths = {30_000, 71_000}
    changes = reader(batch_changes=1_000)
    while len(seen) < 100_000:
        rows, after = read(ctx, changes, cursor)
        if len(seen) in deaths:  # read, not stored: it dies
            deaths.remove(len(seen))
            changes.close()
            changes = reader(batch_changes=1_000)
            continue
        assert rows, "the log ends too early"
        seen += [row["after"]["id"] for row in rows]
        cursor = after
    changes.close()
    assert deaths == set()
    assert seen == list(range(100_000))
