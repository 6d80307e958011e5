"""The editor by keyboard alone: five steps from an empty canvas, run, rows; the sheet tells every key that works."""

from __future__ import annotations

import json
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
