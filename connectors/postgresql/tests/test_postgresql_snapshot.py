"""The rows that are there, then the changes: nothing missing, nothing twice, while others write and readers die."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, parse_config
from headrace.testing.changes import ROWS, Writer, follow
from headrace_connector_postgresql import headrace_triggers
from headrace_connector_postgresql.changes import Changes
from headrace_connector_postgresql.pgoutput import Change, Relation
from headrace_connector_postgresql.snapshot import Reading, View

(TYPE,) = headrace_triggers()
TABLES = {
    "whole": "bigint primary key", "words": "text primary key",
    "pair": "int, part bytea default '\\x00ff', primary key (part, id)",
}  # fmt: skip
KEYS = {"whole": int, "words": lambda n: f"{'aBcDé'[n % 5]} {n}", "pair": int}


@pytest.fixture
def ctx(url: str) -> Any:
    parts = urlsplit(url)
    config = {"host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username,
              "password": parts.password, "ssl": "disable"}  # fmt: skip
    connector = load_plugins(only=["connector-postgresql"], strict=True).registry.connector("postgresql").open(config)
    return SimpleNamespace(trigger_id=str(uuid4()), connector=lambda _: connector)


def source(**config: Any) -> Changes:
    given = {"connection": "shop", "tables": list(KEYS), "batch_seconds": 0, "batch_changes": 100, **config}
    return TYPE.factory.load()(parse_config(TYPE.config, given), None)  # type: ignore[union-attr,no-any-return]


@pytest.mark.parametrize("deaths", [0, 12])
def test_rows_and_changes_meet_without_a_gap_while_others_write_and_readers_die(url, ctx, deaths):
    with psycopg.connect(url, autocommit=True) as db:
        for name, kind in TABLES.items():
            db.execute(f"create table {name} (id {kind}, n int)")
            every = [[KEYS[name](n)] for n in range(ROWS)]
            db.cursor().executemany(f"insert into {name} (id, n) values (%s, 0)", every)
        writers = [Writer(lambda: psycopg.connect(url), KEYS, number) for number in range(3)]
        copy, cursor, views = follow(source, ctx, writers, deaths=deaths)
        there = {(name, id_): n for name in KEYS for id_, n in db.execute(f"select id, n from {name}").fetchall()}
    assert copy.rows == there
    assert copy.counts["read"] > 2 * ROWS
    assert min(copy.counts[kind] for kind in ("insert", "update", "delete")) > 20
    assert (views > 3) == bool(deaths)
    assert "snapshot" not in cursor, "what was seen is forgotten once no change can be one of it"


def test_reads_have_the_form_of_changes(url, ctx):
    wide = """create table wide (id int primary key, flag bool, real float8, at timestamptz, doc jsonb, list int[],
        raw bytea, who uuid, span interval, area numeric, twice int generated always as (id * 2) stored)"""
    values = """insert into wide values (%s, true, 'NaN', '2026-01-02 03:04:05+02', '{"a": [1, null]}', '{1,null}',
        '\\xff00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '1 day', 51.60)"""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(wide)
        db.execute(values, [1])
        reader = source(tables=["wide"])
        cursor: dict[str, Any] = {}
        rows: list[dict[str, Any]] = []
        for _ in range(8):
            received = reader.receive(ctx, cursor, wait_s=1)
            rows += [row for event in received.events for row in event.rows]
            cursor = dict(received.cursor)
            if len(rows) == 1:
                db.execute(values, [2])
        reader.close()
    read, insert = rows
    assert (read["operation"], insert["operation"]) == ("read", "insert")
    assert read.keys() == insert.keys()
    assert {**read["after"], "id": 2} == insert["after"]
    assert read["before"] is None


def test_what_cannot_be_read_in_pieces_is_refused(url, ctx):
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create table keyless (id int)")
        db.execute("create table filtered (id int primary key)")
        db.execute("create publication half for table filtered where (id > 5)")
        for config, said in [
            ({"tables": ["keyless"], "operations": ["insert"]}, "'public.keyless' has no primary key, so its rows"),
            ({"tables": [], "publication": "half"}, "has a filter on the rows of 'public.filtered'"),
        ]:
            reader = source(**config)
            cursor = dict(reader.receive(ctx, {}, wait_s=0).cursor)
            with pytest.raises(ConfigError, match=said):
                reader.receive(ctx, cursor, wait_s=0)
            reader.close()
            reader = source(**config, snapshot="never")
            assert "snapshot" not in reader.receive(ctx, {}, wait_s=0).cursor
            reader.retire(ctx)


@pytest.mark.parametrize(("low_half", "seen"), [(90, True), (99, True), (100, False), (105, False), (104, True),
                                                (110, False), (2**32 - 5, True)])  # fmt: skip
def test_a_view_knows_what_it_has_seen_by_half_a_number(low_half, seen):
    low = 3 * 2**32
    view = View(seen=f"{low + 100}:{low + 110}:{low + 100},{low + 105}", until="0/10")
    assert view.has_seen(low_half) is seen


def test_a_row_that_moves_between_two_views_leaves_the_one_or_enters_the_other():
    views = (
        View(seen="50:50:", until="0/10"),
        View(seen="90:90:", until="0/20", table="s.t", after=("5",), keys=("id",)),
    )
    reading, relation = Reading(views=views, done=True), Relation("s", "t", ())

    def left(before: int, after: int, xid: int):
        change = Change("update", relation, {"id": before}, {"id": after})
        return reading.unseen(change, xid, lambda view, row: row["id"] > int(view.after[0]))

    assert left(1, 9, 40) is None
    assert left(1, 9, 95) == Change("update", relation, {"id": 1}, {"id": 9})
    assert left(1, 9, 70) == Change("delete", relation, {"id": 1})
    assert left(9, 1, 70) == Change("insert", relation, None, {"id": 1})
    with pytest.raises(ConfigError, match="was emptied while its first rows were read"):
        reading.unseen(Change("truncate", relation), 70, lambda *_: False)
