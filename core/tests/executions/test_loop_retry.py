"""A loop that failed is retried item by item: what completed is kept, in every round of it."""

from __future__ import annotations


def loop(world, **more):
    """Each row passes a gate and is written; the gate fails while `bad-<index>` exists."""
    gate = {"began": world.path("gate"), "fails_while": world.path("bad-{{ params.index }}")}
    return world.flow(
        "r:lab.rows e:control.for_each e/g:lab.gate e/w:lab.write f:transform.limit "
        "r>e e.item>g g>w w.result>e.result e>f",
        r={"count": 5}, e={"parallel": 1}, g=gate, f={"rows": 99, **more},
        w={"began": world.path("w"), "target": world.path("written")},
    )  # fmt: skip


async def test_only_the_items_that_did_not_complete_are_executed_again(world, owner):
    (world.folder / "bad-4").touch()
    first = await owner.execute(loop(world))
    ended = await world.ended(first)
    assert (ended["status"], "item 5 of 5 failed" in ended["error_message"]) == ("failed", True)
    (world.folder / "bad-4").unlink()
    assert [child["status"] for child in await world.children(first)] == [*["completed"] * 4, "failed"]
    assert len(world.lines("written")) == 4
    again = await owner.retry(first)
    assert (await world.ended(again))["status"] == "completed", await world.execution(again)
    assert len(world.lines("written")) == 5, "no item is written twice"
    items = await world.children(again)
    assert [item["item_no"] for item in items] == [0, 1, 2, 3, 4]
    kept = [bool(item["execution_details"].get("kept_of")) for item in items]
    assert kept == [True, True, True, True, False]
    assert await world.outputs(again) == {"f.out": 5}, "the kept items give their rows as before"


async def test_a_loop_that_changed_and_a_retry_from_the_loop_execute_every_item(world, owner):
    (world.folder / "bad-3").touch()
    first = await owner.execute(loop(world))
    assert (await world.ended(first))["status"] == "failed"
    (world.folder / "bad-3").unlink()
    whole = await owner.retry(first, since="node", node_ids=["e"])
    assert (await world.ended(whole))["status"] == "completed"
    assert not any(item["execution_details"].get("kept_of") for item in await world.children(whole))


async def test_rounds_that_completed_are_not_gone_again(world, owner):
    flow = world.flow(
        "r:lab.rows w:control.while w/g:lab.gate w/d:transform.derive w/s:transform.select "
        "r>w w.item>g g>d d>s s>w.result",
        r={"count": 1}, w={"where": "id < 4"}, s={"columns": ["id"]},
        d={"columns": [{"name": "id", "expression": "id + 1"}]},
        g={"began": world.path("gate"), "fails_while": world.path("bad-{{ params.index }}")},
    )  # fmt: skip
    (world.folder / "bad-2").touch()
    first = await owner.execute(flow)
    assert (await world.ended(first))["status"] == "failed"
    assert len(world.lines("gate")) == 3
    (world.folder / "bad-2").unlink()
    again = await owner.retry(first)
    assert (await world.ended(again))["status"] == "completed", await world.execution(again)
    assert len(world.lines("gate")) == 5, "rounds 3 and 4 only"
