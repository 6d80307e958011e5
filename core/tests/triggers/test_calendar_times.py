"""Times that clocks skip, repeat or have every four years: through the tables, with several tickers, each once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from headrace.triggers import backfills
from hypothesis import given
from hypothesis import strategies as st

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "UTC"]


async def standing_since(works, trigger_id, first: str, before: str):
    """As if nobody had looked since before its first instant."""
    await works.do(
        "update triggers set armed = true, next_fire_at = cast(:first as timestamptz), wake_at = clock_timestamp(), "
        "state = state || jsonb_build_object('covered_until', cast(:before as text)) where id = :id",
        id=trigger_id, first=datetime.fromisoformat(first), before=before,
    )  # fmt: skip


async def all_ticks(works, ticker):
    """Let several tickers work until nothing is due; instants with what they cover."""
    while sum(await asyncio.gather(*(ticker.tick() for _ in range(3)))):
        pass
    ticks = await works.rows("select fire_at, outcome, execution_id, missed from trigger_ticks order by fire_at")
    made = await works.rows("select id, data_interval_start as since, data_interval_end as until from executions "
                            "order by data_interval_end")  # fmt: skip
    return ticks, made


@pytest.mark.parametrize(("expression", "zone", "since", "until", "first", "instants"), [
    pytest.param("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00Z", "2026-03-31T12:00Z", "2026-03-28T01:30Z",
                 ["2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z", "2026-03-31T00:30Z"], id="spring"),
    pytest.param("30 2 * * *", "Europe/Berlin", "2026-10-23T12:00Z", "2026-10-26T12:00Z", "2026-10-24T00:30Z",
                 ["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"], id="autumn"),
    pytest.param("0 * * * *", "America/New_York", "2026-11-01T04:30Z", "2026-11-01T08:30Z", "2026-11-01T05:00Z",
                 ["2026-11-01T05:00Z", "2026-11-01T06:00Z", "2026-11-01T07:00Z", "2026-11-01T08:00Z"], id="hourly"),
    pytest.param("0 0 29 2 *", "Europe/Berlin", "2023-06-01T00:00Z", "2026-06-01T00:00Z", "2024-02-28T23:00Z",
                 ["2024-02-28T23:00Z"], id="leap day"),
    pytest.param("0 6 L 2 *", "UTC", "2022-06-01T00:00Z", "2025-06-01T00:00Z", "2023-02-28T06:00Z",
                 ["2023-02-28T06:00Z", "2024-02-29T06:00Z", "2025-02-28T06:00Z"], id="last of February"),
])  # fmt: skip
async def test_each_instant_of_the_wall_clock_is_made_up_for_once(
    works, ticker, expression, zone, since, until, first, instants
):
    config = {"expression": expression, "timezone": zone, "misfire": "run_all", "end_at": until.replace("Z", ":00Z")}
    made = await works.trigger("cron", config)
    await standing_since(works, made, first, since)
    ticks, executions = await all_ticks(works, ticker)
    wanted = [datetime.fromisoformat(at) for at in instants]
    assert [tick.fire_at for tick in ticks] == [one.until for one in executions] == wanted
    assert {tick.outcome for tick in ticks} == {"started"}
    assert {tick.execution_id for tick in ticks} == {one.id for one in executions}
    assert executions[0].since == datetime.fromisoformat(since)
    assert all(a.until == b.since for a, b in itertools.pairwise(executions)), "no time is left out or taken twice"


async def test_one_run_makes_up_for_all_of_a_change_of_clocks(works, ticker):
    config = {"expression": "30 2 * * *", "timezone": "Europe/Berlin", "misfire": "coalesce",
              "end_at": "2026-03-31T12:00:00Z"}  # fmt: skip
    made = await works.trigger("cron", config)
    await standing_since(works, made, "2026-03-28T01:30Z", "2026-03-27T12:00Z")
    (tick,), (execution,) = await all_ticks(works, ticker)
    assert (tick.fire_at, tick.missed) == (datetime(2026, 3, 31, 0, 30, tzinfo=UTC), 3)
    assert (execution.since, execution.until) == (datetime(2026, 3, 27, 12, tzinfo=UTC), tick.fire_at)


@pytest.mark.parametrize(("late", "started"), [("30 seconds", 1), ("90 seconds", 0)])
async def test_what_is_skipped_is_what_is_later_than_the_grace(works, ticker, late, started):
    made = await works.trigger("interval", {"every": 1, "unit": "days", "misfire": "skip", "grace_seconds": 60})
    await works.do(
        "update triggers set next_fire_at = clock_timestamp() - cast(:late as interval), wake_at = clock_timestamp(), "
        "state = state || jsonb_build_object('covered_until', clock_timestamp() - interval '1 day') where id = :id",
        id=made, late=late,
    )  # fmt: skip
    assert await ticker.tick() == started
    (row,) = await works.rows("select missed, next_fire_at > clock_timestamp() as ahead from triggers")
    assert (row.missed, row.ahead) == (1 - started, True)


async def fill(works, start, end, step, zone, **more):
    async with works.database.transaction(works.organization_id) as session:
        return await backfills.create(
            session, works.actor, flow_id=works.flow_id, from_at=start, to_at=end, step=step, timezone=zone, **more
        )


async def steps_of(works, ticker):
    """Run a backfill to its end; what each execution covers."""
    for _ in range(30):
        await ticker.tick()
        await works.do("update executions set status = 'completed' where status = 'queued'")
        await works.do("update backfills set wake_at = clock_timestamp()")
        if await works.rows("select 1 from backfills where status <> 'running'"):
            break
    return await works.rows("select data_interval_start as since, data_interval_end as until from executions "
                            "order by data_interval_start")  # fmt: skip


async def test_a_backfill_over_a_day_that_its_zone_left_out(works, ticker):
    """Samoa had no 30 December 2011."""
    zone = ZoneInfo("Pacific/Apia")
    start, end = datetime(2011, 12, 28, tzinfo=zone), datetime(2012, 1, 2, tzinfo=zone)
    made = await fill(works, start, end, "1d", "Pacific/Apia", parallelism=3)
    found = await steps_of(works, ticker)
    assert [row.since.astimezone(zone).day for row in found] == [28, 29, 31, 1]
    assert all(row.until - row.since == timedelta(days=1) for row in found), "no step is empty"
    async with works.database.transaction(works.organization_id) as session:
        shown = await backfills.get(session, works.actor, made["id"])
    assert (shown["status"], shown["started"], shown["completed"]) == ("completed", 4, 4)


async def test_a_backfill_over_a_leap_day_by_months_and_days(works, ticker):
    await fill(works, datetime(2024, 1, 31, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC), "1mo", "UTC")
    found = await steps_of(works, ticker)
    assert [row.since.strftime("%m-%d") for row in found] == ["01-31", "02-29", "03-31", "04-30"]
    assert all(a.until == b.since for a, b in itertools.pairwise(found))


async def test_a_backfill_whose_scheduler_dies_goes_on_where_it_was(works, ticker, monkeypatch):
    start = datetime(2028, 2, 27, tzinfo=UTC)
    await fill(works, start, start + timedelta(days=4), "1d", "UTC", parallelism=2)
    launched = backfills.launch
    calls = itertools.count()

    async def dying(*given, **named):
        if next(calls) in {1, 4}:
            raise RuntimeError("killed")
        return await launched(*given, **named)

    monkeypatch.setattr(backfills, "launch", dying)
    for _ in range(12):
        with contextlib.suppress(RuntimeError):
            await ticker.tick()
        await works.do("update executions set status = 'completed' where status = 'queued'")
        await works.do("update backfills set wake_at = clock_timestamp() where status = 'running'")
    found = await works.rows("select data_interval_start as since from executions order by 1")
    assert [row.since.strftime("%m-%d") for row in found] == ["02-27", "02-28", "02-29", "03-01"]
    assert next(calls) > 6, "it was killed in between"
    assert [row.status for row in await works.rows("select status from backfills")] == ["completed"]


@given(zone=st.sampled_from(ZONES), days=st.floats(0, 7_000), step=st.sampled_from(["1d", "2d", "1w", "1mo", "6h"]))
def test_steps_never_go_back(zone, days, step):
    start = datetime(2010, 1, 1, tzinfo=UTC) + timedelta(days=days)
    ends = [backfills.after_step(start, step, ZoneInfo(zone), number) for number in range(1, 60)]
    assert ends[0] > start
    assert all(a <= b for a, b in itertools.pairwise(ends))
