"""Triggers that ask a source: one holder, cursor and event in one transaction, nothing lost or given twice."""

from __future__ import annotations

import os
import signal

import psycopg
import pytest
import sqlalchemy as sa
from headrace.connections import service as connections
from headrace.infra.ids import new_id
from headrace.plugins.manager import load_plugins
from headrace.sdk.triggers import Event, Received
from headrace.triggers import sources

PLUGINS = ["node-lab", "node-triggers", "plugin-engine_polars", "connector-postgresql"]


@pytest.fixture
def polling(works, postgres_url, monkeypatch, lab):
    monkeypatch.setenv("HEADRACE_LOAD_PLUGINS", ",".join(PLUGINS))
    monkeypatch.setenv("PYTHONPATH", str(lab))
    works.host = load_plugins(only=PLUGINS, strict=True)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create table orders (id bigint generated always as identity primary key, name text)")
        connection.execute("insert into orders (name) select 'old' from generate_series(1, 5)")
        yield connection


async def poll(works, postgres_url, **more):
    info = psycopg.conninfo.conninfo_to_dict(postgres_url)
    config = {"host": info["host"], "port": int(info["port"]), "database": info["dbname"], "user": info["user"],
              "password": info["password"], "ssl": "disable"}  # fmt: skip
    async with works.database.transaction(works.organization_id) as session:
        await connections.create(session, works.actor, works.vault, works.host.registry, name="shop",
                                 connector="postgresql", config=config)  # fmt: skip
    return await works.trigger("poll", {"connection": "shop", "stream": "public.orders", "every_seconds": 1, **more})


async def seen(works):
    rows = await works.rows("select payload -> 'rows' as rows from trigger_events order by position")
    return [one["id"] for row in rows for one in row.rows]


async def test_new_rows_start_the_flow_once_with_two_processes_that_are_killed(
    works, polling, postgres_url, serving, ticker, wait_until, source_runners
):
    await poll(works, postgres_url, every_seconds=1)
    holders = [await serving(works) for _ in range(2)]

    async def placed():
        return await works.rows("select 1 from triggers where state ? 'cursor'")

    await wait_until(placed)
    assert await seen(works) == [], "only what comes from now on"
    for number in range(3):
        polling.execute("insert into orders (name) select 'new' from generate_series(1, 4)")
        expected = list(range(6, 6 + 4 * (number + 1)))

        async def there(expected=expected):
            return await seen(works) == expected

        await wait_until(there)
        (asking,) = source_runners()  # one holder asks
        os.kill(asking, signal.SIGKILL)
    assert len(holders) == 2
    async with works.database.transaction(works.organization_id) as session:
        await session.execute(sa.text("select 1 from triggers for no key update"))
        assert await ticker.tick() == 0, "who writes the trigger now is not waited for: the next look starts them"
    started = []

    async def all_started():
        started.append(await ticker.tick())
        return sum(started) >= 3

    await wait_until(all_started)
    assert (sum(started), await ticker.tick()) == (3, 0)
    found = await works.rows("select trigger_type, input_data from executions order by queued_at")
    assert {row.trigger_type for row in found} == {"poll"}
    assert found[0].input_data["rows"][0] == {"id": 6, "name": "new"}


async def test_all_rows_from_the_beginning_in_batches_that_cut_no_group(
    works, polling, postgres_url, serving, wait_until
):
    polling.execute("create table visits (id int primary key, day int)")
    polling.execute("insert into visits select n, n / 3 from generate_series(0, 19) n")
    await poll(works, postgres_url, stream="public.visits", cursor="day", first="all", batch_rows=4)
    await serving(works)

    async def there():
        return len(await seen(works)) == 20

    await wait_until(there)
    assert sorted(await seen(works)) == list(range(20))
    rows = await works.rows("select payload -> 'rows' as rows from trigger_events order by position")
    days = [{one["day"] for one in row.rows} for row in rows]
    assert all(a.isdisjoint(b) for a in days for b in days if a is not b)
    assert len(rows) > 3


async def test_a_source_that_fails_is_told_and_asked_again_once_it_is_mended(
    works, polling, postgres_url, serving, wait_until
):
    made = await poll(works, postgres_url, stream="public.missing")
    await serving(works)

    async def told():
        return await works.rows("select error from triggers where failures > 0 and lease_owner is null")

    (row,) = await wait_until(told)
    assert "missing" in row.error
    from headrace.triggers import service as triggers

    async with works.database.transaction(works.organization_id) as session:
        change = {"configuration": {"connection": "shop", "stream": "public.orders", "first": "all"}}
        await triggers.update(session, works.actor, works.vault, works.host.registry, made, change, 1)

    async def there():
        return await seen(works) == [1, 2, 3, 4, 5]

    await wait_until(there)
    assert await works.rows("select 1 from triggers where error is null and failures = 0")


async def test_who_lost_the_lease_stores_nothing(works, polling, postgres_url, worker_database):
    await poll(works, postgres_url)
    types, first, second = ["poll"], new_id(), new_id()
    async with worker_database.transaction() as session:
        (old,) = await sources.claim(session, first, types=types, lease_s=0)
    async with worker_database.transaction() as session:
        (new,) = await sources.claim(session, second, types=types, lease_s=60)
        assert await sources.claim(session, first, types=types, lease_s=60) == []
    received = Received(events=[Event(key="a", rows=[{"id": 1}])], cursor={"at": 1})
    async with worker_database.transaction(works.organization_id) as session:
        assert not await sources.store(session, old, received)
        assert await sources.store(session, new, received)
        assert await sources.store(session, new, received)
    assert await seen(works) == [1]
    await works.do("update flows set status = 'inactive'")
    async with worker_database.transaction() as session:
        assert await sources.keep(session, second, [new.id], lease_s=60) == set()


async def test_nothing_is_asked_while_as_many_are_open_as_may_be(
    works, polling, postgres_url, serving, ticker, wait_until
):
    await poll(works, postgres_url, first="all", batch_rows=1, max_pending=1)
    await serving(works)

    most = 0

    async def all_started():
        nonlocal most
        (row,) = await works.rows("""
            select (select count(*) from trigger_events where status = 'pending')
              + (select count(*) from executions where status = 'queued') as n""")
        most = max(most, row.n)
        await ticker.tick()
        await works.do("update executions set status = 'completed' where status = 'queued'")
        return len(await works.rows("select 1 from executions")) == 5

    await wait_until(all_started)
    assert most == 1
