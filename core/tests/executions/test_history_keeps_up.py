"""Executions go by rows, in batches: fast enough for many times what comes in, and nobody who starts one waits for it.

`executions` and `segment_runs` are not kept by months: a key of a start is unique for as long as its execution is kept,
which no index over partitions could promise, and days of retention differ by flow. What grows most beside them (events,
logs, attempts, outcomes of steps) goes by months.
"""

from __future__ import annotations

import asyncio
import time

import pytest
from headrace.infra.store import Store
from headrace.worker.maintenance import Maintenance

from core.tests.executions.test_admission import change
from core.tests.executions.test_plans import ONE, fill

A_DAY = 50_000
"""Executions a day that an installation grows by (requirements, section 6)."""
PAST = 20_000
LEFT_BEHIND = (
    "select 1 from segment_runs where execution_id not in (select id from executions)",
    "select 1 from segment_attempts where execution_id not in (select id from executions)",
    "select 1 from node_executions where execution_id not in (select id from executions)",
    "select 1 from execution_logs where execution_id not in (select id from executions)",
)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_what_is_too_old_goes_much_faster_than_it_comes(world, worker_database, database_urls, tmp_path):
    fill(database_urls, world, PAST)
    await change(world, """update organizations set settings = '{"retention": {"executions_days": 1}}'""")
    (due,) = await world.rows("select count(*) as n from executions where completed_at < now() - interval '1 day'")
    keeper = Maintenance(worker_database, Store((tmp_path / "objects").as_uri()))
    removing, took, waited = asyncio.create_task(keeper.remove_old()), time.monotonic(), []
    while not removing.done():
        began = time.monotonic()
        await world.start(ONE)
        waited.append(time.monotonic() - began)
        await asyncio.sleep(0.1)
    took = time.monotonic() - took
    assert removing.result() >= due.n > 10_000
    a_second = removing.result() / took
    middle, most = sorted(waited)[len(waited) // 2] * 1000, max(waited) * 1000
    print(f"{removing.result():,} executions removed in {took:.1f} s, {a_second:,.0f}/s")
    print(f"{len(waited)} starts meanwhile took {middle:.0f} ms, {most:.0f} ms at most")
    assert a_second > 20 * A_DAY / 86_400
    assert max(waited) < 5
    for query in LEFT_BEHIND:
        assert await world.rows(query) == []
