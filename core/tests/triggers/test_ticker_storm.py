"""Three schedulers with shifted clocks, two of them killed again and again: every tick is there, once."""

from __future__ import annotations

import asyncio
import random
import time

import pytest


@pytest.mark.parametrize(("schedules", "seconds"), [
    pytest.param(8, 8, id="short"), pytest.param(50, 32, id="long", marks=pytest.mark.slow),
])  # fmt: skip
async def test_every_tick_is_there_once(works, schedulers, wait_until, schedules, seconds, capsys):
    steady = await schedulers.start()
    shaken = [await schedulers.start(shift_s=shift) for shift in (-3_600, 3_600)]
    for _ in range(schedules):
        await works.trigger("interval", {"every": 1, "unit": "seconds", "misfire": "run_all"})
    dice, kills, end = random.Random(7), 0, time.monotonic() + seconds
    while kills < 3 or time.monotonic() < end:
        await asyncio.sleep(dice.uniform(0.5, 1.5))
        victim = dice.randrange(2)
        shaken[victim].kill()
        shaken[victim].wait()
        kills += 1
        shaken[victim] = await schedulers.start(shift_s=(-3_600, 3_600)[victim])
    enough = schedules * (seconds - 3)

    async def ticked():
        return (await works.rows("select count(*) as n from trigger_ticks"))[0].n >= enough

    await wait_until(ticked)
    await works.do("update triggers set is_active = false")
    assert steady.poll() is None

    async def settled():
        return await works.rows("select 1 where not exists (select 1 from triggers where armed)")

    await wait_until(settled)
    (gaps,) = await works.rows("""
        select count(*) as ticks, count(execution_id) as started, count(distinct execution_id) as distinct_ones,
          count(*) filter (where gap <> interval '1 s') as gaps, max(created_at - fire_at) as slowest,
          percentile_cont(0.5) within group (order by extract(epoch from created_at - fire_at)) as p50,
          percentile_cont(0.99) within group (order by extract(epoch from created_at - fire_at)) as p99
        from (select *, fire_at - lag(fire_at) over (partition by trigger_id order by fire_at) as gap
              from trigger_ticks) t""")
    (made,) = await works.rows("select count(*) as n from executions where trigger_type = 'scheduled'")
    with capsys.disabled():
        print(f"\n{schedules} schedules, 3 schedulers (clocks -1 h, 0, +1 h), {kills} kills: {gaps.ticks} ticks, "
              f"{made.n} executions; lag p50 {gaps.p50 * 1000:.0f} ms, p99 {gaps.p99 * 1000:.0f} ms, "
              f"max {gaps.slowest.total_seconds() * 1000:.0f} ms")  # fmt: skip
    assert gaps.ticks == gaps.started == gaps.distinct_ones == made.n
    assert gaps.gaps == 0, "an instant is missing"
    first = await works.rows("select trigger_id, min(fire_at) as at from trigger_ticks group by 1")
    assert {row.trigger_id: row.at for row in first} == works.first_due
    assert gaps.ticks >= enough
