"""What lies over the canvas can be used by everybody: axe on menu, sheet, find, note, group, rows and conflict."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
NOTE = {
    "id": "n", "type": "note", "position": {"x": 0, "y": -170}, "width": 220, "height": 110,
    "data": {"label": "Read me", "text": "Ask first.", "color": "rose"},
}  # fmt: skip
GROUP = {
    "id": "g", "type": "group", "position": {"x": -30, "y": -50}, "width": 280, "height": 130,
    "data": {"label": "Start", "color": "violet"},
}  # fmt: skip


def check(page: Page, where: str) -> None:
    found = Axe().run(page, context={"exclude": [[".nav"]]}).response["violations"]
    serious = [one for one in found if one["impact"] in {"serious", "critical"}]
    assert [f"{where}: {one['id']} {[n['html'][:160] for n in one['nodes'][:3]]}" for one in serious] == []
    assert page.evaluate(SIDEWAYS) == 0, f"{where} scrolls sideways"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_lies_over_the_canvas_is_accessible(open_page, api, steps, scheme: str):
    page: Page = open_page(color_scheme=scheme)
    page.expected.append("the server responded with a status of 4")
    nodes = [steps("a", "transform.filter", 0, where="x = 1"), steps("b", "transform.sort", 280), NOTE, GROUP]
    flow = api.flow(f"Access {scheme}", nodes, [("a.out", "b.in")])
    api("PUT", f"/flows/{flow}/nodes/a/pin", {"rows": [{"x": 1}]})
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-a").click(button="right")
    expect(page.get_by_role("menuitem").first).to_be_visible()
    check(page, "menu")
    page.keyboard.press("Escape")
    page.get_by_test_id("note-n").click()
    expect(page.get_by_role("complementary", name="Note")).to_be_visible()
    check(page, "note")
    page.locator(".frame-head").click()
    expect(page.get_by_role("complementary", name="Group")).to_be_visible()
    check(page, "group")
    page.get_by_test_id("step-a").click()
    expect(page.get_by_role("button", name="Unpin")).to_be_visible()
    check(page, "pinned step")
    page.get_by_role("button", name="Edit rows…").click()
    expect(page.get_by_role("textbox", name="Rows as a JSON list")).to_have_value('[\n  {"x":1}\n]')
    check(page, "rows")
    page.keyboard.press("Escape")
    page.locator('.react-flow__node[data-id="a"]').focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    check(page, "shortcuts")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+f")
    expect(page.get_by_role("combobox", name="Find a step")).to_be_focused()
    check(page, "find")
    page.keyboard.press("Escape")
    theirs = api("GET", f"/flows/{flow}/data")
    api("PUT", f"/flows/{flow}/data", {"nodes": theirs["nodes"][:1], "edges": [], "row_version": theirs["row_version"]})
    page.get_by_role("textbox", name="Name of the step").fill("Mine")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("region", name="What differs")).to_be_visible()
    check(page, "conflict")


def test_the_editor_on_a_phone_begins_with_the_outline_and_has_every_act(open_page, api, steps):
    page: Page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    nodes = [steps("a", "transform.filter", 0, where="x = 1"), steps("b", "transform.sort", 280), NOTE, GROUP]
    page.goto(f"/flows/{api.flow('On a phone', nodes, [('a.out', 'b.in')])}")
    page.get_by_role("list", name="Steps").get_by_role("button").first.tap()
    sheet = page.get_by_role("complementary", name="Settings of A")
    expect(sheet).to_be_visible()
    check(page, "sheet")
    sheet.get_by_role("button", name="More acts").tap()
    page.get_by_role("menuitem", name="Disable").tap()
    expect(page.get_by_role("list", name="Steps")).to_contain_text("Disabled")
    sheet.get_by_role("button", name="Close settings").tap()
    page.get_by_role("radio", name="Canvas").check()
    expect(page.get_by_test_id("note-n")).to_be_visible()
    check(page, "canvas on a phone")
