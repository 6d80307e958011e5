"""What an execution has done is undone when it does not complete: in reverse, once each, whatever crashes."""

from __future__ import annotations

import pytest
from headrace.executions import compensation, service
from headrace.executions.invariants import check
from headrace.flows.validate import validate
from headrace.sdk.errors import Conflict

SAGA = (
    "r:lab.rows a:lab.write b:lab.write x:lab.gate u:lab.write v:lab.write "
    "r>a a.result>b b.result>x a.compensate>u b.compensate>v"
)


@pytest.fixture
def saga(world, retry):
    """Two effects, a step that fails for good, and what undoes them; `undone` tells what was undone, and when."""

    def make(text=SAGA, **more):
        def sink(name, target, **config):
            return {"began": world.path(name), "target": world.path(target), **config, **more.pop(name, {})}

        policy = {"_": {"retry": retry(max=2, delay_s=0.1, exponential=False)}}
        return world.flow(
            text, a=sink("a", "done"), b=sink("b", "done"), u=sink("u", "undone") | policy,
            v=sink("v", "undone") | policy,
            x={"began": world.path("x"), "fail_times": 99, "transient": False, **more.pop("x", {})}, **more,
        )  # fmt: skip

    return make


async def undone(world, execution_id) -> dict:
    """The execution once nothing of it is being undone any more."""

    async def look():
        found = await world.execution(execution_id)
        return found if found["compensation"] in {"compensated", "incomplete"} else None

    return await world.until(look)


async def listed(world, execution_id) -> list[tuple[str, str]]:
    async with world.database.transaction(world.organization_id) as session:
        rows = await compensation.listed(session, world.organization_id, execution_id)
    return [(row["node_id"], row["status"]) for row in rows]


def order(world) -> list[str]:
    return [line.split()[0].partition(":")[2] for line in world.lines("undone")]


async def sound(worker_database):
    async with worker_database.transaction() as session:
        assert await check(session) == []


def test_what_undoes_an_undo_is_a_problem(world, saga):
    found = validate(saga(SAGA + " w:lab.gate u.compensate>w", w={"began": "w"}), world.host.registry)
    assert [(one.code, one.node_id) for one in found] == [("compensation", "u")]


async def test_effects_are_undone_in_reverse_and_the_state_stays_failed(world, crew, saga, worker_database):
    execution_id = await world.start(saga())
    assert (await world.ended(execution_id))["status"] == "failed"
    ended = await undone(world, execution_id)
    assert (ended["status"], ended["compensation"]) == ("failed", "compensated")
    assert order(world) == ["v", "u"]
    assert await listed(world, execution_id) == [("b", "completed"), ("a", "completed")]
    assert {n: row["compensation"] for n, row in (await world.nodes(execution_id)).items()} == {
        "r": None, "a": "completed", "b": "completed", "x": None,
    }  # fmt: skip
    events = await world.rows("select data from execution_events where execution_id = :e and "
                              "type = 'compensation_update' order by seq", e=execution_id)  # fmt: skip
    told = [(row.data.get("node_id"), row.data.get("status") or row.data["compensation"]) for row in events]
    assert told == [("b", "running"), ("b", "completed"), ("a", "running"), ("a", "completed"), (None, "compensated")]
    await sound(worker_database)


async def test_an_execution_that_completes_undoes_nothing(world, crew, saga):
    execution_id = await world.start(saga(x={"fail_times": 0}))
    ended = await world.ended(execution_id)
    assert (ended["status"], ended["compensation"]) == ("completed", None)
    assert await listed(world, execution_id) == [("b", "armed"), ("a", "armed")]
    assert world.lines("undone") == []


async def test_what_fails_for_a_moment_is_retried_and_what_fails_for_good_is_listed(world, crew, saga):
    execution_id = await world.start(
        saga(v={"fail_times": 9, "transient": False}, u={"fail_times": 1, "transient": True})
    )
    assert (await undone(world, execution_id))["compensation"] == "incomplete"
    assert await listed(world, execution_id) == [("b", "failed"), ("a", "completed")]
    assert order(world) == ["u"], "one that fails does not keep the others from being undone"
    (world.folder / "v").write_text("\n" * 20)  # the other side is well again
    async with world.database.transaction(world.organization_id) as session:
        await compensation.again(session, world.organization_id, execution_id)
    await world.until(lambda: order(world) == ["u", "v"])
    assert (await undone(world, execution_id))["compensation"] == "compensated"
    async with world.database.transaction(world.organization_id) as session:
        with pytest.raises(Conflict, match="nothing left to undo"):
            await compensation.again(session, world.organization_id, execution_id)


@pytest.mark.parametrize("end", ["cancelled", "timed_out"])
async def test_a_cancel_and_a_deadline_undo_as_well(world, crew, saga, end):
    execution_id = await world.start(saga(x={"wait_for": world.path("never")}), deadline_s=3600)
    await world.until(lambda: world.lines("x"))
    if end == "cancelled":
        await world.cancel(execution_id)
    else:
        late = "update executions set deadline_at = clock_timestamp() where id = :e returning id"
        assert await world.rows(late, e=execution_id)
    ended = await undone(world, execution_id)
    assert (ended["status"], ended["compensation"]) == (end, "compensated")
    assert order(world) == ["v", "u"]


