"""Loops on the canvas: steps inside, in and out by drag, wires at the border, tidy, copies, outline; their items."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

PARALLEL = 2
ENDS_AT_RESULT = """() => {
  const wire = document.querySelector('.react-flow__edge[data-id="e3"] path').getBoundingClientRect()
  const port = document.querySelector('.react-flow__handle[data-nodeid="each"][data-handleid="result"]')
  return Math.abs(wire.right - port.getBoundingClientRect().left) < 12
}"""


@pytest.fixture
def looped(api, steps):
    """Read, for each row, two steps inside; and a sort beside the loop."""
    nodes = [
        steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
        steps("each", "control.for_each", 280, over="rows", parallel=PARALLEL),
        {**steps("loud", "transform.derive", 94, 66, columns=[{"name": "loud", "expression": "upper(name)"}]),
         "parentId": "each"},
        {**steps("keep", "transform.filter", 374, 66, where="length(loud) > 3"), "parentId": "each"},
        steps("sort", "transform.sort", 1100, 0, by=[{"column": "carrier"}]),
        steps("lone", "transform.distinct", 280, 420),
    ]  # fmt: skip
    edges = [
        ("read.out", "each.in"), ("each.item", "loud.in"), ("loud.out", "keep.in"), ("keep.out", "each.result"),
        ("each.out", "sort.in"), ("read.out", "lone.in"),
    ]  # fmt: skip

    def make(name: str, *without: str) -> str:
        kept = [node for node in nodes if node["id"] not in without]
        ids = {node["id"] for node in kept}
        wires = [(a, b) for a, b in edges if {a.split(".")[0], b.split(".")[0]} <= ids]
        return str(api.flow(name, kept, wires))

    return make


def stored(api, flow: str) -> tuple[dict, set]:
    """Steps by name, and wires as `a.out>b.in`."""
    canvas = api("GET", f"/flows/{flow}/data")
    names = {node["id"]: node["data"]["label"] for node in canvas["nodes"]}
    steps = {names[node["id"]]: {**node, "in": names.get(node.get("parentId"), "")} for node in canvas["nodes"]}
    return steps, {
        f"{names[e['source']]}.{e['sourceHandle']}>{names[e['target']]}.{e['targetHandle']}" for e in canvas["edges"]
    }


def save(page: Page) -> None:
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def frame(page: Page, step: str) -> dict:
    box = page.get_by_test_id(f"step-{step}").bounding_box()
    assert box
    return dict(box)


def move(page: Page, step: str, to: tuple[float, float]) -> None:
    """Drag a step by its name until its middle is there."""
    box = frame(page, step)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 15, y + 8, steps=3)
    page.mouse.move(*to, steps=12)
    page.mouse.up()


def test_a_loop_holds_its_steps_and_shows_its_items(page: Page, api, looped, run):
    flow = looped("Items", "lone")
    page.goto(f"/flows/{flow}")
    outer, inner = frame(page, "each"), frame(page, "keep")
    assert outer["x"] < inner["x"]
    assert inner["x"] + inner["width"] < outer["x"] + outer["width"]
    assert inner["y"] + inner["height"] < outer["y"] + outer["height"]
    run(page)
    expect(page.get_by_test_id("step-each")).to_contain_text("16 of 16")
    page.get_by_test_id("step-each").locator(".step-name").first.click()
    results = page.get_by_role("region", name="Results")
    results.get_by_role("radio", name="Executions (16)").check()
    items = results.get_by_role("region", name="Executions of Each")
    expect(items.get_by_role("row")).to_have_count(17)
    expect(results.get_by_role("radio", name="Succeeded 16")).to_be_visible()
    page.get_by_test_id("step-loud").click()
    results.get_by_role("button", name="Show the items").click()
    expect(page.get_by_test_id("step-each")).to_have_attribute("data-selected", "true")
    results.get_by_role("radio", name="Executions (16)").check()
    items.get_by_role("link", name="Item 3", exact=True).click()
    expect(page.locator(".page-head .badge")).to_have_text("Succeeded")
    expect(page.get_by_role("list", name="Steps").get_by_role("listitem")).to_have_count(2)
    expect(page.get_by_role("region", name="Rows of Keep").get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Item 3 of another execution").click()
    expect(page.get_by_role("list", name="Steps")).to_contain_text("16 of 16 items")


@pytest.mark.slow
def test_a_step_is_added_inside_with_its_wires(page: Page, api, looped):
    flow = looped("Inside", "loud", "keep", "lone")
    page.goto(f"/flows/{flow}")
    page.get_by_role("button", name="Add the first step, or drag one in").click()
    expect(page.get_by_role("combobox", name="Add a step inside the loop")).to_be_focused()
    page.keyboard.type("filter rows")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add a step inside Each").click()
    page.keyboard.type("distinct")
    page.keyboard.press("Enter")
    save(page)
    steps, wires = stored(api, flow)
    inside = {name for name, step in steps.items() if step["in"] == "Each"}
    first, last = "Filter rows", next(iter(inside - {"Filter rows"}))
    assert {f"Each.item>{first}.in", f"{first}.out>{last}.in", f"{last}.out>Each.result"} <= wires
    assert f"{first}.out>Each.result" not in wires
    right = steps[last]["position"]["x"] + 212
    assert steps["Each"]["width"] > right, "the loop grows with what is inside"


@pytest.mark.slow
def test_a_step_is_dragged_into_a_loop_and_out_again(page: Page, api, looped):
    flow = looped("In and out", "loud", "keep")
    page.goto(f"/flows/{flow}")
    before = frame(page, "lone")
    loop = frame(page, "each")
    move(page, "lone", (loop["x"] + loop["width"] / 2, loop["y"] + loop["height"] * 0.7))
    expect(page.locator(".toast")).to_contain_text("1 wire was taken off")
    save(page)
    steps, wires = stored(api, flow)
    assert steps["Lone"]["in"] == "Each"
    assert steps["Lone"]["position"]["x"] >= 0
    assert {"Each.item>Lone.in", "Lone.out>Each.result"} <= wires, "the first step inside is wired"
    assert "Read.out>Lone.in" not in wires
    move(page, "lone", (before["x"] + 106, before["y"] + 100))
    save(page)
    steps, wires = stored(api, flow)
    assert steps["Lone"]["in"] == ""
    assert wires == {"Read.out>Each.in", "Each.out>Sort.in"}
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    save(page)
    assert "Read.out>Lone.in" in stored(api, flow)[1], "a drag is one entry of the history"


@pytest.mark.slow
def test_a_wire_across_the_border_is_refused_with_the_reason_and_a_ring_inside_too(page: Page, api, looped):
    flow = looped("Border")
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-lone").click()
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    option = dialog.get_by_role("option").filter(has_text="Keep")
    expect(option).to_contain_text("would cross the border of “Each”")
    expect(dialog.get_by_role("option").filter(has_text="Result of a round")).to_contain_text("move “Lone” into it")
    page.keyboard.press("Escape")
    page.get_by_test_id("step-keep").click()
    page.keyboard.press("c")
    expect(dialog.get_by_role("option").filter(has_text="Loud")).to_contain_text("That would make a cycle")
    page.keyboard.press("Escape")
    canvas = api("GET", f"/flows/{flow}/data")
    drawn = {key: canvas[key] for key in ("nodes", "edges")}
    problems = api("POST", f"/flows/{flow}/validate", drawn)["problems"]
    assert problems == [], "item to inside and inside to result is no cycle"


@pytest.mark.slow
def test_a_wire_dropped_inside_its_loop_adds_a_step_there(page: Page, api, looped):
    flow = looped("Dropped inside", "lone", "sort")
    page.goto(f"/flows/{flow}")
    box = page.locator('.react-flow__handle[data-nodeid="loud"][data-handleid="out"]').bounding_box()
    loop = frame(page, "each")
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 12, steps=3)
    page.mouse.move(box["x"] + 20, loop["y"] + loop["height"] - 8, steps=8)
    page.mouse.up()
    expect(page.get_by_role("combobox", name="Add a step after this one")).to_be_focused()
    page.keyboard.type("sample")
    page.keyboard.press("Enter")
    save(page)
    steps, wires = stored(api, flow)
    added = next(name for name in steps if name.startswith("Sample"))
    assert steps[added]["in"] == "Each"
    assert f"Loud.out>{added}.in" in wires
    assert steps["Each"]["height"] >= steps[added]["position"]["y"] + 56


@pytest.mark.slow
def test_tidy_arranges_the_inside_and_makes_the_loop_as_large(page: Page, api, looped):
    flow = looped("Tidy")
    canvas = api("GET", f"/flows/{flow}/data")
    for node in canvas["nodes"]:
        node["position"] = {"x": 0, "y": 0}
    api("PUT", f"/flows/{flow}/data", {key: canvas[key] for key in ("nodes", "edges", "row_version")})
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-each")).to_be_visible()
    page.get_by_role("button", name="Tidy up").click()
    expect(page.get_by_text("Unsaved", exact=True)).to_be_visible()
    page.wait_for_function(ENDS_AT_RESULT)
    save(page)
    steps, _ = stored(api, flow)
    loop, first, last = steps["Each"], steps["Loud"]["position"], steps["Keep"]["position"]
    assert last["x"] >= first["x"] + 212
    assert last["x"] + 212 < loop["width"]
    assert steps["Sort"]["position"]["x"] >= loop["position"]["x"] + loop["width"]
    low, high = steps["Lone"]["position"]["y"], loop["position"]["y"]
    assert low >= high + loop["height"] or low + 56 <= high


@pytest.mark.slow
def test_a_copied_loop_keeps_what_is_inside_and_a_deleted_one_takes_it_along(page: Page, api, looped):
    flow = looped("Copies", "lone")
    page.goto(f"/flows/{flow}")
    nodes = page.locator(".react-flow__node")
    expect(nodes).to_have_count(5)
    page.get_by_test_id("step-each").locator(".step-name").first.click()
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    expect(nodes).to_have_count(8)
    save(page)
    steps, wires = stored(api, flow)
    assert {name for name, step in steps.items() if step["in"] == "Each 2"} == {"Loud 2", "Keep 2"}
    assert {"Each 2.item>Loud 2.in", "Loud 2.out>Keep 2.in", "Keep 2.out>Each 2.result"} <= wires
    assert steps["Loud 2"]["position"] == steps["Loud"]["position"], "inside, places are kept"
    page.keyboard.press("Delete")
    expect(nodes).to_have_count(5)
    page.get_by_test_id("step-keep").click()
    page.keyboard.press("Control+d")
    expect(nodes).to_have_count(6)
    save(page)
    assert stored(api, flow)[0]["Keep 2"]["in"] == "Each", "a step that is duplicated stays inside"


@pytest.mark.slow
def test_a_loop_is_resized_but_not_below_its_inside(page: Page, api, looped):
    flow = looped("Size", "lone")
    page.goto(f"/flows/{flow}")
    box = frame(page, "each")
    corner = box["x"] + box["width"] - 2, box["y"] + box["height"] - 2
    for by in (90, -600):
        page.mouse.move(*corner)
        page.mouse.down()
        page.mouse.move(corner[0] + by / 2, corner[1] + by / 2, steps=4)
        page.mouse.move(corner[0] + by, corner[1] + by, steps=8)
        page.mouse.up()
        save(page)
        loop = stored(api, flow)[0]["Each"]
        if by > 0:
            assert loop["height"] > box["height"] + 40
            box = frame(page, "each")
            corner = box["x"] + box["width"] - 2, box["y"] + box["height"] - 2
    assert loop["width"] >= 374 + 212
    assert loop["height"] >= 66 + 56


@pytest.mark.slow
def test_a_phone_shows_the_nesting(open_page, api, looped):
    flow = looped("Phone")
    page: Page = open_page(viewport={"width": 390, "height": 844})
    page.goto(f"/flows/{flow}")
    inside = page.get_by_role("list", name="Inside Each")
    expect(inside.get_by_role("button")).to_have_text(
        [re.compile("^Loud"), re.compile("^Keep.*after Loud"), "Add a step inside"]
    )
    expect(page.get_by_role("list", name="Steps").get_by_role("button", name=re.compile("^Sort"))).to_contain_text(
        "after Each"
    )
