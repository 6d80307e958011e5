"""Segments that wait for others share a runner, and what becomes of one is not what becomes of its neighbours."""

from __future__ import annotations

import pytest
from headrace.flows.graph import FlowGraph, NodeSpec

pytestmark = pytest.mark.usefixtures("crew")


@pytest.fixture
def call(world):
    """Start an execution of one step that waits, with a gate of its own."""

    async def start(name, *, where=None, timeout_s=0.0, **gate):
        where = where or world
        config = {"began": where.path(name), **gate}
        graph = FlowGraph(nodes=(NodeSpec(id=name, type="lab.call", config=config, timeout_s=timeout_s),))
        return await where.start(graph)

    return start


async def begun(world, *names, count=1):
    """The runners in which the last attempts of these steps began."""
    await world.until(lambda: all(len(world.lines(name)) >= count for name in names))
    return [world.lines(name)[count - 1] for name in names]


async def budget(world, execution_id):
    rows = await world.rows(
        "select crash_count, error_count, alone from segment_runs where execution_id = :e", e=execution_id
    )
    return tuple(rows[0])


async def outcomes(world, execution_id):
    rows = await world.rows("select outcome from segment_attempts where execution_id = :e order by fence",
                            e=execution_id)  # fmt: skip
    return [row.outcome for row in rows]


async def test_many_wait_in_one_runner_beside_one_that_computes(world, other_world, call):
    names = [f"call-{number}" for number in range(6)]
    started = [await call(name, wait_for=world.path("open")) for name in names]
    strange = await call("strange", where=other_world, wait_for=world.path("open"))
    busy = await world.start(world.graph(gate={"wait_for": world.path("open")}))
    pids = await begun(world, *names)
    assert len(set(pids)) == 1, "they share a runner"
    (gate,), (theirs,) = await begun(world, "gate"), await begun(other_world, "strange")
    assert len({pids[0], gate, theirs}) == 3, "what computes has a runner for itself, and each organization its own"
    (world.folder / "open").touch()
    for execution_id in (*started, busy):
        assert (await world.ended(execution_id))["status"] == "completed"
    assert (await other_world.ended(strange))["status"] == "completed"


async def test_cancelling_one_that_listens_disturbs_no_neighbour(world, call):
    mine, other = [await call(name, wait_for=world.path("open")) for name in ("mine", "other")]
    await begun(world, "mine", "other")
    await world.cancel(mine)
    assert (await world.ended(mine))["status"] == "cancelled"
    (world.folder / "open").touch()
    assert (await world.ended(other))["status"] == "completed"
    assert await outcomes(world, other) == ["completed"]


@pytest.mark.parametrize("how", ["cancelled", "late"])
async def test_ending_one_that_is_deaf_gives_its_neighbours_back_uncounted(world, call, how):
    other = await call("other", wait_for=world.path("open"))
    await begun(world, "other")
    deaf = await call("deaf", wait_for=world.path("never"), deaf=True, timeout_s=0.5 if how == "late" else 0)
    await begun(world, "deaf")
    if how == "cancelled":
        await world.cancel(deaf)
    execution = await world.ended(deaf)
    assert execution["status"] == ("failed" if how == "late" else "cancelled")
    await begun(world, "other", count=2)
    (world.folder / "open").touch()
    assert (await world.ended(other))["status"] == "completed"
    assert await outcomes(world, other) == ["released", "completed"]
    assert await budget(world, other) == (0, 0, False)


async def test_who_takes_a_shared_runner_down_is_found_and_the_others_complete(world, call):
    others = [await call(name, wait_for=world.path("open")) for name in ("one", "two")]
    await begun(world, "one", "two")
    poison = await call("poison", die_times=99)
    execution = await world.ended(poison)
    assert (execution["status"], execution["error"]["code"]) == ("failed", "WORKER_CRASHED")
    assert "died 4 times (signal 9" in execution["error_message"]
    assert await outcomes(world, poison) == ["released", *["crashed"] * 4]
    (world.folder / "open").touch()
    for other in others:
        assert (await world.ended(other))["status"] == "completed"
        assert await outcomes(world, other) == ["released", "completed"]
        assert await budget(world, other) == (0, 0, True), "suspects are alone from then on, and no crash is counted"
    assert len(set(await begun(world, "one", "two", count=2))) == 2