@pytest.mark.slow
async def test_no_crash_undoes_twice_or_forgets(world, processes, saga, worker_database):
    """The runner dies in one compensation, the worker in the other."""
    await processes.start("scheduler")
    await processes.start("worker")
    execution_id = await world.start(saga(v={"die_times": 1}, u={"wait_for": world.path("open")}))
    await world.until(lambda: world.lines("u"))
    processes.children[-1].kill()
    await processes.start("worker")
    (world.folder / "open").touch()
    assert (await undone(world, execution_id))["compensation"] == "compensated"
    assert order(world) == ["v", "u"]
    await sound(worker_database)


async def test_items_that_were_done_are_undone_with_their_own_rows(world, crew, saga, worker_database):
    """Three items write one after the other, then the step after the loop fails."""
    text = (
        "r:lab.rows e:control.for_each e/a:lab.write e/u:lab.write x:lab.gate "
        "r>e e.item>a a.result>e.result a.compensate>u e>x"
    )
    execution_id = await world.start(saga(text, e={"parallel": 1}))
    assert (await undone(world, execution_id))["compensation"] == "compensated"
    assert len(world.lines("done")) == len(world.lines("undone")) == 3
    items = {
        str(child["id"]): child["item_no"] for child in await world.children(execution_id) if child["mode"] == "body"
    }
    compensating = [child for child in await world.children(execution_id) if child["mode"] == "compensation"]
    async with world.database.transaction(world.organization_id) as session:
        rows = await compensation.listed(session, world.organization_id, execution_id)
    assert [items[str(row["execution_id"])] for row in rows] == [2, 1, 0]
    details = [(await world.execution(child["id"]))["execution_details"]["compensates"] for child in compensating]
    assert [items[one["execution_id"]] for one in details] == [2, 1, 0]
    await sound(worker_database)


async def test_a_branch_takes_rows_of_the_flow_and_what_follows_comes_last(world, crew, saga):
    """The undo gets the rows that were written, not only their count; `finally` waits for it, `on_error` does not."""
    text = (
        "r:lab.rows a:lab.write x:lab.gate m:control.merge u:lab.write r>a a.result>x a.compensate>m r>m m>u "
        "h:control.on_error v:lab.write h>v z:control.finally w:lab.write z>w"
    )
    final = {"began": world.path("w"), "target": world.path("final")}
    execution_id = await world.start(saga(text, u={"wait_for": world.path("open")}, w=final))
    await world.until(lambda: order(world) == ["v"])
    assert world.lines("final") == []
    (world.folder / "open").touch()
    await world.until(lambda: world.lines("final"))
    assert order(world) == ["v", "u", "u", "u", "u"], "one row about the effect, three that were written"
    ended = [child for child in await world.children(execution_id) if child["mode"] == "handler"]
    told = await world.rows("select params -> 'ended' ->> 'compensation' as c from executions where id = :e",
                            e=ended[-1]["id"])  # fmt: skip
    assert [row.c for row in told] == ["compensated"]


async def test_a_test_of_one_step_undoes_nothing_and_an_undo_can_be_tried(world, crew, saga):
    first = await world.start(saga(), mode="to_here", target_node_id="b", observe="all", trigger_type="test")
    assert (await world.ended(first))["status"] == "completed"
    tried = await world.start(saga(), mode="node", target_node_id="v", observe="all", trigger_type="test")
    assert (await world.ended(tried))["status"] == "completed"
    assert order(world) == ["v"]
    onward = await world.start(saga(), mode="from_here", target_node_id="a", observe="all", trigger_type="test")
    ended = await world.ended(onward)
    assert (ended["status"], ended["compensation"]) == ("failed", None)
    async with world.database.transaction(world.organization_id) as session:
        assert "u" not in {row["node_id"] for row in await service.nodes(session, world.organization_id, onward)}


async def test_an_effect_that_nobody_knows_of_is_listed_and_undone_when_somebody_says_so(
    world, crew, saga, worker_database
):
    """The process dies in `b` again and again: whether it has written is not known; `a` is undone by itself."""
    execution_id = await world.start(saga(b={"die_times": 9}))
    ended = await undone(world, execution_id)
    assert (ended["status"], ended["compensation"]) == ("failed", "incomplete")
    assert await listed(world, execution_id) == [("b", "failed"), ("a", "completed")]
    assert order(world) == ["u"], "what may not have happened is not undone by itself"
    async with world.database.transaction(world.organization_id) as session:
        first, other = await compensation.listed(session, world.organization_id, execution_id)
        assert "not known whether" in first["error"]
        assert [first["uncertain"], other["uncertain"]] == [True, False]
        await compensation.again(session, world.organization_id, execution_id)
    assert (await undone(world, execution_id))["compensation"] == "compensated"
    assert order(world) == ["u", "v"], "with the rows that the step was given"
    (child,) = await world.rows("select params from executions where mode = 'compensation' and target_node_id = 'b' "
                                "and parent_execution_id = :e", e=execution_id)  # fmt: skip
    assert child.params["effect"]["uncertain"] is True
    await sound(worker_database)


async def test_a_step_that_failed_for_sure_has_nothing_to_undo(world, crew, saga):
    execution_id = await world.start(saga(b={"fail_times": 9, "transient": False}))
    assert (await undone(world, execution_id))["compensation"] == "compensated"
    assert await listed(world, execution_id) == [("a", "completed")]
    assert order(world) == ["u"]
