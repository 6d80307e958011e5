"""The editor by keyboard alone: five steps from an empty canvas, run, rows; the sheet tells every key that works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow
WORDS = json.loads((Path(__file__).parents[2] / "web/ui/src/text/en/flow.json").read_text())
FIVE = 5


def choose(page: Page, key: str, text: str, title: str) -> None:
    """Open the palette by a key, take the first answer, and see the new step with the focus."""
    page.keyboard.press(key)
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type(text)
    expect(page.get_by_role("option").first).to_contain_text(title)
    page.keyboard.press("Enter")
    expect(page.locator(".react-flow__node.selected")).to_be_focused()
    expect(page.locator(".react-flow__node.selected")).to_contain_text(title)


def fill(page: Page, label: str, text: str) -> None:
    """From the step into its settings, along the fields, and back."""
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Name of the step")).to_be_focused()
    field = page.locator(".settings").get_by_label(label)
    for _ in range(20):
        if field.first.evaluate("(field) => field === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(field.first).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
    page.keyboard.press("Escape")
    expect(page.locator(".react-flow__node.selected")).to_be_focused()


def test_five_steps_are_built_and_run_by_keys_alone(page: Page, api, run):
    flow = api.flow("By keys", [])
    page.goto(f"/flows/{flow}")
    expect(page.get_by_role("heading", name="An empty flow")).to_be_visible()
    choose(page, "/", "files: read", "Files: read")
    fill(page, "Connection", "Flight data")
    fill(page, "Stream", "airlines.csv")
    choose(page, "Tab", "filter", "Filter")
    fill(page, "Condition", "carrier > 'B'")
    choose(page, "Tab", "union", "Union")
    fill(page, "Name of the step", "Stack")
    choose(page, "/", "distinct", "Remove duplicates")
    choose(page, "Tab", "limit", "Limit")
    fill(page, "Rows", "7")
    nodes = page.locator(".react-flow__node")
    expect(nodes).to_have_count(FIVE)
    expect(page.locator(".react-flow__edge")).to_have_count(FIVE - 1)
    page.keyboard.press("Alt+ArrowLeft")
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator(".react-flow__node.selected")).to_contain_text("Stack")
    page.keyboard.press("Delete")
    expect(nodes).to_have_count(FIVE - 1)
    expect(page.locator(".react-flow__edge")).to_have_count(FIVE - 2)
    page.keyboard.press("Control+z")
    page.keyboard.press("d")
    expect(page.get_by_role("img", name="Disabled")).to_be_visible()
    page.keyboard.press("d")
    expect(page.get_by_role("img", name="Disabled")).to_be_hidden()
    run(page, lambda: page.keyboard.press("Control+Enter"))
    expect(page.locator(".react-flow__node").filter(has_text="Limit rows")).to_contain_text("7 rows")


def test_three_steps_are_built_run_and_read_in_the_outline_by_keys_alone(page: Page, api, run):
    page.goto(f"/flows/{api.flow('In the outline', [])}")
    expect(page.get_by_role("heading", name="An empty flow")).to_be_visible()
    page.keyboard.press("o")
    chosen = page.locator(".outline [data-step][aria-pressed=true]")

    def add(text: str, title: str, **fields: str) -> None:
        page.keyboard.press("/")
        expect(page.get_by_role("combobox", name=re.compile("Add a step"))).to_be_focused()
        page.keyboard.type(text)
        expect(page.get_by_role("option").first).to_contain_text(title)
        page.keyboard.press("Enter")
        expect(chosen).to_be_focused()
        expect(chosen).to_contain_text(title)
        for label, value in fields.items():
            along(page, label)
            if page.evaluate("document.activeElement.tagName") == "SELECT":
                expect(page.locator(".settings").get_by_role("option", name=value)).to_be_attached()
            else:
                page.keyboard.press("Control+a")
            page.keyboard.type(value)
            page.keyboard.press("Escape")
            if page.evaluate("document.activeElement.tagName") == "INPUT":  # the first one closed the suggestions
                page.keyboard.press("Escape")
            expect(chosen).to_be_focused()

    add("files: read", "Files: read", Connection="Flight data", Stream="airlines.csv")
    add("filter", "Filter", Condition="carrier > 'B'")
    add("limit", "Limit", Rows="7")
    run(page, lambda: page.keyboard.press("Control+Enter"))
    listed = page.get_by_role("list", name="Steps").get_by_role("listitem")
    expect(listed).to_have_count(3)
    expect(listed.nth(2)).to_contain_text("7 rows")
    expect(page.get_by_role("region", name="Results").get_by_role("row")).to_have_count(8)


def along(page: Page, label: str) -> None:
    """With Tab to a field of the settings."""
    field = page.locator(".settings").get_by_label(label).first
    for _ in range(60):
        if field.evaluate("(field) => field === document.activeElement"):
            return
        page.keyboard.press("Tab")
    expect(field).to_be_focused()


def test_a_step_that_is_switched_off_is_left_out_and_stays_so(page: Page, api, steps, run):
    nodes = [
        steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
        steps("none", "transform.filter", 280, where="carrier = 'nobody'"),
        steps("last", "transform.distinct", 560),
    ]
    flow = api.flow("Switched off", nodes, [("read.out", "none.in"), ("none.out", "last.in")])
    page.goto(f"/flows/{flow}")
    run(page)
    expect(page.get_by_test_id("step-last")).to_contain_text("0 rows")
    page.get_by_test_id("step-none").click()
    page.locator('.react-flow__node[data-id="none"]').focus()
    page.keyboard.press("d")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("step-none").get_by_role("img", name="Disabled")).to_be_visible()
    run(page)
    expect(page.get_by_test_id("step-last")).to_contain_text("16 rows")


def test_the_sheet_lists_every_command_and_its_keys(page: Page, api, steps):
    flow = api.flow("Sheet", [steps("a", "transform.filter", 0, where="x = 1")])
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-a")).to_be_visible()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Shortcuts")
    told = sheet.get_by_role("definition").all_text_contents()
    assert sorted(told) == sorted(text for key, text in WORDS.items() if key.startswith("command."))
    assert sheet.get_by_role("term").filter(has=page.locator("kbd")).count() == len(told), "each has its keys"
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_keys_held_down_move_the_step_and_are_undone_at_once(page: Page, api, steps):
    flow = api.flow("Arrows", [steps("a", "transform.filter", 0, where="x = 1"), steps("b", "transform.sort", 400)])
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-a").click()
    page.locator('.react-flow__node[data-id="a"]').focus()
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    assert api("GET", f"/flows/{flow}/data")["nodes"][0]["position"] == {"x": 0, "y": 60}
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert api("GET", f"/flows/{flow}/data")["nodes"][0]["position"] == {"x": 0, "y": 0}


def test_a_menu_of_the_step_offers_the_same_commands(page: Page, api, steps):
    flow = api.flow("Menu", [steps("a", "transform.filter", 0, where="x = 1")])
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-a").click(button="right")
    menu = page.get_by_role("menu")
    for word in ("Run this step", "Pin the last rows", "Disable", "Duplicate"):
        expect(menu.get_by_role("menuitem").filter(has_text=word)).to_be_visible()
    menu.get_by_role("menuitem").filter(has_text="Disable").click()
    expect(page.get_by_role("img", name="Disabled")).to_be_visible()
    page.get_by_test_id("step-a").click(button="right")
    expect(menu.get_by_role("menuitem").filter(has_text="Enable")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()


def test_a_version_is_made_by_keys(page: Page, api, steps):
    flow = api.flow("Versioned", [steps("a", "transform.filter", 0, where="x = 1")])
    page.goto(f"/flows/{flow}")
    expect(page.get_by_test_id("step-a")).to_be_visible()
    page.keyboard.press("Control+Shift+s")
    dialog = page.get_by_role("dialog", name="Make a version")
    expect(dialog.get_by_role("textbox").first).to_be_focused()
    page.keyboard.type("Before the holidays")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert [one["change_summary"] for one in api("GET", f"/flows/{flow}/versions")] == ["Before the holidays"]
