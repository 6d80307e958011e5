"""The canvas: copy and paste, keys, wires by drag and by key, reasons, tidy, the view at the start."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = pytest.mark.slow
DEMO_ZOOM = 0.72
DRAFTED = """(key) => new Promise((done) => {
  const look = () => (sessionStorage.getItem(key)?.includes('Renamed') ? done(true) : requestAnimationFrame(look))
  look()
})"""


@pytest.fixture
def chain(api, steps):
    """Read, filter, sort; and a join beside them."""
    nodes = [
        steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
        steps("keep", "transform.filter", 280, where="carrier = 'AA'"),
        steps("sort", "transform.sort", 560, by=[{"column": "name"}]),
        steps("join", "transform.join", 560, 200, keys=[{"left": "a", "right": "a"}]),
    ]
    made: list[str] = []

    def make(name: str) -> str:
        made.append(api.flow(name, nodes, [("read.out", "keep.in"), ("keep.out", "sort.in")]))
        return made[-1]

    return make


def handle(page: Page, node: str, port: str) -> Locator:
    return page.locator(f'.react-flow__handle[data-nodeid="{node}"][data-handleid="{port}"]')


def middle(place: Locator) -> tuple[float, float]:
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 12, start[1] + 6, steps=3)
    page.mouse.move(*end, steps=12)
    page.mouse.up()


def stored(api, flow: str) -> tuple[dict, set]:
    canvas = api("GET", f"/flows/{flow}/data")
    names = {node["id"]: node["data"]["label"] for node in canvas["nodes"]}
    return names, {
        (names[e["source"]], e["sourceHandle"], names[e["target"]], e["targetHandle"]) for e in canvas["edges"]
    }


def save(page: Page) -> None:
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def test_copy_paste_and_duplicate_make_new_steps_with_their_inner_wires(page: Page, api, chain):
    flow = chain("Copies of steps")
    page.goto(f"/flows/{flow}")
    nodes = page.locator(".react-flow__node")
    expect(nodes).to_have_count(4)
    page.get_by_test_id("step-read").click()
    page.get_by_test_id("step-keep").click(modifiers=["Control"])
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    expect(nodes).to_have_count(6)
    page.keyboard.press("Control+d")
    expect(nodes).to_have_count(8)
    page.keyboard.press("Control+z")
    expect(nodes).to_have_count(6)
    page.keyboard.press("Control+z")
    expect(nodes).to_have_count(4)
    page.keyboard.press("Control+Shift+z")
    expect(nodes).to_have_count(6)
    save(page)
    names, wires = stored(api, flow)
    assert len(names) == 6
    assert sorted(names.values()) == ["Join", "Keep", "Keep 2", "Read", "Read 2", "Sort"]
    assert ("Read 2", "out", "Keep 2", "in") in wires
    assert len(wires) == 3, "wires to steps that were not copied are not copied"


def test_steps_are_pasted_into_another_flow(page: Page, api, chain):
    flow, other = chain("From here"), api.flow("To there", [])
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-read").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.goto(f"/flows/{other}")
    expect(page.get_by_role("heading", name="An empty flow")).to_be_visible()
    page.keyboard.press("Control+v")
    expect(page.locator(".react-flow__node")).to_have_count(4)
    save(page)
    names, wires = stored(api, other)
    assert sorted(names.values()) == ["Join", "Keep", "Read", "Sort"]
    assert len(wires) == 2
    assert not set(names) & set(stored(api, flow)[0]), "every step has a new id"


def test_a_step_is_connected_by_keyboard_and_a_cycle_is_refused_with_its_reason(page: Page, api, chain):
    flow = chain("By key")
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-sort").focus()
    page.locator('.react-flow__node[data-id="sort"]').focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("option").filter(has_text="Keep")).to_contain_text(
        "That would make a cycle: “Keep” already leads to “Sort”."
    )
    page.keyboard.type("right")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Connected “Sort” to “Join”.")).to_be_visible()
    save(page)
    assert ("Sort", "out", "Join", "right") in stored(api, flow)[1]


def test_a_step_is_added_by_key_after_the_selected_one(page: Page, api, chain):
    flow = chain("Slash")
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-sort").click()
    page.keyboard.press("/")
    page.keyboard.type("limit")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Name of the step")).to_have_value("Limit rows")
    save(page)
    assert ("Sort", "out", "Limit rows", "in") in stored(api, flow)[1]


def test_a_step_is_put_into_a_wire(page: Page, api, chain):
    flow = chain("Insert")
    page.goto(f"/flows/{flow}")
    start, end = middle(handle(page, "keep", "out")), middle(handle(page, "sort", "in"))
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.locator(".wire-label[data-over] button").click()
    expect(page.get_by_role("combobox", name="Insert a step into the wire")).to_be_focused()
    expect(page.get_by_role("option").filter(has_text="Files: write").first).to_be_visible()
    expect(page.get_by_role("option").filter(has_text="Files: read")).to_have_count(0)
    page.keyboard.type("distinct")
    page.keyboard.press("Enter")
    save(page)
    _, wires = stored(api, flow)
    name = next(wire[2] for wire in wires if wire[0] == "Keep")
    assert {("Keep", "out", name, "in"), (name, "out", "Sort", "in")} <= wires
    assert ("Keep", "out", "Sort", "in") not in wires
    page.keyboard.press("Delete")
    save(page)
    assert ("Keep", "out", "Sort", "in") in stored(api, flow)[1], "the chain closes again"


def test_a_wire_dropped_on_the_empty_canvas_opens_the_palette_and_connects(page: Page, api, chain):
    flow = chain("Drop")
    page.goto(f"/flows/{flow}")
    start = middle(handle(page, "sort", "out"))
    drag(page, start, (start[0] + 60, start[1] + 170))
    expect(page.get_by_role("combobox", name="Add a step after this one")).to_be_focused()
    page.keyboard.type("sample")
    page.keyboard.press("Enter")
    save(page)
    assert ("Sort", "out", "Sample", "in") in {(a, b, c.split(" ")[0], d) for a, b, c, d in stored(api, flow)[1]}


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        (("sort", "out"), ("keep", "in"), "That would make a cycle: “Keep” already leads to “Sort”."),
        (("read", "out"), ("sort", "in"), re.compile("“.+” of “Sort” takes one wire; put a Union step before it.")),
        (("read", "out"), ("join", "out"), "An output connects to an input, not to another output."),
    ],
)
def test_a_wire_that_cannot_be_is_refused_with_the_reason(page: Page, api, chain, source, target, reason):
    flow = chain(f"Refused {source} {target}")
    page.goto(f"/flows/{flow}")
    expect(page.locator(".react-flow__edge")).to_have_count(2)
    drag(page, middle(handle(page, *source)), middle(handle(page, *target)))
    expect(page.locator(".toast")).to_have_text(reason)
    expect(page.locator(".react-flow__edge")).to_have_count(2)


def test_a_wire_is_refused_by_the_type_of_its_ends_with_the_reason(page: Page, api, steps):
    def with_order(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        sort = next(one for one in told["data"] if one["id"] == "transform.sort")
        sort["outputs"].append({**sort["outputs"][0], "name": "then", "title": "Then", "kind": "control"})
        route.fulfill(response=answer, json=told)

    page.route(re.compile(r"/api/v1/node-types/?$"), with_order)
    called = api.flow("Called after a sort", [steps("stop", "control.stop", 0, message="x")])
    nodes = [
        steps("sort", "transform.sort", 0, by=[{"column": "name"}]),
        steps("few", "transform.limit", 400, rows=3),
        steps("call", "control.subflow", 400, 200, flow=called),
    ]
    page.goto(f"/flows/{api.flow('Refused by type', nodes)}")
    then = middle(handle(page, "sort", "then"))
    drag(page, then, middle(handle(page, "few", "in")))
    expect(page.locator(".toast")).to_have_text("“Then” carries only the order of steps, “Input” of “Few” takes rows.")
    expect(page.locator(".react-flow__edge")).to_have_count(0)
    drag(page, then, middle(handle(page, "call", "after")))
    expect(page.locator(".react-flow__edge")).to_have_count(1)


def test_two_steps_are_connected_by_drag(page: Page, api, chain):
    flow = chain("Wire")
    page.goto(f"/flows/{flow}")
    drag(page, middle(handle(page, "sort", "out")), middle(handle(page, "join", "left")))
    expect(page.locator(".react-flow__edge")).to_have_count(3)
    save(page)
    assert ("Sort", "out", "Join", "left") in stored(api, flow)[1]


def test_a_call_waits_for_another_by_a_wire_that_only_says_the_order(page: Page, api, steps):
    called = api.flow("Called", [steps("stop", "control.stop", 0, message="x")])
    nodes = [steps(id_, "control.subflow", x, flow=called) for id_, x in (("first", 0), ("then", 400))]
    flow = api.flow("Order", nodes)
    page.goto(f"/flows/{flow}")
    drag(page, middle(handle(page, "first", "done")), middle(handle(page, "then", "after")))
    expect(page.locator(".react-flow__edge")).to_have_count(1)
    save(page)
    assert stored(api, flow)[1] == {("First", "done", "Then", "after")}


def test_many_steps_are_arranged_in_a_worker_without_overlap(page: Page, api, steps):
    count = 210
    nodes = [steps(f"s{n}", "transform.union", 0, 0) for n in range(count)]
    edges = [(f"s{(n - 1) // 3}.out", f"s{n}.in") for n in range(1, count)]
    flow = api.flow("Many", nodes, edges)
    page.goto(f"/flows/{flow}")
    expect(page.locator(".react-flow__node").first).to_be_visible()
    with page.expect_worker() as worker:
        page.get_by_role("button", name="Tidy up").click()
    assert "layout.worker" in worker.value.url
    expect(page.get_by_text("Unsaved", exact=True)).to_be_visible()
    save(page)
    places = [(n["position"]["x"], n["position"]["y"]) for n in api("GET", f"/flows/{flow}/data")["nodes"]]
    assert len(set(places)) == count
    for number, (x, y) in enumerate(places):
        assert not any(abs(x - a) < 212 and abs(y - b) < 56 for a, b in places[number + 1 :])
    page.get_by_role("button", name="Undo").click()
    save(page)
    assert {(n["position"]["x"], n["position"]["y"]) for n in api("GET", f"/flows/{flow}/data")["nodes"]} == {(0, 0)}


def test_the_first_view_can_be_read_and_starts_at_the_first_step(page: Page, api):
    page.goto(f"/flows/{api.demo()}")
    first = page.get_by_test_id("step-flights")
    expect(first).to_be_in_viewport(ratio=0.99)
    box = first.bounding_box()
    assert box
    assert box["width"] / 212 >= DEMO_ZOOM - 0.005


def test_unsaved_changes_survive_a_reload(page: Page, api, chain):
    flow = chain("Draft")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-sort").click()
    page.get_by_role("textbox", name="Name of the step").fill("Renamed")
    page.evaluate(DRAFTED, f"headrace.draft.{flow}")
    page.reload()
    expect(page.get_by_test_id("step-sort")).to_contain_text("Renamed")
    expect(page.get_by_text("Unsaved", exact=True)).to_be_visible()
