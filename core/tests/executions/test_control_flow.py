"""Control flow with real workers: ways, loops, flows that call flows, waits, handlers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from headrace.executions import waits
from headrace.flows.canvas import canvas_of
from headrace.sdk.errors import ConfigError, Conflict, NotFound

pytestmark = pytest.mark.usefixtures("crew")


async def test_a_way_that_is_not_taken_is_skipped_and_a_merge_goes_on_with_the_other(world):
    flow = world.flow(
        "r:lab.rows i:control.if a:transform.limit b:transform.limit c:transform.limit m:control.merge "
        "r>i i.true>a i.false>b b>c a>m c>m",
        i={"where": "id >= 0", "decide": "every"}, a={"rows": 9}, b={"rows": 9}, c={"rows": 9},
    )  # fmt: skip
    execution_id = await world.start(flow)
    assert (await world.ended(execution_id))["status"] == "completed"
    found = await world.states(execution_id)
    assert (found["a"], found["b"], found["c"], found["m"]) == ("completed", "skipped", "skipped", "completed")
    assert await world.outputs(execution_id) == {"m.out": 3}


async def test_what_is_decided_and_what_only_waits_is_shown_at_once(world):
    """A step that needs a way not taken is skipped though its other input still waits; then all there is waits."""
    flow = world.flow(
        "r:lab.rows i:control.if w:control.wait_webhook a:transform.derive j:transform.join k:transform.limit "
        "g:lab.gate r>i r>w i.false>a a>j.left w>j.right j>k r>g",
        i={"where": "id >= 0", "decide": "every"}, a={"columns": [{"name": "x", "expression": "id"}]}, k={"rows": 9},
        j={"keys": [{"left": "id", "right": "id"}]},
        g={"began": world.path("gate"), "wait_for": world.path("open")},
    )  # fmt: skip
    execution_id = await world.start(flow)
    wait = await open_wait(world, execution_id)
    await world.until(lambda: world.lines("gate"))

    async def decided():
        found = await world.states(execution_id)
        return [found[name] for name in "ajkw"] == ["skipped", "skipped", "skipped", "parked"]

    await world.until(decided)
    assert (await world.execution(execution_id))["status"] == "running", "the gate is still at work"
    (world.folder / "open").touch()

    async def waiting():
        return (await world.execution(execution_id))["status"] == "waiting"

    await world.until(waiting)
    await resume(world, wait["id"], {"id": 1})
    assert (await world.ended(execution_id))["status"] == "completed"
    events = await world.rows("select data ->> 'status' as status from execution_events where execution_id = :e "
                              "and type = 'execution_update' order by seq", e=execution_id)  # fmt: skip
    assert [row.status for row in events][-4:] == ["running", "waiting", "running", "completed"]
    assert (await world.states(execution_id))["j"] == "skipped"


async def test_rows_part_by_case_and_none_is_lost(world):
    flow = world.flow("r:lab.rows s:control.switch r>s", r={"count": 10},
                 s={"cases": [{"where": "id < 3"}, {"where": "id < 5"}]})  # fmt: skip
    execution_id = await world.start(flow)
    assert (await world.ended(execution_id))["status"] == "completed"
    assert await world.outputs(execution_id) == {"s.case_1": 3, "s.case_2": 2, "s.default": 5}


async def test_a_merge_of_any_starts_with_the_first_branch(world):
    slow = world.path("open")
    flow = world.flow("r:lab.rows g:lab.gate m:control.merge a:transform.limit l:lab.write r>g r>a a>m g>m m>l",
                 g={"began": world.path("gate"), "wait_for": slow}, a={"rows": 2, "_": {"timeout_s": 50.0}},
                 m={"wait_for": "any"}, l={"began": world.path("l"), "target": world.path("target")})  # fmt: skip
    execution_id = await world.start(flow)
    await world.until(lambda: world.lines("target"))
    assert len(world.lines("target")) == 2
    (world.folder / "open").touch()
    assert (await world.ended(execution_id))["status"] == "completed"


async def test_each_item_is_executed_and_what_they_give_comes_back_in_order(world):
    flow = world.flow(
        "r:lab.rows e:control.for_each e/d:transform.derive f:transform.filter r>e e.item>d d>e.result e>f",
        r={"count": 7}, e={"parallel": 3}, f={"where": "twice >= 0"},
        d={"columns": [{"name": "twice", "expression": "id * 2"}]},
    )  # fmt: skip
    execution_id = await world.start(flow)
    assert (await world.ended(execution_id))["status"] == "completed", await world.execution(execution_id)
    assert await world.outputs(execution_id) == {"f.out": 7}
    found = await world.children(execution_id)
    assert [row["item_no"] for row in found] == list(range(7))
    assert {row["status"] for row in found} == {"completed"}


async def test_an_item_that_fails_fails_the_loop_or_leaves_by_the_error_port(world):
    def flow(on_item_error):
        return world.flow(
            "r:lab.rows e:control.for_each e/x:control.stop t:transform.limit u:transform.limit "
            "r>e e.item>x x>e.result e.error>t e>u",
            r={"count": 5}, e={"parallel": 2, "on_item_error": on_item_error}, t={"rows": 9}, u={"rows": 9},
            x={"message": "not this one", "where": "id = 3"},
        )  # fmt: skip

    failing = await world.start(flow("fail"))
    ended = await world.ended(failing)
    assert ended["status"] == "failed"
    assert "item 4 of 5 failed" in ended["error_message"]
    assert "not this one" in ended["error_message"]
    going_on = await world.start(flow("continue"))
    assert (await world.ended(going_on))["status"] == "completed"
    assert (await world.outputs(going_on))["t.out"] == 1
    assert (await world.outputs(going_on))["u.out"] == 4


async def test_at_most_so_many_items_are_open_at_a_time(world):
    flow = world.flow("r:lab.rows e:control.for_each e/g:lab.gate r>e e.item>g g>e.result", r={"count": 6},
                 e={"parallel": 2}, g={"began": world.path("gate"), "wait_for": world.path("open")})  # fmt: skip
    execution_id = await world.start(flow)
    await world.until(lambda: len(world.lines("gate")) >= 2)
    held = [row["held"] for row in await world.children(execution_id)]
    assert held.count(False) == 2
    (world.folder / "open").touch()
    assert (await world.ended(execution_id))["status"] == "completed"
    assert len(world.lines("gate")) == 6


async def test_a_while_goes_round_until_its_condition_is_false_or_its_limit(world):
    def flow(most):
        return world.flow(
            "r:lab.rows w:control.while w/d:transform.derive w/s:transform.select r>w w.item>d d>s s>w.result",
            w={"where": "id < 6", "max_rounds": most}, s={"columns": ["id"]},
            d={"columns": [{"name": "id", "expression": "id + 2"}]},
        )  # fmt: skip

    execution_id = await world.start(flow(9))
    assert (await world.ended(execution_id))["status"] == "completed", await world.execution(execution_id)
    assert len(await world.children(execution_id)) == 3
    assert await world.outputs(execution_id) == {"w.out": 3}
    endless = await world.ended(await world.start(flow(2)))
    assert endless["status"] == "failed"
    assert "after 2 rounds" in endless["error_message"]


async def store(world, name, flow):
    """A second flow in the same workspace."""
    import json
    from uuid import uuid4

    flow_id = uuid4()
    async with world.database.transaction(world.organization_id) as session:
        import sqlalchemy as sa

        ids = {"o": world.organization_id, "f": flow_id, "old": world.flow_id, "n": name}
        await session.execute(
            sa.text("insert into flows (organization_id, id, workspace_id, name) "
                    "select :o, :f, workspace_id, :n from flows where id = :old"), ids)  # fmt: skip
        await session.execute(
            sa.text("insert into flow_data (organization_id, flow_id, definition, row_version) "
                    "values (:o, :f, cast(:d as jsonb), 1)"), ids | {"d": json.dumps(canvas_of(flow))})  # fmt: skip
    return flow_id


async def test_flows_call_flows_five_deep_and_rows_come_back(world):
    last = world.flow("i:control.input d:transform.derive o:control.output i>d d>o",
                 d={"columns": [{"name": "id", "expression": "id + 100"}]})  # fmt: skip
    await store(world, "level 5", last)
    for level in range(4, 0, -1):
        middle = world.flow(
            "i:control.input c:control.subflow o:control.output i>c c>o", c={"flow": f"level {level + 1}"}
        )
        await store(world, f"level {level}", middle)
    flow = world.flow("r:lab.rows c:control.subflow f:transform.filter r>c c>f", c={"flow": "level 1"},
                 f={"where": "id >= 100"})  # fmt: skip
    execution_id = await world.start(flow)
    assert (await world.ended(execution_id))["status"] == "completed", await world.execution(execution_id)
    assert await world.outputs(execution_id) == {"f.out": 3}


async def test_texts_of_a_called_flow_take_of_what_it_was_handed(world):
    called = world.flow("i:control.input g:lab.gate o:control.output i>g g>o",
                        g={"began": world.path("{{ nodes.i.count }}-{{ nodes.i.rows[2].id }}")})  # fmt: skip
    await store(world, "called", called)
    ended = await world.ended(await world.start(world.flow("r:lab.rows c:control.subflow r>c", c={"flow": "called"})))
    assert ended["status"] == "completed", ended["error"]
    assert len(world.lines("3-2")) == 1


async def test_a_flow_that_calls_itself_and_one_that_is_not_there_fail_with_a_sentence(world):
    await store(world, "ring", world.flow("c:control.subflow", c={"flow": "ring"}))
    ended = await world.ended(await world.start(world.flow("c:control.subflow", c={"flow": "ring"})))
    assert ended["status"] == "failed"
    assert "more than 10 deep" in ended["error_message"]
    ended = await world.ended(await world.start(world.flow("c:control.subflow", c={"flow": "nowhere"})))
    assert "there is no flow 'nowhere'" in ended["error_message"]


async def test_a_wait_holds_no_worker(world):
    until = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    flow = world.flow("r:lab.rows w:control.wait v:control.wait r>w w>v", w={"seconds": 0.5}, v={"until": until})
    execution_id = await world.start(flow)
    ended = await world.ended(execution_id)
    assert ended["status"] == "completed"
    assert (ended["completed_at"] - ended["started_at"]).total_seconds() >= 0.5
    assert await world.outputs(execution_id) == {"v.out": 3}


async def test_more_than_there_are_workers_wait_and_another_completes(world, crew):
    long = world.flow("r:lab.rows w:control.wait r>w", w={"seconds": 600})
    waiting = [await world.start(long) for _ in range(crew.slots + 1)]
    quick = await world.start(world.flow("r:lab.rows"))
    assert (await world.ended(quick))["status"] == "completed"

    async def all_wait():
        return {(await world.execution(one))["status"] for one in waiting} == {"waiting"}

    await world.until(all_wait)
    for one in waiting:
        await world.cancel(one)
        assert (await world.ended(one))["status"] == "cancelled"


async def open_wait(world, execution_id):
    async def look():
        async with world.database.transaction(world.organization_id) as session:
            return await waits.find(session, world.organization_id, execution_id=execution_id)

    return (await world.until(look))[0]


async def resume(world, wait_id, payload, **who):
    async with world.database.transaction(world.organization_id) as session:
        return await waits.resume(session, world.organization_id, wait_id, payload, **who)


async def test_an_approval_takes_the_way_that_was_decided_once(world, other_world):
    flow = world.flow("r:lab.rows a:control.approval y:transform.limit n:transform.limit r>a a.approved>y a.rejected>n",
                 a={"title": "Go?", "form": [{"name": "why", "required": True}]}, y={"rows": 9},
                 n={"rows": 9})  # fmt: skip
    execution_id = await world.start(flow)
    wait = await open_wait(world, execution_id)
    assert (await world.execution(execution_id))["status"] == "waiting"
    with pytest.raises(ConfigError, match="'why' is missing"):
        await resume(world, wait["id"], {"approved": True})
    with pytest.raises(NotFound):
        await resume(other_world, wait["id"], {"approved": True, "why": "x"})
    await resume(world, wait["id"], {"approved": True, "why": "good"})
    assert (await world.ended(execution_id))["status"] == "completed"
    found = await world.states(execution_id)
    assert (found["y"], found["n"]) == ("completed", "skipped")
    with pytest.raises(Conflict, match="over"):
        await resume(world, wait["id"], {"approved": False, "why": "late"})


async def test_a_call_from_outside_needs_its_secret(world):
    execution_id = await world.start(
        world.flow("w:control.wait_webhook f:transform.filter w>f", f={"where": "amount > 1"})
    )
    wait = await open_wait(world, execution_id)
    async with world.database.transaction(world.organization_id) as session:
        token = await waits.new_token(session, world.organization_id, wait["id"])
    with pytest.raises(NotFound):
        await resume(world, wait["id"], {"amount": 5}, token="guessed")
    await resume(world, wait["id"], {"amount": 5}, token=token)
    assert (await world.ended(execution_id))["status"] == "completed"
    assert await world.outputs(execution_id) == {"f.out": 1}


async def test_an_execution_goes_on_by_the_token_of_what_it_waits_for(world):
    flow = world.flow("w:control.wait_webhook f:transform.filter w>f", f={"where": "amount > 1"})
    execution_id, other_id = await world.start(flow), await world.start(flow)
    wait = await open_wait(world, execution_id)
    await open_wait(world, other_id)
    async with world.database.transaction(world.organization_id) as session:
        token = await waits.new_token(session, world.organization_id, wait["id"])
    for execution, secret in ((execution_id, "guessed"), (other_id, token)):
        with pytest.raises(NotFound):
            async with world.database.transaction(world.organization_id) as session:
                await waits.resume_execution(session, world.organization_id, execution, {"amount": 5}, token=secret)
    async with world.database.transaction(world.organization_id) as session:
        await waits.resume_execution(session, world.organization_id, execution_id, {"amount": 5}, token=token)
    assert (await world.ended(execution_id))["status"] == "completed"
    await world.cancel(other_id)


async def test_a_deadline_goes_on_without_an_answer(world):
    flow = world.flow("w:control.wait_webhook l:transform.limit w.timeout>l", w={"deadline_s": 1}, l={"rows": 9})
    execution_id = await world.start(flow)
    assert (await world.ended(execution_id))["status"] == "completed"
    assert await world.outputs(execution_id) == {"l.out": 1}
    rows = await world.rows("select status from waits where execution_id = :e", e=execution_id)
    assert [row.status for row in rows] == ["expired"]


async def test_cancelling_ends_what_waits_and_the_children(world):
    flow = world.flow("r:lab.rows e:control.for_each e/w:control.wait r>e e.item>w w>e.result", w={"seconds": 600},
                 e={"parallel": 2})  # fmt: skip
    execution_id = await world.start(flow)

    async def both_wait():
        return [row["status"] for row in await world.children(execution_id)].count("waiting") == 2

    await world.until(both_wait)
    await world.cancel(execution_id)
    assert (await world.ended(execution_id))["status"] == "cancelled"
    for child in await world.children(execution_id):
        assert (await world.ended(child["id"]))["status"] == "cancelled"


async def test_the_error_handler_and_finally_are_executed_after_the_flow(world):
    flow = world.flow(
        "r:lab.rows x:control.stop r>x h:control.on_error w:lab.write h>w z:control.finally y:lab.write z>y",
        x={"message": "as asked"}, w={"began": world.path("w"), "target": world.path("handled")},
        y={"began": world.path("y"), "target": world.path("final")},
    )  # fmt: skip
    execution_id = await world.start(flow)
    assert (await world.ended(execution_id))["status"] == "failed"
    await world.until(lambda: world.lines("handled") and world.lines("final"))
    for child in await world.children(execution_id):
        assert (await world.ended(child["id"]))["status"] == "completed"
    calm = await world.start(world.flow("r:lab.rows h:control.on_error w:lab.write h>w",
                                   w={"began": world.path("w2"), "target": world.path("never")}))  # fmt: skip
    assert (await world.ended(calm))["status"] == "completed"
    assert await world.children(calm) == []


async def test_an_answer_is_kept_with_the_execution(world):
    flow = world.flow("r:lab.rows a:control.respond r>a", a={"status": 201})
    execution_id = await world.start(flow)
    assert (await world.ended(execution_id))["status"] == "completed"
    (row,) = await world.rows("select response from executions where id = :e", e=execution_id)
    assert row.response["status"] == 201
    assert row.response["body"] == '[{"id": 0}, {"id": 1}, {"id": 2}]'


async def test_a_step_before_the_answer_that_fails_is_named_and_nothing_is_answered(world):
    flow = world.flow("r:lab.rows d:transform.derive a:control.respond r>d d>a",
                      d={"columns": [{"name": "no", "expression": "cast(concat('x', id) as integer)"}]})  # fmt: skip
    execution_id = await world.start(flow)
    assert (await world.ended(execution_id))["status"] == "failed"
    states = await world.states(execution_id)
    assert (states["d"], states.get("a") in {"failed", "completed"}) == ("failed", False)
    (row,) = await world.rows("select response from executions where id = :e", e=execution_id)
    assert row.response is None


async def test_a_job_goes_on_or_stops_and_has_one_status(world):
    from headrace.jobs.service import Member, Plan, graph_of

    good = await store(world, "good", world.flow("r:lab.rows"))
    bad = await store(world, "bad", world.flow("r:lab.rows x:control.stop r>x", x={"message": "no"}))
    after = await store(world, "after", world.flow("r:lab.rows"))
    names = {good: "good", bad: "bad", after: "after"}
    members = (Member(good), Member(bad, (good,)), Member(after, (bad,)))
    stopping = await world.start(graph_of(Plan(members=members), names), trigger_type="job")
    assert (await world.ended(stopping))["status"] == "failed"
    assert (await world.states(stopping))[str(after)] == "skipped"
    going_on = await world.start(graph_of(Plan(members=members, on_failure="continue"), names), trigger_type="job")
    ended = await world.ended(going_on)
    assert ended["status"] == "failed", "one status for the whole"
    assert "flows of this job have failed" in ended["error_message"]
    assert (await world.states(going_on))[str(after)] == "completed"
