"""The items of a loop are started some at a time: a crash in between loses none, doubles none, and holds nobody up."""

from __future__ import annotations

import pytest
from headrace.executions import families, leases, settle
from headrace.executions.called import load_called
from headrace.executions.leases import Doorbell
from headrace.infra.ids import new_id
from headrace.infra.queue import QUEUES
from headrace.sdk.errors import DataError
from headrace.sdk.waiting import Children, Item
from headrace.worker.reconciler import Reconciler
from headrace.worker.timing import Timing

CHUNK, MANY, PARALLEL = 4, 10, 2
ITEMS = Children(items=tuple(Item(source="none", params={"index": n}) for n in range(MANY)), parallel=PARALLEL)


class Loop:
    """A loop whose step has asked for its items, in the hands of a worker."""

    def __init__(self, world, database, bus):
        self.world, self.database = world, database
        self.reconciler = Reconciler(database, bus, Timing())
        self.id = None

    async def begin(self):
        self.id = await self.world.start(self.world.flow(
            "e:control.for_each e/x:lab.rows x>e.result", e={"over": "values", "values": list(range(MANY))},
        ))  # fmt: skip
        return await self.claim(self.id)

    async def claim(self, execution_id, *, lease_s=60):
        async with self.database.transaction(self.world.organization_id) as session:
            return await leases.claim(
                session, Doorbell(self.world.organization_id, execution_id, 0), worker_id=new_id(), lease_s=lease_s,
                distributions=sorted(self.world.host.distributions), queues=QUEUES,
            )  # fmt: skip

    async def chunk(self, claim, wait=ITEMS):
        async with self.database.transaction(self.world.organization_id) as session:
            return await settle.park(session, claim, "e", wait, registry=self.world.host.registry, load=load_called)

    async def all(self, claim):
        while (done := await self.chunk(claim)).more:
            pass
        return done

    async def lose(self, claim):
        """Its worker is gone; the segment is taken back and claimed by another."""
        await self.world.rows(
            "update segment_runs set lease_until = clock_timestamp() - interval '1 s' "
            "where execution_id = :e and segment_no = 0 returning 1", e=self.id,
        )  # fmt: skip
        assert await self.reconciler.reap() == 1
        return await self.claim(self.id)

    async def end(self, child):
        claim = await self.claim(child["id"])
        async with self.database.transaction(self.world.organization_id) as session:
            assert (await settle.complete(session, claim.lease, outputs={}, nodes=())).held

    async def segment(self):
        (row,) = await self.world.rows("select status, parked from segment_runs where execution_id = :e", e=self.id)
        return row

    async def numbers(self):
        return [child["item_no"] for child in await self.world.children(self.id)]


@pytest.fixture
def loop(world, worker_database, bus, monkeypatch):
    monkeypatch.setattr(families, "CHUNK", CHUNK)
    return Loop(world, worker_database, bus)


@pytest.mark.parametrize("chunks", [0, 1, 2])
async def test_after_a_crash_the_items_that_are_missing_are_started_and_no_other(loop, chunks):
    first = await loop.begin()
    for _ in range(chunks):
        assert (await loop.chunk(first)).more
    assert await loop.numbers() == list(range(chunks * CHUNK)), "each transaction starts a few"
    again = await loop.lose(first)
    assert again.resumed is None, "it has waited for nothing yet"
    assert not (await loop.chunk(first)).held, "whoever lost the lease starts nothing more"
    assert (await loop.all(again)).held
    assert await loop.numbers() == list(range(MANY))
    assert [child["held"] for child in await loop.world.children(loop.id)].count(False) == PARALLEL
    segment = await loop.segment()
    assert (segment.status, segment.parked["type"], "begins" in segment.parked) == ("parked", "children", False)


async def test_items_that_end_before_the_others_are_there_let_them_in(loop):
    claim = await loop.begin()
    assert (await loop.chunk(claim)).more
    for _ in range(2):
        for child in [one for one in await loop.world.children(loop.id) if not one["held"] and not one["completed_at"]]:
            await loop.end(child)
    assert {child["status"] for child in await loop.world.children(loop.id)} == {"completed"}
    assert (await loop.all(claim)).held
    open_ = [child for child in await loop.world.children(loop.id) if child["status"] != "completed"]
    assert [child["held"] for child in open_].count(False) == PARALLEL, "nobody else would let them in"


async def test_a_step_is_woken_by_what_ended_before_it_waited(loop):
    claim = await loop.begin()
    assert (await loop.chunk(claim)).more
    await loop.world.cancel((await loop.world.children(loop.id))[0]["id"])
    assert (await loop.all(claim)).held
    assert (await loop.segment()).status == "ready", "an item that did not complete stops the loop"
    resumed = await loop.claim(loop.id)
    assert len(resumed.resumed.children) == MANY


async def test_other_items_than_before_the_crash_are_an_error(loop):
    claim = await loop.begin()
    assert (await loop.chunk(claim)).more
    again = await loop.lose(claim)
    other = Children(items=(*ITEMS.items[1:], Item(source="none", params={"index": 99})), parallel=PARALLEL)
    with pytest.raises(DataError, match="not the same as before"):
        await loop.chunk(again, other)


async def test_cancelled_in_between_nothing_more_is_started_and_what_was_is_stopped(loop):
    claim = await loop.begin()
    assert (await loop.chunk(claim)).more
    await loop.world.cancel(loop.id)
    assert not (await loop.chunk(claim)).more
    assert await loop.numbers() == list(range(CHUNK))
    await loop.reconciler.mend_families()
    assert {child["status"] for child in await loop.world.children(loop.id)} == {"cancelled"}
    assert (await loop.world.execution(loop.id))["status"] == "cancelled"
