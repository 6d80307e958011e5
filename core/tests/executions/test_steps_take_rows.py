"""Texts take rows of earlier steps by name: in loops, in parts of a flow, and when it is executed again."""

from __future__ import annotations

from pathlib import Path

from headrace.executions import pins
from headrace.executions.rows import pin_rows
from headrace.flows.graph import Edge, FlowGraph, NodeSpec


def chain(world, text: str, **config) -> FlowGraph:
    """source (rows 0 1 2) -> twice (0 2 4) -> gate, whose file has the name that the text gives."""
    nodes = (
        NodeSpec(id="source", label="All rows", type="lab.rows", config=config),
        NodeSpec(id="twice", type="transform.derive", config={"columns": [{"name": "twice", "expression": "id * 2"}]}),
        NodeSpec(id="one", type="transform.limit", config={"rows": 1}),
        NodeSpec(id="gate", type="lab.gate", config={"began": world.path(text)}),
    )
    edges = tuple(Edge(source=a, target=b) for a, b in (("source", "twice"), ("twice", "one"), ("one", "gate")))
    return FlowGraph(nodes=nodes, edges=edges)


def made(world) -> list[str]:
    return sorted(path.name for path in Path(world.folder).iterdir())


async def test_steps_of_one_computation_are_read_from_what_is_stored(world, owner):
    text = "{{ nodes['All rows'].count }}-{{ nodes.twice.rows[2].twice }}-{{ nodes.one.row.id }}"
    first = await owner.execute(chain(world, text))
    ended = await world.ended(first)
    assert ended["status"] == "completed", ended["error"]
    assert made(world) == ["3-4-0"]
    rows = await world.rows("select node_ids from segment_runs where execution_id = :e order by segment_no", e=first)
    assert [row.node_ids for row in rows] == [["source"], ["twice"], ["one"], ["gate"]]
    again = await owner.retry(first, since="node", node_ids=["gate"], input_data={})
    assert (await world.ended(again))["status"] == "completed"
    assert len(world.lines("3-4-0")) == 2, "what was kept is what it takes"


async def test_a_test_of_one_step_takes_what_others_gave_before(world, owner):
    drawn = chain(world, "{{ nodes['All rows'].count }}-{{ nodes.twice.row.twice }}", count=5)
    whole = await world.ended(await owner.execute(drawn, observe="all"))
    assert whole["status"] == "completed", whole["error"]
    for mode in ("node", "from_here", "to_here"):
        part = await world.ended(await owner.execute(drawn, observe="all", mode=mode, target_node_id="gate"))
        assert part["status"] == "completed", (mode, part["error"])
    assert (made(world), len(world.lines("5-0"))) == (["5-0"], 4)


async def test_steps_in_a_loop_take_of_each_other_and_of_those_before_the_loop(world, owner):
    flow = world.flow(
        "r:lab.rows e:control.for_each e/n:control.for_each e/n/d:transform.limit e/n/g:lab.gate f:transform.limit "
        "r>e e.item>n n.item>d d>g g>n.result n>e.result e>f",
        r={"count": 2}, e={"over": "rows", "parallel": 1}, n={"over": "rows"}, d={"rows": 1}, f={"rows": 9},
        g={"began": world.path("{{ nodes.r.count }}-{{ nodes.d.row.id }}")},
    )  # fmt: skip
    ended = await world.ended(await owner.execute(flow))
    assert ended["status"] == "completed", ended["error"]
    assert made(world) == ["2-0", "2-1"]


async def test_what_a_step_cannot_take_fails_it_with_its_name(world, owner):
    for text, said in {
        "{{ nodes.twice.row.twce }}": "not there: 'twce'; known in nodes.twice.row are id, twice",
        "{{ nodes.gone.row.id }}": "no step before this one is called 'gone'",
    }.items():
        failed = await world.ended(await world.start(chain(world, text)))
        assert (failed["status"], failed["error"]["node_id"]) == ("failed", "gate")
        assert said in failed["error_message"]


async def test_a_new_reference_executes_again_what_had_not_been_stored(world, owner):
    drawn = chain(world, "plain")
    broken = NodeSpec(
        id="gate", type="lab.gate", config={"began": world.path("plain"), "fail_times": 1, "transient": False}
    )
    first = await owner.execute(FlowGraph(nodes=(*drawn.nodes[:3], broken), edges=drawn.edges))
    assert (await world.ended(first))["status"] == "failed"
    await owner.save(chain(world, "{{ nodes.source.count }}-{{ nodes.twice.rows[1].twice }}"))
    again = await world.ended(await owner.retry(first, version="latest"))
    assert again["status"] == "completed", again["error"]
    assert made(world) == ["3-2", "plain"]


async def test_a_pinned_step_between_them_hides_no_step(world, owner, headrace_settings):
    drawn = chain(world, "{{ nodes.source.count }}-{{ nodes.one.row.id }}", count=4)
    await owner.save(drawn)
    rows = {"out": [{"id": 77}]}
    refs = pin_rows(headrace_settings.objects_url, world.organization_id, world.flow_id, "one", rows)
    async with world.database.transaction(world.organization_id) as session:
        await pins.put(session, world.organization_id, world.flow_id, "one", refs)
    ended = await world.ended(await owner.execute(drawn, observe="all", use_pins=True))
    assert ended["status"] == "completed", ended["error"]
    assert made(world) == ["4-77"]
