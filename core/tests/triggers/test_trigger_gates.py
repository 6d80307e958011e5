"""Schedules go through the same gates: a refused start leaves a sentence, and nothing half made."""

import msgspec
import pytest
import sqlalchemy as sa


async def override(works, kind, key, column, value):
    async with works.database.transaction(works.organization_id) as session:
        text = sa.text(
            "insert into feature_overrides (organization_id, kind, key, enabled, value) "
            "values (:o, :kind, :k, :enabled, :value)"
        )
        given = {"enabled": None, "value": None, column: value}
        await session.execute(text, {"o": works.organization_id, "kind": kind, "k": key, **given})


async def test_ticks_beyond_the_months_executions_are_told_and_start_nothing(works, ticker):
    await override(works, "limit", "executions", "value", 2)
    made = await works.trigger("interval", {"every": 1, "unit": "hours", "misfire": "run_all"})
    await works.late(made, "5 hours")
    assert await ticker.tick() == 2
    ticks = await works.rows("select outcome, error, execution_id from trigger_ticks order by fire_at")
    assert [tick.outcome for tick in ticks] == ["started"] * 2 + ["failed"] * 3
    assert all("allows 2 executions a month" in tick.error for tick in ticks[2:])
    (count,) = await works.rows(
        "select count(*) as n, count(*) filter (where status = 'queued') as open from executions"
    )
    assert (count.n, count.open) == (2, 2)
    (counter,) = await works.rows("select used from usage_counters")
    assert counter.used == 2


@pytest.mark.parametrize("switched", [False, True])
async def test_a_tick_of_a_flow_with_a_gated_step_follows_the_feature(works, ticker, monkeypatch, switched):
    known = works.host.registry.nodes["lab.rows"]
    manifest = msgspec.structs.replace(known.manifest, feature="streaming")
    monkeypatch.setitem(works.host.registry.nodes, "lab.rows", msgspec.structs.replace(known, manifest=manifest))
    await override(works, "feature", "streaming", "enabled", switched)
    made = await works.trigger("interval", {"every": 1, "unit": "hours"})
    await works.late(made, "1 hour")
    assert await ticker.tick() == int(switched)
    (tick,) = await works.rows("select outcome, error from trigger_ticks")
    assert tick.outcome == ("started" if switched else "failed")
    assert switched or "the feature 'Streaming pipelines' is not in your edition" in tick.error
    assert len(await works.rows("select 1 from executions")) == int(switched)
