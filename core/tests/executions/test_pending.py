"""How many executions of a flow may wait: one more is refused, skipped or coalesced, exactly, and never a retry."""

from __future__ import annotations

import asyncio
import json

import pytest
import sqlalchemy as sa
from headrace.executions.admission import policy_of
from headrace.executions.pending import JOINED, TooManyWaiting
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.sdk.errors import ConfigError

ONE = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),))


async def configure(world, **settings):
    async with world.database.transaction(world.organization_id) as session:
        await session.execute(
            sa.text("update flows set settings = cast(:s as jsonb) where id = :f"),
            {"s": json.dumps(settings), "f": world.flow_id},
        )


async def waiting(world) -> int:
    return (await world.rows("select count(*) as n from executions where status = 'queued'"))[0].n


async def events(world, execution_id) -> list[dict]:
    found = await world.rows(
        "select type, data from execution_events where execution_id = :e order by seq", e=execution_id
    )
    return [row.data for row in found if row.type == JOINED]


async def test_one_more_than_may_wait_is_refused_and_comes_in_when_one_has_begun(world):
    await configure(world, max_pending=2)
    first, _ = [await world.start(ONE) for _ in range(2)]
    with pytest.raises(TooManyWaiting, match=r"2 executions of this flow wait .* \(max_pending 2\); try again later"):
        await world.start(ONE)
    await world.cancel(first)
    await world.start(ONE)
    assert await waiting(world) == 2


async def test_many_starters_at_once_never_exceed_it(world):
    await configure(world, max_pending=3)
    found = await asyncio.gather(*(world.start(ONE) for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(one, TooManyWaiting) for one in found) == 9, found
    assert await waiting(world) == 3


async def test_with_skip_the_one_that_waits_stands_for_the_next(world):
    await configure(world, max_pending=1, when_pending="skip")
    first = await world.start(ONE, params={"day": 1})
    assert await world.start(ONE, params={"day": 2}, trigger_type="scheduled") == first
    assert (await world.rows("select params from executions"))[0].params == {"day": 1}
    assert await events(world, first) == [{"trigger_type": "scheduled", "took_input": False}]


async def test_with_coalesce_the_newest_that_waits_takes_the_newer_input(world):
    await configure(world, max_pending=2, when_pending="coalesce")
    old, new = [await world.start(ONE, params={"day": day}) for day in (1, 2)]
    assert await world.start(ONE, params={"day": 3}, input_data={"rows": [{"n": 3}]}) == new
    params = {row.id: (row.params, row.input_data) for row in await world.rows("select * from executions")}
    assert params == {old: ({"day": 1}, {}), new: ({"day": 3}, {"rows": [{"n": 3}]})}
    assert [one["took_input"] for one in await events(world, new)] == [True]


async def test_held_executions_wait_too_and_running_ones_do_not(world):
    await configure(world, max_concurrency=1, max_pending=2)
    for _ in range(2):
        await world.start(ONE)
    with pytest.raises(TooManyWaiting):
        await world.start(ONE)
    async with world.database.transaction(world.organization_id) as session:
        await session.execute(sa.text("update executions set status = 'running' where not held"))
    await world.start(ONE)


async def test_a_repeat_of_a_key_gives_the_first_and_a_retry_is_not_bounded(world):
    await configure(world, max_pending=1)
    first = await world.start(ONE, idempotency_key="k")
    assert await world.start(ONE, idempotency_key="k") == first
    await world.start(ONE, parent_execution_id=first)
    await world.start(ONE, trigger_type="backfill")
    await world.start(ONE, mode="to_here", target_node_id="rows")
    with pytest.raises(TooManyWaiting):
        await world.start(ONE, idempotency_key="other")


@pytest.mark.parametrize(("settings", "says"), [
    ({"max_pending": 0}, "'max_pending' is 0; give 1 or more"),
    ({"max_pending": "many"}, "do not fit"),
    ({"max_pending": 1, "when_pending": "drop"}, "do not fit: Invalid enum value 'drop'"),
])  # fmt: skip
def test_settings_that_do_not_fit_are_named(settings, says):
    with pytest.raises(ConfigError, match=says):
        policy_of(settings)
