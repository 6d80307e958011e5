"""Large inputs are in the object store: steps, people and retries get them whole, rows and lists stay small."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from headrace.executions import payloads, service
from headrace.executions.leases import as_json
from headrace.flows.graph import FlowGraph, NodeSpec
from headrace.infra.database import Database
from headrace.infra.store import Store
from headrace.sdk.errors import ConfigError, NotFound
from headrace.worker.maintenance import Maintenance

ONE = FlowGraph(nodes=(NodeSpec(id="rows", type="lab.rows"),))
LARGE = {"count": 7, "text": "x" * payloads.INLINE_MAX}


@pytest.fixture
async def stored(world, database_urls, headrace_settings):
    """The world, whose database knows the object store."""
    world.database = Database.from_url(database_urls.app_url, objects_url=headrace_settings.objects_url)
    yield world
    await world.database.close()


@pytest.fixture
def store(headrace_settings):
    return Store(headrace_settings.objects_url)


async def whole(world, execution_id):
    async with world.database.transaction(world.organization_id) as session:
        found = await service.get(session, world.organization_id, execution_id)
        return (await service.with_input(session, world.organization_id, found))["input_data"]


async def test_a_large_input_is_beside_the_row_and_whole_for_who_asks(stored, other_world, store):
    small, large = await stored.start(ONE, input_data={"count": 1}), await stored.start(ONE, input_data=LARGE)
    rows = {row.id: row for row in await stored.rows("select id, input_data, execution_details from executions")}
    assert (rows[small].input_data, rows[small].execution_details) == ({"count": 1}, {})
    assert rows[large].input_data == {}
    facts = rows[large].execution_details["input"]
    assert facts["bytes"] == len(store.get(stored.organization_id, payloads.key_of(large, facts["sha256"])))
    assert (await whole(stored, small), await whole(stored, large)) == ({"count": 1}, LARGE)
    async with stored.database.transaction(stored.organization_id) as session:
        listed, _ = await service.find(session, stored.organization_id)
    assert all(len(str(row["input_data"])) < 100 for row in listed)
    with pytest.raises(NotFound):
        payloads.load(store.url, other_world.organization_id, large, facts["sha256"])


async def test_a_step_gets_a_large_input(stored, processes):
    await processes.start("worker")
    execution_id = await stored.start(stored.graph(), input_data=LARGE)
    assert (await stored.ended(execution_id))["status"] == "completed", processes.log(0)
    assert len(stored.lines("target")) == 7


async def test_an_input_that_is_gone_fails_the_execution_with_a_sentence(stored, store, processes):
    execution_id = await stored.start(stored.graph(), input_data=LARGE)
    store.delete_under(stored.organization_id, f"executions/{execution_id}")
    await processes.start("worker")
    ended = await stored.ended(execution_id)
    assert (ended["status"], ended["error_message"]) == (
        "failed", "the input of this execution is not stored any more; start the flow with a new one",
    )  # fmt: skip
    assert await whole(stored, execution_id) is None


async def test_too_large_is_one_sentence_and_nothing_is_started(stored):
    with pytest.raises(ConfigError, match=r"the input takes 16,777,\d+ bytes and 16,777,216 are the most; hand over"):
        await stored.start(ONE, input_data={"text": "x" * payloads.INPUT_MAX})
    assert await stored.rows("select 1 from executions") == []


async def test_an_input_cannot_name_what_is_stored(stored):
    other = await stored.start(ONE, input_data=LARGE)
    forged = {"input": {"bytes": 1, "sha256": ""}, "execution_details": {"input": {}}, "key": str(other)}
    assert await whole(stored, await stored.start(ONE, input_data=forged)) == forged


async def test_a_large_input_goes_with_its_execution(stored, store, worker_database):
    execution_id = await stored.start(ONE, input_data=LARGE)
    await stored.cancel(execution_id)
    async with worker_database.transaction(stored.organization_id) as session:
        await session.execute(sa.text("update executions set completed_at = now() - interval '400 days'"))
    assert await Maintenance(worker_database, store).remove_old() == 1
    assert store.list(stored.organization_id) == []


async def test_a_newer_input_of_an_execution_that_waits_takes_the_place_of_the_older(stored):
    settings = {"max_pending": 1, "when_pending": "coalesce"}
    async with stored.database.transaction(stored.organization_id) as session:
        await session.execute(sa.text("update flows set settings = CAST(:s AS jsonb)"), {"s": as_json(settings)})
    first = await stored.start(ONE, input_data=LARGE)
    for given in ({**LARGE, "count": 8}, {"count": 1}, LARGE):
        assert await stored.start(ONE, input_data=given) == first
        assert await whole(stored, first) == given
