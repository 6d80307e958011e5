"""The ticker: due instants, other flows' ends and backfills become executions, each once."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from headrace.sdk.errors import ConfigError
from headrace.triggers import backfills
from headrace.triggers import service as triggers

SECONDS = {"every": 1, "unit": "seconds"}


async def executions(works, kind="scheduled"):
    return await works.rows(
        "select id, data_interval_start as since, data_interval_end as until, input_data, priority from executions "
        "where trigger_type = :kind order by data_interval_end", kind=kind,
    )  # fmt: skip


async def test_a_due_instant_starts_one_execution_for_any_number_of_tickers(works, ticker):
    made = await works.trigger("interval", {"every": 1, "unit": "hours"})
    await works.late(made, "1 hour")
    started = await asyncio.gather(*(ticker.tick() for _ in range(5)))
    assert sum(started) == 1
    (one,) = await executions(works)
    (tick,) = await works.rows("select * from trigger_ticks")
    (row,) = await works.rows("select * from triggers")
    assert tick.execution_id == one.id == row.last_execution_id
    assert tick.fire_at == one.until == row.last_fired_at
    assert row.next_fire_at == row.wake_at == one.until + timedelta(hours=1)
    assert one.input_data["rows"] == [
        {"scheduled_at": one.until.isoformat().replace("+00:00", "Z"),
         "interval_start": one.since.isoformat().replace("+00:00", "Z"),
         "interval_end": one.until.isoformat().replace("+00:00", "Z")}
    ]  # fmt: skip


@pytest.mark.parametrize(("misfire", "started", "missed", "outcomes"), [
    ("run_all", 5, 0, {"started"}), ("coalesce", 1, 4, {"started"}), ("skip", 0, 5, {"skipped"}),
])  # fmt: skip
async def test_after_a_standstill_the_policy_decides(works, ticker, misfire, started, missed, outcomes):
    made = await works.trigger("interval", {"every": 1, "unit": "hours", "misfire": misfire, "grace_seconds": 0})
    await works.late(made, "5 hours")
    assert await ticker.tick() == started
    (row,) = await works.rows("select missed, next_fire_at > clock_timestamp() as ahead from triggers")
    assert (row.missed, row.ahead) == (missed, True)
    assert {tick.outcome for tick in await works.rows("select outcome from trigger_ticks")} == outcomes
    found = await executions(works)
    assert all(a.until == b.since for a, b in itertools.pairwise(found))
    assert await ticker.tick() == 0


async def test_no_more_are_open_than_max_pending_and_none_is_lost(works, ticker):
    made = await works.trigger("interval", {"every": 1, "unit": "hours", "misfire": "run_all", "max_pending": 2})
    await works.late(made, "5 hours")
    assert await ticker.tick() == 2
    assert await works.rows("select 1 from triggers where next_fire_at < clock_timestamp()")
    for expected in (2, 1, 0):
        await works.do("update executions set status = 'running' where status = 'queued'")
        assert await ticker.tick() == 0
        await works.do("update executions set status = 'completed' where status = 'running'")
        await works.do(
            "update triggers set wake_at = clock_timestamp() where wake_at < clock_timestamp() + interval '1 min'"
        )
        assert await ticker.tick() == expected
    assert len(await works.rows("select 1 from trigger_ticks where outcome = 'started'")) == 5


@pytest.mark.parametrize(("beyond", "says", "hour"), [
    ("refuse", "an execution of this flow waits to begin", 1), ("skip", "waits and stands for this one", 1),
    ("coalesce", "waits and stands for this one", 3),
])  # fmt: skip
async def test_a_due_instant_beyond_what_may_wait_is_skipped_with_the_reason(works, ticker, beyond, says, hour):
    await works.do(
        "update flows set settings = jsonb_build_object('max_pending', 1, 'when_pending', cast(:b as text))", b=beyond
    )
    made = await works.trigger("interval", {"every": 1, "unit": "hours", "misfire": "run_all"})
    await works.late(made, "3 hours")
    assert await ticker.tick() == 1
    ticks = await works.rows("select * from trigger_ticks order by fire_at")
    assert [tick.outcome for tick in ticks] == ["started", "skipped", "skipped"]
    assert [says in tick.error for tick in ticks[1:]] == [True, True]
    (one,) = await executions(works)
    assert one.until == ticks[hour - 1].fire_at, "what it stands for"
    (row,) = await works.rows("select missed, error, last_execution_id from triggers")
    assert (row.missed, row.error, row.last_execution_id) == (2, None, one.id)


async def test_a_flow_that_is_switched_off_stops_its_triggers_and_resumes_without_making_up(works, ticker):
    made = await works.trigger("interval", {"every": 1, "unit": "hours", "misfire": "run_all"})
    await works.late(made, "5 hours")
    await works.do("update flows set status = 'inactive'")
    assert await ticker.tick() == 0
    (row,) = await works.rows("select armed, next_fire_at, is_active from triggers")
    assert (row.armed, row.next_fire_at, row.is_active) == (False, None, True)
    await works.do("update flows set status = 'active'")
    assert await ticker.tick() == 0
    (row,) = await works.rows("select next_fire_at > clock_timestamp() as ahead, armed from triggers")
    assert (row.ahead, row.armed) == (True, True)
    await works.do("update flows set deleted_at = clock_timestamp()")
    assert await works.rows("select 1 from triggers where not armed and wake_at is null")


async def test_a_flow_with_a_problem_is_told_and_the_next_instant_comes(works, ticker):
    made = await works.trigger("interval", {"every": 1, "unit": "hours"})
    await works.do('update flow_data set definition = \'{"nodes": [], "edges": []}\'')
    await works.late(made, "1 hour")
    assert await ticker.tick() == 0
    (tick,) = await works.rows("select outcome, error from trigger_ticks")
    assert (tick.outcome, tick.error) == ("failed", "the flow has no steps; add one first")
    (row,) = await works.rows("select error, failures, next_fire_at > clock_timestamp() as ahead from triggers")
    assert (row.error, row.failures, row.ahead) == (tick.error, 1, True)


async def test_a_trigger_whose_plugin_is_gone_waits_and_the_others_go_on(works, ticker):
    broken = await works.trigger("interval", SECONDS)
    good = await works.trigger("interval", {"every": 1, "unit": "hours"})
    await works.late(broken, "1 hour")
    await works.late(good, "1 hour")
    await works.do("update triggers set type = 'moon_phase' where id = :id", id=broken)
    assert await ticker.tick() == 1
    (row,) = await works.rows(
        "select error, wake_at > clock_timestamp() as ahead from triggers where id = :id", id=broken
    )
    assert row.ahead
    assert "moon_phase" in row.error


async def test_the_end_of_a_flow_starts_the_one_that_waits_for_it(works, ticker):
    second = await works.flow("Second")
    await works.trigger("flow_completed", {"flow": str(works.flow_id), "statuses": ["failed"]}, flow_id=second)
    first = await works.trigger("interval", {"every": 1, "unit": "hours", "misfire": "run_all"})
    await works.late(first, "2 hours")
    assert await ticker.tick() == 2
    done, failed = [row.id for row in await executions(works)]
    for execution_id, status in ((done, "completed"), (failed, "failed")):
        await works.do("update executions set status = :s where id = :id", s=status, id=execution_id)
    started = await asyncio.gather(*(ticker.tick() for _ in range(3)))
    assert sum(started) == 1
    (follower,) = await works.rows(
        "select flow_id, input_data, execution_details from executions where trigger_type = 'flow'"
    )
    assert follower.flow_id == second
    assert follower.input_data["rows"][0]["execution_id"] == str(failed)
    assert follower.execution_details["chain"] == 1


async def test_flows_that_start_each_other_stop_after_twenty(works, ticker):
    second = await works.flow("Second")
    await works.trigger("flow_completed", {"flow": str(works.flow_id)}, flow_id=second)
    await works.trigger("flow_completed", {"flow": str(second)})
    hourly = await works.trigger("interval", {"every": 1, "unit": "hours"})
    await works.late(hourly, "1 hour")
    for _ in range(25):
        await ticker.tick()
        await works.do("update executions set status = 'completed' where status = 'queued'")
    assert len(await works.rows("select 1 from executions where trigger_type = 'flow'")) == 20
    (event,) = await works.rows("select error from trigger_events where status = 'failed'")
    assert "break the ring" in event.error


async def test_a_backfill_goes_through_its_steps_a_few_at_a_time(works, ticker):
    start = datetime(2026, 3, 27, 23, tzinfo=UTC)
    async with works.database.transaction(works.organization_id) as session:
        made = await backfills.create(
            session, works.actor, flow_id=works.flow_id, from_at=start, to_at=start + timedelta(days=4), step="1d",
            timezone="Europe/Berlin", parallelism=2,
        )  # fmt: skip
    for _ in range(8):
        await asyncio.gather(ticker.tick(), ticker.tick())
        assert len(await works.rows("select 1 from executions where status = 'queued'")) <= 2
        await works.do("update executions set status = 'completed' where status = 'queued'")
        await works.do("update backfills set wake_at = clock_timestamp()")
    found = await executions(works, "backfill")
    assert [row.since.hour for row in found] == [23, 23, 22, 22, 22], "midnight in Berlin, over the change of clocks"
    assert found[0].since == start
    assert found[-1].until == start + timedelta(days=4)
    assert all(a.until == b.since for a, b in itertools.pairwise(found))
    assert {row.priority for row in found} == {-10}
    async with works.database.transaction(works.organization_id) as session:
        shown = await backfills.get(session, works.actor, made["id"])
    assert (shown["status"], shown["started"], shown["completed"]) == ("completed", 5, 5)


async def test_a_backfill_without_end_or_sense_is_refused(works):
    start = datetime(2020, 1, 1, tzinfo=UTC)
    for span, step, said in ((timedelta(0), "1d", "empty"), (timedelta(days=9), "soon", "no step"),
                             (timedelta(days=900), "1s", "100,000 steps")):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            async with works.database.transaction(works.organization_id) as session:
                await backfills.create(
                    session, works.actor, flow_id=works.flow_id, from_at=start, to_at=start + span, step=step
                )


async def test_the_canvas_declares_its_triggers(works):
    def canvas(**config):
        return {"nodes": [{"id": "when", "data": {"nodeType": "triggers.cron", "label": "Each morning",
                                                 "config": config},
                           "position": {"x": 0, "y": 0}}], "edges": []}  # fmt: skip

    async def saved(**config):
        async with works.database.transaction(works.organization_id) as session:
            from headrace.flows import service as flows

            data = await flows.get_data(session, works.actor, works.flow_id)
            await flows.put_data(session, works.actor, works.flow_id, canvas(**config) if config else
                                 {"nodes": [], "edges": []}, data.row_version)  # fmt: skip
            return await triggers.sync(session, works.actor, works.vault, works.host.registry, works.flow_id)

    (row,) = await saved(expression="0 7 * * *", timezone="Europe/Berlin")
    assert (row.name, row.armed, row.timezone) == ("Each morning", True, "Europe/Berlin")
    due = row.next_fire_at
    (again,) = await saved(expression="0 7 * * *", timezone="Europe/Berlin")
    assert (again.id, again.next_fire_at) == (row.id, due)
    (moved,) = await saved(expression="0 8 * * *", timezone="Europe/Berlin")
    assert (moved.id, moved.next_fire_at != due) == (row.id, True)
    (broken,) = await saved(expression="never")
    assert (broken.is_active, broken.armed, "no cron expression" in broken.error) == (False, False, True)
    (mended,) = await saved(expression="@daily")
    assert (mended.id, mended.armed, mended.error) == (row.id, True, None)
    assert await saved() == []
    assert await works.rows("select 1 from triggers where armed") == []
