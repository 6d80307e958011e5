"""The month's executions are exact; steps of a feature that is off start by no door."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from headrace.entitlements import counts, service
from headrace.executions import families
from headrace.executions import service as executions
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra.database import Database
from headrace.sdk.errors import FeatureOff, LimitReached

ONE = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),))


async def override(world, kind, key, column, value):
    async with world.database.transaction(world.organization_id) as session:
        await session.execute(sa.text("delete from feature_overrides where key = :k"), {"k": key})
        if value is not None:
            text = sa.text(
                "insert into feature_overrides (organization_id, kind, key, enabled, value) "
                "values (:o, :kind, :k, :enabled, :value)"
            )
            given = {"enabled": None, "value": None, column: value}
            await session.execute(text, {"o": world.organization_id, "kind": kind, "k": key, **given})


async def limit(world, most):
    await override(world, "limit", "executions", "value", most)


async def used(world) -> int:
    async with world.database.transaction(world.organization_id) as session:
        return (await service.usage(session, "executions")).used


async def test_of_a_hundred_at_once_at_ten_exactly_ten_start(world, database_urls, record_property):
    await limit(world, 10)
    wide = Database.from_url(database_urls.app_url, pool_size=30, max_overflow=0)
    narrow, world.database = world.database, wide

    async def attempt():
        try:
            await world.start(ONE)
        except LimitReached as reached:
            return reached.details
        return None

    answers = await asyncio.gather(*(attempt() for _ in range(100)))
    world.database = narrow
    await wide.close()
    refused = [answer for answer in answers if answer is not None]
    record_property("security: of 100 starts at once at the limit 10, started", 100 - len(refused))
    assert len(refused) == 90
    assert {(one["used"], one["max"], one["limit"]) for one in refused} == {(10, 10, "executions")}
    assert len(await world.rows("select 1 from executions")) == 10
    assert await used(world) == 10


async def test_what_was_started_without_a_limit_counts_once_there_is_one(world):
    for _ in range(3):
        await world.start(ONE)
    assert (await used(world), len(await world.rows("select 1 from usage_counters"))) == (3, 0)
    await limit(world, 5)
    await world.start(ONE)
    await limit(world, None)
    await world.start(ONE)
    assert await used(world) == 5
    await limit(world, 5)
    with pytest.raises(LimitReached, match=r"allows 5 executions a month, 5 are used"):
        await world.start(ONE)
    await limit(world, 7)
    await world.start(ONE)
    await world.rows("update executions set queued_at = queued_at - interval '60 days' returning 1 as done")
    assert await used(world) == 6, "what retention removes was used all the same"


async def test_a_repeat_and_a_refused_start_use_nothing(world):
    await limit(world, 2)
    first = await world.start(ONE, idempotency_key="k")
    assert await world.start(ONE, idempotency_key="k") == first
    assert await used(world) == 1
    await override(world, "limit", "concurrent_executions", "value", 0)
    with pytest.raises(LimitReached, match="no execution at a time"):
        await world.start(ONE)
    await override(world, "limit", "concurrent_executions", "value", None)
    assert await used(world) == 1
    assert len(await world.rows("select 1 from executions")) == 1


async def test_the_next_month_begins_anew(world, monkeypatch):
    await limit(world, 1)
    await world.start(ONE)
    with pytest.raises(LimitReached):
        await world.start(ONE)
    ahead = counts.next_month(datetime.now(UTC)) + timedelta(seconds=1)
    monkeypatch.setattr(counts, "now", lambda: ahead)
    await world.start(ONE)
    assert [row.used for row in await world.rows("select used from usage_counters order by period")] == [1, 1]


@pytest.mark.parametrize(("at", "begun", "following"), [
    ("2026-12-31T23:59:59+00:00", "2026-12-01", "2027-01-01"),
    ("2026-03-01T00:30:00+02:00", "2026-02-01", "2026-03-01"),
])  # fmt: skip
def test_months_are_those_of_utc(at, begun, following):
    at = datetime.fromisoformat(at)
    assert (f"{counts.month_of(at):%Y-%m-%d}", f"{counts.next_month(at):%Y-%m-%d}") == (begun, following)


@pytest.fixture
def gated(world, monkeypatch):
    """Reading rows is now of the feature `streaming`."""
    known = world.host.registry.nodes["lab.rows"]
    manifest = msgspec.structs.replace(known.manifest, feature="streaming")
    monkeypatch.setitem(world.host.registry.nodes, "lab.rows", msgspec.structs.replace(known, manifest=manifest))


async def test_a_step_of_a_feature_that_is_off_starts_by_no_door(world, gated):
    started = await world.start(ONE)
    await override(world, "feature", "streaming", "enabled", False)
    with pytest.raises(FeatureOff, match="Streaming") as caught:
        await world.start(ONE)
    assert caught.value.details["feature"] == "streaming"
    for trigger in ("scheduled", "webhook", "event", "flow", "backfill"):
        with pytest.raises(FeatureOff):
            await world.start(ONE, trigger_type=trigger)
    with pytest.raises(FeatureOff):
        await world.start(ONE, mode="node", target_node_id="rows")
    async with world.database.transaction(world.organization_id) as session:
        with pytest.raises(FeatureOff):
            await families._target(session, *_call(world))
    (row,) = await world.rows("select status from executions where id = :id", id=started)
    assert row.status == "queued", "what was started goes on"


def _call(world):
    """A worker whose step calls another flow, which has the gated step."""
    other = families.OtherFlow(world.flow_id, ONE, "hash", None)

    async def load(*_):
        return other

    node = NodeSpec(id="call", type="control.call_flow")
    spec = type("Spec", (), {"graph": FlowGraph(nodes=(node,)), "body": None})
    lease = type("Lease", (), {"organization_id": world.organization_id})
    claim = type("Claim", (), {"spec": spec, "lease": lease})
    wait = type("Wait", (), {"flow": "Other", "version": None})
    parent = type("Parent", (), {"flow_id": world.flow_id})
    return claim, wait, world.host.registry, load, parent


def test_every_way_to_an_execution_leads_through_the_gate():
    """What writes executions is `start`, or makes parts of one that was let in; a new way needs a gate too."""
    found = {
        path.stem
        for path in Path(executions.__file__).parents[1].rglob("*.py")
        if re.search(r"queries\.CREATE\b|create_one\(|create_children\(|INSERT INTO executions\b", path.read_text())
        and "versions" not in path.parts
    }
    assert found == {"service", "create", "queries", "families", "family_statements", "handlers", "compensation"}
