"""PostgreSQL crashed, stopped, crowded, locked or cut off: what was accepted stays, what cannot be served says so."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from headrace.executions import service
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra.database import Database
from headrace.sdk.errors import HeadraceError
from psycopg import sql

from tests.chaos.campaign import Someone
from tests.faults.site import until
from tests.faults.wireproxy import Proxy


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


async def test_a_postgres_that_crashes_costs_nothing_but_time(site, record_property):
    """F12."""
    flow = await site.gated(gate={"wait_for": site.path("open")})
    execution = await site.start(flow)
    await until(lambda: site.lines("gate"))
    pids = [member.pid for member in site.stack.members]
    site.stack.crash("postgres")
    went = time.monotonic()
    site.stack.services.revive()
    second = await site.insist(flow, "after-the-crash")
    record_property(
        "figure", ("postgres_crash_window", "503 after a crash of PostgreSQL", "s", [time.monotonic() - went])
    )
    site.open()
    for one in (execution, second):
        assert (await site.ended(one))["status"] == "completed"
    assert len(site.lines("gate")) == 2, "what ran through the crash was not repeated"
    assert [member.pid for member in site.stack.members] == pids, "nobody had to be started again"


@pytest.mark.parametrize("down_s", [3, pytest.param(30, marks=pytest.mark.slow)])
async def test_without_postgres_the_api_says_so_and_recovers_by_itself(site, down_s, record_property):
    """F13."""
    flow = await site.gated()
    before = [(member, member.pid, threads(member.pid)) for member in site.stack.members]
    site.stack.crash("postgres")
    down = time.monotonic()
    while time.monotonic() < down + down_s:
        answer = await site.client.post(f"/api/v1/flows/{flow}/execute")
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["error"]["code"] == "UNAVAILABLE"
        assert (await site.client.get("/health/live")).status_code == 200
        ready = await site.client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
        await asyncio.sleep(0.2)
    site.stack.services.revive()
    up = time.monotonic()
    execution = await site.insist(flow, f"after-{down_s}")
    record_property(
        "figure", ("postgres_back", "First accepted after PostgreSQL is back", "s", [time.monotonic() - up])
    )
    assert (await site.ended(execution))["status"] == "completed"
    for member, pid, count in before:
        assert member.pid == pid, f"{member.name} had to be started again"
        assert threads(pid) <= count + 8, f"{member.name} piles up threads"


@pytest.mark.slow
async def test_workers_and_schedulers_started_without_postgres_wait_for_it(site):
    """F13: no process ends because the database is not there yet."""
    flow = await site.gated()
    site.stack.crash("postgres")
    for member in site.stack.members:
        member.kill()
        member.start()
    worker = site.stack.workers[0]
    await until(lambda: "worker waits" in worker.life)
    assert all(member.pid for member in site.stack.members)
    site.stack.services.revive()
    execution = await site.insist(flow, "after-the-start")
    assert (await site.ended(execution))["status"] == "completed"
    assert [member.fell for member in site.stack.members if member.fell] == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # connections that were cut
async def test_an_answer_that_is_lost_after_the_commit_is_found_again_by_its_key(site, host):
    """F14: the link is cut after the k-th message of a start, for every k; the client asks again with the same key."""
    flow, actor = UUID(await site.gated()), Someone(site.account.organization_id)
    graph = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),), edges=())

    async def start(database: Database, key: str):
        async with database.transaction(actor.organization_id) as session:
            return await service.start(
                session, actor, flow_id=flow, graph=graph, definition_hash="0" * 16, host=host, idempotency_key=key
            )

    direct = Database.from_url(site.stack.urls.app_url.reveal(), pool_size=1)

    async def gone(name: str) -> bool:
        async with direct.transaction() as session:
            query = sa.text("select count(*) from pg_stat_activity where application_name = :name")
            return not await session.scalar(query, {"name": name})

    k, kept = 0, 0
    while True:
        k += 1
        async with Proxy(site.stack.urls.app_url.reveal(), k) as proxy:
            database = Database.from_url(proxy.url, pool_size=1, max_overflow=0, name=f"cut-{k}")
            answered = None
            with contextlib.suppress(HeadraceError):
                async with asyncio.timeout(20):
                    answered = await start(database, f"cut-{k}")
            died = proxy.cut.is_set()
            await database.close()
        await until(partial(gone, f"cut-{k}"))
        found = await site.rows("select id from executions where idempotency_key = :key", key=f"cut-{k}")
        kept += answered is None and len(found)
        again = await start(direct, f"cut-{k}")
        rows = await site.rows("select id from executions where idempotency_key = :key", key=f"cut-{k}")
        assert [one.id for one in rows] == [again], f"cut after message {k}"
        assert answered in {None, again}
        if not died:
            break
    await direct.close()
    gc.collect()
    assert k > 5
    assert kept, "no cut fell between the commit and its answer, so nothing was proved"


@pytest.mark.slow
async def test_a_crowded_postgres_sheds_and_recovers(site, record_property):
    """F16: every connection is taken by somebody else."""
    flow = await site.gated()
    url = site.stack.urls.warehouse_url.reveal()
    taken = []
    try:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                taken.append(psycopg.connect(url))
        assert len(taken) > 50
        codes = set()
        async with asyncio.timeout(60):
            answers = await asyncio.gather(*(site.client.post(f"/api/v1/flows/{flow}/execute") for _ in range(30)))
        codes = {answer.status_code for answer in answers}
        assert codes <= {202, 503}, [answer.text for answer in answers]
    finally:
        for connection in taken:
            connection.close()
    free = time.monotonic()
    execution = await site.insist(flow, "after-the-crowd")
    record_property(
        "figure", ("crowd_recovered", "First accepted after connections are free", "s", [time.monotonic() - free])
    )
    assert (await site.ended(execution))["status"] == "completed"


@pytest.mark.slow
async def test_a_locked_table_holds_up_and_breaks_nothing(site):
    """F16: somebody locks the table of executions; claims and starts wait, nothing deadlocks or is lost."""
    flow = await site.gated(gate={"wait_for": site.path("open")})
    execution = await site.start(flow)
    await until(lambda: site.lines("gate"))
    with psycopg.connect(site.stack.urls.owner_url.reveal()) as owner:
        owner.execute(sql.SQL("lock table executions, segment_runs in access exclusive mode"))
        site.open()
        asked = [asyncio.create_task(site.client.post(f"/api/v1/flows/{flow}/execute")) for _ in range(20)]
        await asyncio.sleep(5)
        assert (await site.client.get("/health/live")).status_code == 200
        owner.rollback()
    codes = {answer.status_code for answer in await asyncio.gather(*asked)}
    assert codes <= {202, 503}
    assert (await site.ended(execution))["status"] == "completed"
