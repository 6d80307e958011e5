"""Notes and groups, finding a step, history that survives a reload, fragments between tabs, drag from the palette."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow
KEPT = """(key) => new Promise((done) => {
  const past = () => JSON.parse(sessionStorage.getItem(key) ?? '{}').past?.length
  const look = () => (past() ? done(true) : requestAnimationFrame(look))
  look()
})"""


@pytest.fixture
def pair(api, steps):
    """Two steps in a row and one aside."""

    def make(name: str) -> str:
        nodes = [
            steps("one", "transform.filter", 0, where="x = 1"),
            steps("two", "transform.sort", 280, by=[{"column": "x"}]),
            steps("lone", "transform.distinct", 280, 500),
        ]  # fmt: skip
        return str(api.flow(name, nodes, [("one.out", "two.in")]))

    return make


def save(page: Page) -> None:
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def stored(api, flow: str) -> dict[str, dict]:
    return {node["data"]["label"]: node for node in api("GET", f"/flows/{flow}/data")["nodes"]}


def test_a_note_is_written_coloured_and_kept(page: Page, api, pair):
    flow = pair("Notes")
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-one")).to_be_visible()
    page.get_by_role("button", name="Add a note").click()
    page.get_by_role("textbox", name="Text").fill("Ask Bo before you change <b>this</b>.")
    page.get_by_role("textbox", name="Title").fill("Careful")
    page.get_by_role("radio", name="Green").check()
    note = page.locator(".note")
    expect(note).to_contain_text("Ask Bo before you change <b>this</b>.")
    expect(note).to_have_attribute("data-color", "green")
    expect(page.get_by_text("3 steps", exact=True)).to_be_visible()
    save(page)
    kept = stored(api, flow)["Careful"]
    assert kept["type"] == "note"
    assert kept["data"]["color"] == "green"
    assert "problems" not in page.locator(".dock").inner_text()
    page.reload()
    expect(note).to_contain_text("Careful")


def test_a_group_takes_along_what_is_in_it_and_is_one_entry(page: Page, api, pair):
    flow = pair("Groups")
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-one").click()
    page.get_by_test_id("step-two").click(modifiers=["Control"])
    page.keyboard.press("g")
    expect(page.locator(".settings [data-first]")).to_be_focused()
    page.keyboard.type("Clean up")
    head = page.locator(".frame-head")
    expect(head).to_have_text("Clean up")
    box = head.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 40, steps=4)
    page.mouse.move(box["x"] + 120, box["y"] + 90, steps=6)
    page.mouse.up()
    save(page)
    after = stored(api, flow)
    shift = after["One"]["position"]
    assert shift != {"x": 0, "y": 0}
    assert after["Two"]["position"] == {"x": 280 + shift["x"], "y": shift["y"]}
    assert after["Lone"]["position"] == {"x": 280, "y": 500}, "what is beside it stays"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    save(page)
    assert stored(api, flow)["Two"]["position"] == {"x": 280, "y": 0}
    page.get_by_test_id("step-one").click()
    page.keyboard.press("Shift+g")
    expect(page.locator(".frame")).to_have_count(0)
    expect(page.locator(".react-flow__node")).to_have_count(3)


def test_a_step_is_found_and_brought_into_view(page: Page, api, steps):
    nodes = [steps(f"s{n}", "transform.union", (n % 20) * 280, (n // 20) * 110) for n in range(200)]
    nodes[187]["data"]["label"] = "Needle"
    flow = api.flow("Haystack", nodes)
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-s0")).to_be_visible()
    expect(page.get_by_test_id("step-s187")).to_have_count(0)
    page.keyboard.press("Control+f")
    page.keyboard.type("needle")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    found = page.get_by_test_id("step-s187")
    expect(found).to_be_in_viewport(ratio=0.99)
    expect(page.locator('.react-flow__node[data-id="s187"]')).to_be_focused()


def test_a_problem_is_gone_to_by_key(page: Page, api, steps):
    nodes = [steps("fine", "transform.distinct", 0), steps("bad", "transform.filter", 9000, 4000)]
    flow = api.flow("Problems", nodes)
    page.goto(f"/flows/{flow}")
    expect(page.get_by_role("tab", name="Problems").locator(".count")).to_be_visible()
    page.locator(".react-flow__pane").click(position={"x": 500, "y": 60})
    for _ in range(4):
        page.keyboard.press("F8")
        expect(page.locator(".toast").last).to_contain_text("Problem ")
        if "“Bad”" in page.locator(".toast").last.inner_text():
            break
    expect(page.locator(".toast").last).to_contain_text("“Bad”")
    expect(page.get_by_test_id("step-bad")).to_be_in_viewport(ratio=0.99)


def test_undo_survives_a_reload(page: Page, api, pair):
    flow = pair("History")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-one").click()
    page.keyboard.press("Delete")
    page.get_by_test_id("step-lone").click()
    page.keyboard.press("Control+d")
    nodes = page.locator(".react-flow__node")
    expect(nodes).to_have_count(3)
    page.evaluate(KEPT, f"headrace.draft.{flow}")
    page.reload()
    expect(nodes).to_have_count(3)
    page.keyboard.press("Control+z")
    expect(nodes).to_have_count(2)
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("step-one")).to_be_visible()
    expect(page.locator(".react-flow__edge")).to_have_count(1)
    page.keyboard.press("Control+Shift+z")
    expect(nodes).to_have_count(2)


def test_steps_go_from_one_tab_to_another_as_text(open_page, api, pair):
    here, there = pair("From tab"), api.flow("To tab", [])
    options = {"permissions": ["clipboard-read", "clipboard-write"]}
    first: Page = open_page(**options)
    first.goto(f"/flows/{here}")
    first.get_by_test_id("step-one").click()
    first.get_by_test_id("step-two").click(modifiers=["Control"])
    first.keyboard.press("Control+c")
    text = first.evaluate("navigator.clipboard.readText()")
    assert json.loads(text)["format"] == "headrace/steps"
    second = first.context.new_page()
    second.goto(f"/flows/{there}")
    expect(second.get_by_role("heading", name="An empty flow")).to_be_visible()
    second.keyboard.press("Control+v")
    expect(second.locator(".react-flow__node")).to_have_count(2)
    expect(second.locator(".react-flow__node").first).to_be_in_viewport(ratio=0.99)
    expect(second.locator(".react-flow__edge")).to_have_count(1)
    save(second)
    assert not {n["id"] for n in stored(api, there).values()} & {"one", "two"}


def test_a_type_is_dragged_from_the_palette_into_a_wire(page: Page, api, pair):
    flow = pair("Dragged")
    page.goto(f"/flows/{flow}")
    one, two = page.get_by_test_id("step-one").bounding_box(), page.get_by_test_id("step-two").bounding_box()
    assert one
    assert two
    page.keyboard.press("/")
    page.keyboard.type("limit")
    box = page.get_by_role("option").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 60, steps=3)
    expect(page.locator(".ghost")).to_be_visible()
    page.mouse.move((one["x"] + one["width"] + two["x"]) / 2, one["y"] + one["height"] / 2, steps=6)
    page.mouse.up()
    expect(page.locator(".react-flow__edge")).to_have_count(2)
    save(page)
    assert "Limit rows" in stored(api, flow)


def test_a_flow_saves_itself_and_an_active_one_waits(page: Page, api, pair):
    flow = pair("By itself")
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-one").click()
    page.get_by_role("textbox", name="Name of the step").fill("Renamed")
    with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.url.endswith("/data")):
        pass
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert "Renamed" in stored(api, flow)
    page.get_by_role("switch", name="Active").click()
    expect(page.get_by_text("It is active; add a trigger step, and it starts by itself.")).to_be_visible()
    page.get_by_role("textbox", name="Name of the step").fill("Half done")
    expect(page.get_by_text("Unsaved", exact=True)).to_have_attribute(
        "title", "The flow is active: changes take effect when you save."
    )
