"""What a loop goes over: rows, batches, files, lists; and where it has to stop."""

from __future__ import annotations


def doubled(world, each, text="r:lab.rows e:control.for_each e/d:transform.derive f:transform.limit r>e", count=10):
    return world.flow(
        f"{text} e.item>d d>e.result e>f", r={"count": count}, e=each, f={"rows": 99},
        d={"columns": [{"name": "twice", "expression": "id * 2"}]},
    )  # fmt: skip


async def test_batches_are_slices_of_the_rows_and_none_is_lost(world, owner):
    execution_id = await owner.execute(doubled(world, {"over": "batches", "batch_rows": 4}))
    assert (await world.ended(execution_id))["status"] == "completed", await world.execution(execution_id)
    assert [child["rows_processed"] for child in await world.children(execution_id)] == [4, 4, 2]
    assert await world.outputs(execution_id) == {"f.out": 10}


async def test_a_list_is_gone_through_in_its_order(world, owner):
    flow = world.flow(
        "e:control.for_each e/r:lab.rows e/g:lab.gate r>g g>e.result", r={"count": 1},
        e={"over": "values", "values": ["zürich", "bern", "bern"], "parallel": 1},
        g={"began": world.path("{{ params.index }}-{{ params.item }}")},
    )  # fmt: skip
    execution_id = await owner.execute(flow)
    assert (await world.ended(execution_id))["status"] == "completed", await world.execution(execution_id)
    assert sorted(path.name for path in world.folder.iterdir()) == ["0-zürich", "1-bern", "2-bern"]


async def test_each_file_of_a_folder_is_an_item(world, owner):
    (world.folder / "in").mkdir()
    for name, rows in (("b.csv", "3"), ("a.csv", "1\n2"), ("c.txt", "9"), (".hidden.csv", "9")):
        (world.folder / "in" / name).write_text(f"id\n{rows}\n")
    flow = world.flow(
        "e:control.for_each e/r:local_files.read f:transform.limit r>e.result e>f", f={"rows": 99},
        e={"over": "files", "connection": "Files", "pattern": "in/*.csv"},
        r={"connection": "Files", "stream": "{{ params.item.path }}"},
    )  # fmt: skip
    execution_id = await owner.execute(flow)
    assert (await world.ended(execution_id))["status"] == "completed", await world.execution(execution_id)
    assert [child["rows_processed"] for child in await world.children(execution_id)] == [2, 1], "by name: a, then b"
    assert await world.outputs(execution_id) == {"f.out": 3}


async def test_more_items_than_there_may_be_are_refused_before_one_is_made(world, owner):
    execution_id = await owner.execute(doubled(world, {"over": "rows"}, count=100_001))
    ended = await world.ended(execution_id)
    assert (ended["status"], "100,001 items are too many" in ended["error_message"]) == ("failed", True)
    assert await world.children(execution_id) == []


async def test_a_while_ends_by_its_rounds_and_by_its_time(world, owner):
    def flow(gate=None, **limits):
        return world.flow(
            "r:lab.rows w:control.while w/g:lab.gate r>w w.item>g g>w.result", r={"count": 1},
            w={"where": "id < 9", **limits}, g={"began": world.path("gate"), "takes_s": 0.2, **(gate or {})},
        )  # fmt: skip

    rounds = await world.ended(await owner.execute(flow(max_rounds=2)))
    assert (rounds["status"], "after 2 rounds" in rounds["error_message"]) == ("failed", True)
    going_on = await world.ended(await owner.execute(flow(max_rounds=2, at_limit="continue")))
    assert going_on["status"] == "completed"
    late = await world.ended(await owner.execute(flow({"wait_for": world.path("never")}, max_seconds=2)))
    assert (late["status"], "2 seconds, the limit" in late["error_message"]) == ("failed", True)
