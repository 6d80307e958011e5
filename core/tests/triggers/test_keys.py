"""Keys of events: the same one within the window starts nothing and is listed."""

from __future__ import annotations

import asyncio

import pytest
from headrace.executions.leases import as_json
from headrace.sdk.errors import DataError
from headrace.triggers import keys
from headrace.triggers import service as triggers
from headrace.triggers import statements as sql

BY_ORDER = {"unique_by": "{{ row.order }}"}


async def bring(works, trigger_id, *orders):
    """Events of a trigger as another flow's end or a source leaves them."""
    events = [{"key": f"e{n}", "payload": {"rows": [{"order": order}]}} for n, order in enumerate(orders)]
    async with works.database.transaction(works.organization_id) as session:
        key = {"organization_id": works.organization_id, "id": trigger_id}
        await session.execute(sql.ADD_EVENTS, {**key, "events": as_json(events)})


async def listed(works, trigger_id):
    async with works.database.transaction(works.organization_id) as session:
        row = await triggers.get(session, works.actor, trigger_id)
        return await keys.duplicates(session, row)


async def test_the_same_key_starts_once_and_the_others_are_listed(works, ticker):
    made = await works.trigger("webhook", {"authentication": "none", **BY_ORDER})
    await bring(works, made, "a", "b", "a", "a")
    assert await ticker.tick() == 2
    events = await works.rows("select status, execution_id from trigger_events order by position")
    assert [event.status for event in events] == ["started", "started", "duplicate", "duplicate"]
    assert events[2].execution_id == events[0].execution_id != events[1].execution_id
    found, total = await listed(works, made)
    assert total == 2
    assert [(one["key"], one["origin"], one["execution_id"]) for one in found] == [
        ("a", "e3", events[0].execution_id), ("a", "e2", events[0].execution_id),
    ]  # fmt: skip
    assert len(await works.rows("select 1 from executions")) == 2


async def test_after_the_window_the_key_starts_again(works, ticker):
    made = await works.trigger("webhook", {"authentication": "none", "unique_hours": 1, **BY_ORDER})
    await bring(works, made, "a")
    assert await ticker.tick() == 1
    await works.do("update trigger_keys set started_at = started_at - interval '61 minutes'")
    await works.do("delete from trigger_events")
    await bring(works, made, "a", "a")
    assert await ticker.tick() == 1
    assert (await listed(works, made))[1] == 1


async def test_a_schedule_starts_once_a_day_by_its_key(works, ticker):
    made = await works.trigger(
        "interval", {"every": 1, "unit": "minutes", "misfire": "run_all", "unique_by": "{{ trigger.name }}"}, name="N"
    )
    await works.late(made, "3 minutes")
    assert await ticker.tick() == 1
    assert sorted(tick.outcome for tick in await works.rows("select outcome from trigger_ticks")) == [
        "duplicate", "duplicate", "started",
    ]  # fmt: skip


async def test_a_key_that_failed_to_start_is_not_seen(works, ticker):
    flow = await works.flow("Empty", {"nodes": [], "edges": []})
    made = await works.trigger("webhook", {"authentication": "none", **BY_ORDER}, flow_id=flow)
    await bring(works, made, "a")
    assert await ticker.tick() == 0
    assert await works.rows("select 1 from trigger_keys") == []
    (event,) = await works.rows("select status, error from trigger_events")
    assert (event.status, event.error) == ("failed", "the flow has no steps; add one first")


async def test_an_event_without_the_field_says_so(works, ticker):
    made = await works.trigger("webhook", {"authentication": "none", "unique_by": "{{ row.number }}"})
    await bring(works, made, "a")
    await ticker.tick()
    (event,) = await works.rows("select status, error from trigger_events")
    assert event.status == "failed"
    assert event.error.startswith("the key of this event cannot be told: '{{ row.number }}' asks for something")


async def test_the_same_key_at_the_same_time_starts_once(works):
    made = await works.trigger("manual", BY_ORDER)

    async def run():
        async with works.database.transaction(works.organization_id) as session:
            given = {"rows": [{"order": 7}]}
            return await triggers.run(session, works.actor, works.host, made, input_data=given)

    assert len(set(await asyncio.gather(*(run() for _ in range(5))))) == 1
    assert len(await works.rows("select 1 from executions")) == 1
    assert (await listed(works, made))[1] == 4


def test_a_long_key_is_kept_as_its_hash():
    event = {"rows": [{"text": "x" * 1_000}], "request": {"headers": {"x-id": " 5 "}}}
    assert keys.key_of({"unique_by": "{{ row.text }}"}, event).startswith("sha256:")
    assert keys.key_of({"unique_by": '{{ request.headers["x-id"] }}'}, event) == "5"
    assert keys.key_of({}, event) == ""
    with pytest.raises(DataError, match="cannot be told"):
        keys.key_of({"unique_by": "{{ nothing }}"}, event)
