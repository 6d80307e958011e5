"""Changes of a database start their flow once each and in order, whatever is killed; what a trigger holds is freed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from headrace.connections import service as connections
from headrace.executions.invariants import check
from headrace.infra.postgres import Passwords, PostgresServer
from headrace.plugins.manager import load_plugins
from headrace.triggers import service as triggers
from headrace.triggers import sources
from headrace.worker import sources as asking

PLUGINS = ["node-lab", "node-triggers", "plugin-engine_polars", "connector-postgresql"]
AT_ONCE = 100


class Shop:
    """The database whose changes are watched, on a server that may be killed, and what was changed in it."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.done: list[tuple[str, int]] = []

    def do(self, statement: str) -> list[Any]:
        with psycopg.connect(self.server.url("postgres", "postgres"), autocommit=True) as db:
            cursor = db.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def change(self, count: int) -> None:
        """So many changes: inserts in large and small transactions, then updates and deletes."""
        first = max((key for _, key in self.done), default=0) + 1
        inserts, updates = count * 6 // 10, count * 2 // 10
        new = range(first, first + inserts)
        changed, gone = new[:updates], new[updates : updates + count - inserts - updates]
        with psycopg.connect(self.server.url("postgres", "postgres")) as db:
            db.execute("insert into item select n, 0 from generate_series(%s::int, %s) n", [new[0], new[len(new) // 2]])
            db.commit()
            for start in range(len(new) // 2 + 1, inserts, 50):
                part = new[start : start + 50]
                db.execute("insert into item select n, 0 from generate_series(%s::int, %s) n", [part[0], part[-1]])
                db.commit()
            cursor = db.cursor()
            cursor.executemany("update item set n = n + 1 where id = %s", [[key] for key in changed])
            db.commit()
            cursor.executemany("delete from item where id = %s", [[key] for key in gone])
        self.done += [("insert", key) for key in new]
        self.done += [("update", key) for key in changed] + [("delete", key) for key in gone]


@pytest.fixture
def shop(tmp_path) -> Iterator[Shop]:
    """It keeps what it has committed, as a server of users does."""
    server = PostgresServer(tmp_path / "data", Passwords.load(tmp_path / "passwords.json"), tmp_path / "log",
                            {"wal_level": "logical"})  # fmt: skip
    server.start()
    made = Shop(server)
    made.do("create table item (id int primary key, n int)")
    yield made
    server.stop()


@pytest.fixture
async def watched(works, lab, shop, monkeypatch):
    """Makes the trigger; its connection leads to the shop."""
    monkeypatch.setenv("HEADRACE_LOAD_PLUGINS", ",".join(PLUGINS))
    monkeypatch.setenv("PYTHONPATH", str(lab))
    monkeypatch.setattr(asking, "BACK_OFF_S", (0.2, 0.5, 1))
    works.host = load_plugins(only=PLUGINS, strict=True)
    config = {"host": "127.0.0.1", "port": shop.server.port, "database": "postgres", "user": "postgres",
              "password": shop.server.passwords.postgres, "ssl": "disable"}  # fmt: skip
    async with works.database.transaction(works.organization_id) as session:
        await connections.create(session, works.actor, works.vault, works.host.registry, name="shop",
                                 connector="postgresql", config=config)  # fmt: skip

    async def make(**more):
        config = {"connection": "shop", "tables": ["item"], "snapshot": "never", "batch_changes": AT_ONCE,
                  "batch_seconds": 0, **more}  # fmt: skip
        return await works.trigger("cdc", config)

    return make


async def seen(works) -> list[tuple[str, int]]:
    """Changes in the order of their events."""
    rows = await works.rows("""
        select coalesce(x.input_data, e.payload) -> 'rows' as rows from trigger_events e
        left join executions x on x.organization_id = e.organization_id and x.id = e.execution_id
        order by e.position""")
    return [(one["operation"], (one["after"] or one["before"])["id"]) for row in rows for one in row.rows]


def placed(works):
    async def there():
        return await works.rows("select 1 from triggers where state ? 'cursor'")

    return there


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
async def test_every_change_once_and_in_order_through_kills_and_a_crash(
    works, watched, shop, serving, ticker, worker_database, wait_until, source_runners, count
):
    patience = 240 if count == 10_000 else 1_500
    await watched()
    for _ in range(2):
        await serving(works)
    await wait_until(placed(works))

    async def busy():
        """It reads, and is not through."""
        await ticker.tick()
        found = await works.rows("select count(*) as n from trigger_events")
        return found[0].n * AT_ONCE >= len(shop.done) - count // 4 + AT_ONCE and source_runners()

    for kill in ("source", "source", "server", "none"):
        shop.change(count // 4)
        if kill != "none":
            await wait_until(busy, deadline_s=patience)
            assert len(await seen(works)) < len(shop.done), "the kill bites"
        if kill == "source":
            (asked,) = source_runners()
            os.kill(asked, signal.SIGKILL)
        elif kill == "server":
            os.kill(shop.server.pid, signal.SIGKILL)
            shop.server._process.wait(10)
            shop.server.start()

    async def all_there():
        while await ticker.tick():
            pass
        return sum(
            len(row.rows) for row in await works.rows("select input_data -> 'rows' as rows from executions")
        ) >= (len(shop.done))

    await wait_until(all_there, deadline_s=patience)
    assert await seen(works) == shop.done
    assert len(shop.done) == count
    (row,) = await works.rows("""
        select (select count(*) from trigger_events) as events, (select count(*) from executions) as executions,
          (select count(distinct execution_id) from trigger_events) as started""")
    assert row.events == row.executions == row.started
    print(f"\n{count:,} changes of PostgreSQL, reader killed twice, server once: each once, in order; "
          f"{row.executions:,} executions")  # fmt: skip
    async with worker_database.transaction() as session:
        assert [violation.id for violation in await check(session)] == []


async def test_rows_that_are_there_come_first_and_start_the_flow_once_though_the_source_is_killed(
    works, watched, shop, serving, ticker, wait_until, source_runners
):
    shop.do("insert into item select n, 0 from generate_series(1, 2000) n")
    await watched(snapshot="initial")
    await serving(works)

    async def amid():
        found = await works.rows("select count(*) as n from trigger_events")
        return 0 < found[0].n < 20 and source_runners()

    await wait_until(amid)
    (asked,) = source_runners()
    os.kill(asked, signal.SIGKILL)

    async def all_read():
        return len(await seen(works)) >= 2000

    await wait_until(all_read, deadline_s=60)
    shop.do("update item set n = 1 where id = 1999")

    async def all_there():
        while await ticker.tick():
            pass
        return ("update", 1999) in await seen(works)

    await wait_until(all_there, deadline_s=60)
    found = await seen(works)
    assert [key for kind, key in found if kind == "read"] == list(range(1, 2001))
    assert found[-1] == ("update", 1999)
    while await ticker.tick():
        pass
    (row,) = await works.rows("select count(*) as n, count(distinct execution_id) as started from trigger_events")
    assert row.n == row.started


async def test_how_far_behind_it_is_shows_also_while_it_is_held_back(works, watched, shop, serving, ticker, wait_until,
                                                                    monkeypatch):  # fmt: skip
    monkeypatch.setattr(asking, "STANDING_S", 0.2)
    await watched(max_pending=1, alert_mb=1)
    await serving(works)
    await wait_until(placed(works))
    shop.change(10)

    async def held():
        return await ticker.tick()

    await wait_until(held)
    shop.do("create table noise as select repeat('x', 1000) from generate_series(1, 3000)")

    async def warned():
        return await works.rows("""select state -> 'status' as status from triggers
          where state ->> 'warning' like 'the slot % keeps back % MB of log%' and state ->> 'holds' like '%slot%'""")

    (row,) = await wait_until(warned)
    assert row.status["behind_bytes"] > 1_000_000


@pytest.mark.parametrize("what", ["trigger", pytest.param("flow", marks=pytest.mark.slow)])
async def test_what_a_deleted_trigger_holds_is_freed(works, watched, shop, serving, wait_until, what):
    made = await watched()
    await serving(works)
    await wait_until(placed(works))
    assert shop.do("select 1 from pg_replication_slots")
    if what == "trigger":
        async with works.database.transaction(works.organization_id) as session:
            await triggers.delete(session, works.actor, made)
    else:
        await works.do("update flows set deleted_at = clock_timestamp()")

    async def freed():
        return await works.rows("select 1 from triggers where retire_at is null and not state ? 'holds'")

    await wait_until(freed)
    assert shop.do("select slot_name from pg_replication_slots") == []
    assert shop.do("select pubname from pg_publication") == []


async def test_what_cannot_be_freed_is_said(works, watched, shop, serving, wait_until, worker_database, monkeypatch):
    monkeypatch.setattr(sources, "RETIRE_TRIES", 2)
    monkeypatch.setattr(asking, "RETIRE_AGAIN_S", 0.1)
    made = await watched()
    await serving(works)
    await wait_until(placed(works))
    shop.server.stop()
    async with works.database.transaction(works.organization_id) as session:
        await triggers.delete(session, works.actor, made)

    async def left():
        async with worker_database.transaction() as session:
            return (await session.execute(sources.LEFT)).all()

    (row,) = await wait_until(left)
    assert row.holds.startswith("the replication slot 'headrace_")
    assert "does not answer" in row.error
