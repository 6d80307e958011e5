"""Slots of a lane: one organization may fill them, the reserve beside them is for whoever has none."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from headrace.executions.leases import Doorbell
from headrace.infra.ids import new_id
from headrace.worker.lane import Lane

A, B, C = (UUID(int=number) for number in range(3))


def bell(organization_id: UUID) -> Doorbell:
    return Doorbell(organization_id, new_id(), 0)


class Claimer:
    """Claims whatever is rung for, as the supervisor does."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.task = asyncio.create_task(self._claim())

    async def _claim(self) -> None:
        while True:
            rung = await self.lane.rung()
            for one, _ in rung:
                self.lane.enter(one.organization_id)
            self.lane.answer(rung, {(one.execution_id, one.segment_no) for one, _ in rung})

    async def end(self, organization_id: UUID) -> None:
        self.lane.worked(organization_id)
        self.lane.leave()


@pytest.fixture
async def claimer():
    found = Claimer(Lane(["light"], 2, reserve=1))
    yield found
    found.task.cancel()


async def test_one_fills_all_slots_and_the_reserve_lets_one_of_another_in(claimer):
    lane = claimer.lane
    assert [await lane.ring(bell(A)) for _ in range(3)] == [True, True, None]
    assert [lane.room(each) for each in (A, B)] == [0, 1]
    assert [await lane.ring(bell(each)) for each in (B, B, C)] == [True, None, None]
    await claimer.end(A)
    assert [lane.room(each) for each in (A, B, C)] == [0, 0, 1], "the reserve is restored first"
    await claimer.end(A)
    assert [lane.room(each) for each in (A, B, C)] == [1, 0, 1], "one is kept for A, who was here lately"


async def test_a_slot_is_kept_for_whoever_was_here_lately(claimer, monkeypatch):
    lane = claimer.lane
    assert await lane.ring(bell(B))
    await claimer.end(B)
    assert [await lane.ring(bell(A)) for _ in range(2)] == [True, None]
    assert [lane.room(each) for each in (A, B)] == [0, 1], "the one that is kept"
    monkeypatch.setattr("headrace.worker.lane.LATELY_S", 0)
    assert await lane.ring(bell(A)), "nobody was"


async def test_a_segment_that_is_rung_for_twice_at_once_takes_one_slot():
    lane, twice = Lane(["light"], 2), bell(A)
    rings = [asyncio.create_task(lane.ring(twice)) for _ in range(2)]
    rung = await lane.rung()
    assert len(rung) == 2
    lane.enter(A)
    lane.answer(rung, {(twice.execution_id, twice.segment_no)})  # both doorbells are dealt with
    assert await asyncio.gather(*rings) == [True, True]
    assert lane.room(A) == 1
    lane.worked(A)
    lane.leave()
    assert (lane.room(A), lane.held) == (2, 0)


async def test_what_one_has_claimed_ahead_takes_nothing_of_the_reserve(claimer):
    lane = claimer.lane = Lane(["light"], 2, reserve=1, ahead=True)
    lane._takes_s = 0.01  # short ones so far
    claims = Claimer(lane)
    assert [await lane.ring(bell(A)) for _ in range(9)] == [True] * 8 + [None]
    lane._takes_s = 10.0  # now they are long
    assert [await lane.ring(bell(each)) for each in (B, C)] == [True, None]
    claims.task.cancel()


async def test_bells_that_come_together_take_no_more_than_there_is(claimer):
    found = await asyncio.gather(*(claimer.lane.ring(bell(A)) for _ in range(5)))
    assert found == [True, True, None, None, None]


async def test_work_is_looked_for_when_room_comes_up_after_a_bell_was_turned_away(claimer):
    lane = claimer.lane
    assert await lane.hungry(60) == 2, "a worker that begins looks once"
    for _ in range(3):
        await lane.ring(bell(A))
    looking = asyncio.create_task(lane.hungry(60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not looking.done()
    await claimer.end(A)
    assert await looking == 1
    assert await lane.hungry(0) == 1, "nothing is known to wait: after a pause"


async def test_a_lane_without_reserve_gives_its_slots_to_whoever_comes(claimer):
    claimer.lane.reserve = 0
    assert [await claimer.lane.ring(bell(each)) for each in (A, A, B)] == [True, True, None]


async def test_a_turn_goes_to_who_has_fewest_and_the_newcomer_does_not_wait():
    lane, never = Lane(["light"], 2, reserve=1), asyncio.Event()
    order: list[tuple[UUID, asyncio.Event]] = []

    async def work(organization_id: UUID) -> None:
        async with lane.turn(organization_id, never) as mine:
            assert mine
            done = asyncio.Event()
            order.append((organization_id, done))
            await done.wait()

    async def settle(number: int) -> list[UUID]:
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(order) == number
        return [organization_id for organization_id, _ in order]

    async with asyncio.TaskGroup() as group:
        for organization_id in (A, A, A, B, B):
            group.create_task(work(organization_id))
        assert await settle(3) == [A, A, B]
        order[2][1].set()
        assert await settle(4) == [A, A, B, B], "who has none enters the reserve, and A waits on"
        order[0][1].set()
        assert await settle(4) == [A, A, B, B], "as many as there are slots are at work: the reserve is kept"
        order[1][1].set()
        assert await settle(5) == [A, A, B, B, A]
        for _, done in order:
            done.set()


async def test_a_turn_that_does_not_come_in_time_or_is_not_wanted_any_more_is_given_up(monkeypatch):
    monkeypatch.setattr("headrace.worker.lane.LATE_S", 0.01)
    lane, stop = Lane(["light"], 1), asyncio.Event()
    async with lane.turn(A, stop) as first:
        assert first
        async with lane.turn(A, asyncio.Event()) as late:
            assert not late
        stop.set()
        async with lane.turn(A, stop) as stopped:
            assert not stopped
    async with lane.turn(A, asyncio.Event()) as again:
        assert again


async def test_nobody_waits_for_the_claims_of_another():
    lane = Lane(["light"], 4, reserve=1)
    rings = [asyncio.create_task(lane.ring(bell(A)))]
    first = await lane.rung()
    rings += [asyncio.create_task(lane.ring(bell(each))) for each in (A, A, B)]
    second = await lane.rung()
    assert [one.organization_id for one, _ in second] == [B], "A is being claimed for; B is not"
    third = asyncio.create_task(lane.rung())
    lane.answer(second, ())
    await asyncio.sleep(0)
    assert not third.done(), "one claim for an organization at a time"
    lane.answer(first, {(first[0][0].execution_id, 0)})
    assert [one.organization_id for one, _ in await third] == [A, A], "what came meanwhile is claimed together"
    lane.answer(await third, ())
    assert await asyncio.gather(*rings) == [True, False, False, False]
