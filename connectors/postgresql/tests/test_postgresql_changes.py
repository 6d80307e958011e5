"""Changes through logical replication, against a server of its own: kinds, types, places, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import psycopg
import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, TransientError, config_schema, parse_config
from headrace_connector_postgresql import headrace_triggers
from headrace_connector_postgresql.changes import Changes

(TYPE,) = headrace_triggers()


@pytest.fixture
def db(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as opened:
        opened.execute("create table city (id int primary key, name text, area numeric)")
        yield opened


class Context:
    """One connection, and the identity of a trigger."""

    def __init__(self, url: str, **changes: Any) -> None:
        parts = urlsplit(url)
        config = {"host": parts.hostname, "port": parts.port, "database": parts.path[1:], "user": parts.username,
                  "password": parts.password, "ssl": "disable", **changes}  # fmt: skip
        self.trigger_id = str(uuid4())
        registry = load_plugins(only=["connector-postgresql"], strict=True).registry
        self._connector = registry.connector("postgresql").open(config)

    def connector(self, connection: str) -> Any:
        return self._connector

    def log(self, message: str, **fields: Any) -> None:
        pass


OPENED: list[Changes] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def source(**config: Any) -> Changes:
    given = {"connection": "shop", "tables": ["city"], "batch_seconds": 0, "snapshot": "never", **config}
    OPENED.append(TYPE.factory.load()(parse_config(TYPE.config, given), None))  # type: ignore[union-attr]
    return OPENED[-1]


def take(reader: Changes, ctx: Context, cursor: dict[str, Any], count: int, *, store: bool = True):
    """So many rows, and the place after them."""
    rows: list[dict[str, Any]] = []
    end = time.monotonic() + 60
    while len(rows) < count and time.monotonic() < end:
        received = reader.receive(ctx, cursor, wait_s=0.3)
        cursor = dict(received.cursor)
        rows += [row for event in received.events for row in msgspec.json.decode(msgspec.json.encode(event.rows))]
        if store:
            reader.accepted(received)
    assert len(rows) == count, rows
    return rows, cursor


def begun(reader: Changes, ctx: Context) -> dict[str, Any]:
    return dict(reader.receive(ctx, {}, wait_s=0).cursor)


def test_inserts_updates_and_deletes_come_in_order_with_what_was_and_is(url, db):
    ctx, reader = Context(url), source()
    db.execute("insert into city values (9, 'before the trigger', 0)")
    place = begun(reader, ctx)
    db.execute("insert into city values (1, 'Bern', 51.60)")
    db.execute("update city set name = 'Berne' where id = 1")
    db.execute("update city set id = 2 where id = 1")
    db.execute("delete from city where id = 2")
    db.execute("create table other (id int primary key)")
    db.execute("insert into other values (1)")
    rows, _ = take(reader, ctx, place, 4)
    assert [(row["operation"], row["before"], row["after"]) for row in rows] == [
        ("insert", None, {"id": 1, "name": "Bern", "area": "51.60"}),
        ("update", None, {"id": 1, "name": "Berne", "area": "51.60"}),
        ("update", {"id": 1}, {"id": 2, "name": "Berne", "area": "51.60"}),
        ("delete", {"id": 2}, None),
    ]
    assert {(row["schema"], row["table"]) for row in rows} == {("public", "city")}
    assert len({row["position"] for row in rows}) == 4


def test_types_are_values_and_large_ones_that_stay_are_filled_or_named(url, db):
    db.execute("""create table wide (id bigint primary key, flag bool, real float8, day date, at timestamptz, doc jsonb,
        list int[], raw bytea, who uuid, span interval, net inet, big text)""")
    db.execute("alter table wide alter big set storage external")
    ctx, reader = Context(url), source(tables=["public.wide"])
    place = begun(reader, ctx)
    db.execute("""insert into wide values (9007199254740993, true, 'NaN', 'infinity', '2026-01-02 03:04:05+02',
        '{"a": [1, null]}', '{1,null}', '\\xff00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '1 day', '10.0.0.0/8',
        repeat('x', 20000))""")
    db.execute("update wide set flag = false")
    db.execute("alter table wide replica identity full")
    db.execute("update wide set flag = null")
    (made, changed, whole), _ = take(reader, ctx, place, 3)
    assert {name: value for name, value in made["after"].items() if name != "big"} == {
        "id": 9007199254740993, "flag": True, "real": "NaN", "day": "infinity", "at": "2026-01-02T01:04:05Z",
        "doc": {"a": [1, None]}, "list": [1, None], "raw": "/wA=", "who": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "span": "1 day", "net": "10.0.0.0/8",
    }  # fmt: skip
    assert "big" not in changed["after"]
    assert changed["unchanged"] == ["big"]
    assert "unchanged" not in whole
    assert (whole["before"]["flag"], whole["after"]["flag"]) == (False, None)
    assert whole["after"]["big"] == made["after"]["big"] == "x" * 20_000


def test_rows_as_columns(url, db):
    ctx, reader = Context(url), source(shape="columns", operations=["insert", "delete", "truncate"])
    place = begun(reader, ctx)
    db.execute("insert into city values (1, 'Bern', 1)")
    db.execute("update city set name = 'x'")
    db.execute("truncate city")
    (row, last), _ = take(reader, ctx, place, 2)
    assert (row["id"], row["name"], row["_operation"], row["_table"]) == (1, "Bern", "insert", "city")
    assert last["_operation"] == "truncate"


def test_what_is_not_stored_comes_again_also_in_the_middle_of_a_transaction(url, db):
    ctx, reader = Context(url), source(batch_changes=4)
    place = begun(reader, ctx)
    db.execute("insert into city select n, 'c', n from generate_series(1, 10) n")
    db.execute("insert into city values (11, 'c', 11)")
    first = reader.receive(ctx, place, wait_s=5)
    reader.close()
    reader = source(batch_changes=4)
    again = reader.receive(ctx, place, wait_s=5)
    assert [event.key for event in again.events] == [event.key for event in first.events]
    assert [row["after"]["id"] for row in again.events[0].rows] == [1, 2, 3, 4]
    reader.accepted(again)
    reader.close()
    rows, place = take(source(batch_changes=4), ctx, dict(again.cursor), 7)
    assert [row["after"]["id"] for row in rows] == list(range(5, 12))
    assert "part" not in place


def test_the_slot_moves_only_when_stored_and_over_what_is_not_for_us(url, db, monkeypatch):
    monkeypatch.setattr("headrace_connector_postgresql.changes.IDLE_EVERY_S", 0)
    ctx, reader = Context(url), source()
    place = begun(reader, ctx)
    where = "select confirmed_flush_lsn from pg_replication_slots where slot_name = %s"
    slot = reader.standing(ctx).status["slot"]
    start = db.execute(where, [slot]).fetchone()
    db.execute("insert into city values (1, 'Bern', 1)")
    received = reader.receive(ctx, place, wait_s=5)
    assert received.events
    assert db.execute(where, [slot]).fetchone() == start
    reader.accepted(received)
    db.execute("create table noise as select n from generate_series(1, 1000) n")
    end, cursor = time.monotonic() + 30, dict(received.cursor)
    while reader.standing(ctx).status["behind_bytes"] > 20_000 and time.monotonic() < end:
        received = reader.receive(ctx, cursor, wait_s=0.3)
        assert not received.events
        reader.accepted(received)
        cursor = dict(received.cursor)
    assert db.execute(where, [slot]).fetchone() != start
    assert reader.standing(ctx).status["behind_bytes"] <= 20_000


def test_a_slot_that_keeps_back_too_much_warns_and_is_dropped_with_the_trigger(url, db):
    ctx, reader = Context(url), source(alert_mb=1)
    begun(reader, ctx)
    calm = reader.standing(ctx)
    assert calm.warning == ""
    assert calm.holds == f"the replication slot '{calm.status['slot']}' of {ctx.connector('').where}"
    db.execute("create table noise as select repeat('x', 1000) from generate_series(1, 3000)")
    assert "MB of log on postgres" in reader.standing(ctx).warning
    reader.retire(ctx)
    reader.retire(ctx)
    assert db.execute("select slot_name from pg_replication_slots where database = current_database()").fetchall() == []
    assert db.execute("select pubname from pg_publication").fetchall() == []


def test_a_slot_and_a_publication_that_exist_are_used_and_left_alone(url, db):
    slot = f"own_{uuid4().hex}"
    db.execute("create publication own for table city")
    db.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])
    ctx, reader = Context(url), source(publication="own", slot=slot, tables=[])
    place = begun(reader, ctx)
    db.execute("insert into city values (1, 'Bern', 1)")
    assert len(take(reader, ctx, place, 1)[0]) == 1
    assert reader.standing(ctx).holds == ""
    reader.retire(ctx)
    assert db.execute("select 1 from pg_replication_slots where slot_name = %s", [slot]).fetchone()
    assert db.execute("select 1 from pg_publication").fetchone()


def test_tables_can_be_added_later(url, db):
    ctx, reader = Context(url), source()
    place = begun(reader, ctx)
    reader.close()
    db.execute("create table more (id int primary key)")
    reader = source(tables=["city", "more"])
    with suppress(TransientError):
        reader.receive(ctx, place, wait_s=0)
    db.execute("insert into more values (1)")
    (row,), _ = take(reader, ctx, place, 1)
    assert row["table"] == "more"


def test_a_place_that_is_gone_is_told_instead_of_left_out(url, db):
    ctx, reader = Context(url), source()
    place = begun(reader, ctx)
    slot = reader.standing(ctx).status["slot"]
    reader.close()
    db.execute("insert into city values (1, 'Bern', 1)")
    db.execute("select pg_replication_slot_advance(%s, pg_current_wal_lsn())", [slot])
    with pytest.raises(ConfigError, match="has lost changes that were not read"):
        source().receive(ctx, place, wait_s=0)
    db.execute("select pg_drop_replication_slot(%s)", [slot])
    with pytest.raises(ConfigError, match=r"is gone from postgres .*, and what changed since with it"):
        source().receive(ctx, place, wait_s=0)
    with pytest.raises(ConfigError, match="another server than the one whose changes were read"):
        begun(reader, ctx)
        source().receive(ctx, {**place, "system": "1:1"}, wait_s=0)


def test_one_slot_has_one_reader(url, db):
    ctx, reader = Context(url), source()
    place = begun(reader, ctx)
    reader.receive(ctx, place, wait_s=0)
    with pytest.raises(TransientError, match="another reader has the slot"):
        source().receive(ctx, place, wait_s=0)


@pytest.mark.parametrize(("config", "said"), [
    ({"tables": ["nowhere"]}, "there is no table 'public.nowhere' in postgres .*; correct its name"),
    ({"tables": ["keyless"]}, "'public.keyless' has no primary key: PostgreSQL would refuse its updates"),
    ({"publication": "nobody"}, "there is no publication 'nobody' in postgres .*; create it, or leave the field empty"),
    ({"slot": "nobody"}, "there is no slot 'nobody' in postgres .*; create it, or leave the field empty"),
])  # fmt: skip
def test_what_does_not_exist_or_would_do_harm_is_refused(url, db, config, said):
    db.execute("create table keyless (id int)")
    with pytest.raises(ConfigError, match=said):
        source(**config).receive(Context(url), {}, wait_s=0)
    assert source(tables=["keyless"], operations=["insert"]).receive(Context(url), {}, wait_s=0).cursor


def test_wrong_password_and_missing_rights_are_told(url, db):
    with pytest.raises(AuthError, match="refuses the user or the password"):
        source().receive(Context(url, password="wr0ng"), {}, wait_s=0)
    role = f"r{uuid4().hex}"
    db.execute(f"create role {role} login password 'pw'")
    try:
        ctx = Context(url, user=role, password="pw")
        with pytest.raises(AuthError, match="may not publish these tables"):
            source().receive(ctx, {}, wait_s=0)
        db.execute("create publication own for table city")
        with pytest.raises(AuthError, match=f"'{role}' .* may not replicate; an administrator does ALTER ROLE"):
            source(publication="own").receive(ctx, {}, wait_s=0)
    finally:
        db.execute(f"drop owned by {role}")
        db.execute(f"drop role {role}")


def test_a_server_without_logical_log_is_told(postgres_url):
    with psycopg.connect(postgres_url) as link:
        link.execute("create table city (id int primary key)")
    with pytest.raises(ConfigError, match="has wal_level = replica, which tells no changes; set wal_level = logical"):
        source().receive(Context(postgres_url), {}, wait_s=0)


def test_the_door_is_asked(url, monkeypatch):
    monkeypatch.delenv("HEADRACE_EGRESS_ALLOW")
    with pytest.raises(ConfigError, match="is not on the public internet"):
        source().receive(Context(url), {}, wait_s=0)


def test_every_field_has_a_text_and_the_step_a_node():
    registry = load_plugins(only=["connector-postgresql"], strict=True).registry
    assert registry.trigger("cdc").node_type == "postgresql.cdc"
    assert registry.node("postgresql.cdc").manifest.kind == "trigger"
    for shape in config_schema(TYPE.config)["properties"].values():
        assert shape["title"]
        assert shape["description"]
