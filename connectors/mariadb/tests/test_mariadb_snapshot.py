"""The rows that are there, then the changes: nothing missing, nothing twice, while others write and readers die."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import Any

import pymysql
import pytest
from headrace.kits.sql import binlog_snapshot
from headrace.kits.sql.binlog import BinlogChanges
from headrace.sdk import ConfigError, parse_config
from headrace.testing.changes import ROWS, Writer, follow
from headrace_connector_mariadb import ChangesConfig

pytestmark = [
    pytest.mark.slow,  # makes and starts a server with a binlog
    pytest.mark.timeout(900),
    pytest.mark.skipif(not shutil.which("mariadbd"), reason="mariadb-server is not installed"),
]
TABLES = {
    "whole": "id bigint primary key, n int",
    "words": "id varchar(50) character set utf8mb4 collate utf8mb4_general_ci primary key, n int",
    "pair": "id int, part binary(2) default x'c3ff', n int, primary key (part, id)",
}
KEYS = {"whole": int, "words": lambda n: f"{'aBcDé'[n % 5]} {n}", "pair": int}


def source(**config: Any) -> BinlogChanges:
    given = {"connection": "c", "batch_seconds": 0, "batch_changes": 100, "tables": list(TABLES), **config}
    return BinlogChanges(parse_config(ChangesConfig, given), None)


@pytest.fixture
def db(server: dict[str, Any]):
    with closing(pymysql.connect(**{**server, "autocommit": True})) as opened:
        cursor = opened.cursor()
        cursor.execute("show tables")
        for (name,) in cursor.fetchall():
            cursor.execute(f"drop table `{name}`")
        yield cursor


@pytest.mark.parametrize("deaths", [0, 12])
@pytest.mark.parametrize("way", ["mariadb", "mysql"])
def test_rows_and_changes_meet_without_a_gap_while_others_write_and_readers_die(
    server, ctx, db, deaths, way, monkeypatch
):
    if way == "mysql":  # a server that does not tell the position of a transaction is held still for it
        monkeypatch.setattr(binlog_snapshot, "_MARIADB", "SHOW STATUS LIKE 'nothing'")
    for name, columns in TABLES.items():
        db.execute(f"create table {name} ({columns}) engine innodb")
        db.executemany(f"insert into {name} (id, n) values (%s, 0)", [[KEYS[name](n)] for n in range(ROWS)])
    writers = [Writer(lambda: pymysql.connect(**server), KEYS, number) for number in range(3)]
    copy, cursor, views = follow(source, ctx, writers, deaths=deaths, within_s=300)
    there = {}
    for name in TABLES:
        db.execute(f"select id, n from {name}")
        there |= {(name, id_): n for id_, n in db.fetchall()}
    assert copy.rows == there
    assert copy.counts["read"] > 2 * ROWS
    assert min(copy.counts[kind] for kind in ("insert", "update", "delete")) > 20
    assert (views > 3) == bool(deaths)
    assert "snapshot" not in cursor, "what was seen is forgotten once no change can be one of it"


def test_reads_have_the_form_of_changes(ctx, db):
    db.execute("""create table wide (id int primary key, flag bit(3), tiny bool, real4 float, real8 double, area
        decimal(10, 2), day date, at timestamp(6) null, clock time, moment datetime(3), mood enum('a', 'b'),
        many set('x', 'y', 'z'), raw varbinary(10), large blob, words text, doc json, `odd %s name` int)""")
    values = """insert into wide values (%s, b'101', true, 0.1, 0.1, 51.60, '2026-01-02', '2026-01-02 03:04:05.123456',
        '-12:30:01', '2026-01-02 03:04:05.120', 'b', 'x,z', x'00ff', x'00ff', 'snow 雪', '{"a": [1, null]}', 7)"""
    db.execute(values, [1])
    cursor: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    with closing(source(tables=["wide"])) as reader:
        for _ in range(8):
            received = reader.receive(ctx, cursor, wait_s=1)
            rows += [row for event in received.events for row in event.rows]
            cursor = dict(received.cursor)
            if len(rows) == 1:
                db.execute(values, [2])
    read, insert = rows
    assert (read["operation"], insert["operation"]) == ("read", "insert")
    assert read.keys() == insert.keys()
    assert {**read["after"], "id": 2} == insert["after"]


def test_what_cannot_be_read_in_pieces_is_refused(ctx, db):
    db.execute("create table keyless (id int)")
    db.execute("create table odd (id enum('a', 'b') primary key)")
    db.execute("create table old (id int primary key) engine myisam")
    for tables, said in [
        (["keyless"], "'keyless' of .* has no primary key of whole numbers, text or dates"),
        (["odd"], "'odd' of .* has no primary key of whole numbers, text or dates"),
        (["old"], "'old' of .* is of MyISAM, so its rows cannot be read as of one moment"),
        (["nowhere"], "there is no table 'nowhere' in .*; correct its name"),
    ]:
        with closing(source(tables=tables)) as reader:
            cursor = dict(reader.receive(ctx, {}, wait_s=0).cursor)
            with pytest.raises(ConfigError, match=said):
                reader.receive(ctx, cursor, wait_s=0)
    with closing(source(tables=["keyless"], snapshot="never")) as reader:
        assert "snapshot" not in reader.receive(ctx, {}, wait_s=0).cursor
