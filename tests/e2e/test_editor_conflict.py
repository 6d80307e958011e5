"""Two people save the same flow: what differs is shown, and mine can go to a copy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.slow


@pytest.fixture
def conflict(page: Page, api, steps, request) -> str:
    """My change of a step meets another of theirs, saved before."""
    flow = str(
        api.flow(
            request.node.name, [steps("a", "transform.filter", 0, where="x = 1"), steps("b", "transform.sort", 280)]
        )
    )
    page.expected.append("the server responded with a status of 4")
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-a").click()
    theirs = api("GET", f"/flows/{flow}/data")
    theirs["nodes"][0]["data"]["config"]["where"] = "x = 2"
    theirs["nodes"].append(steps("c", "transform.limit", 560, count=1))
    api("PUT", f"/flows/{flow}/data", {"nodes": theirs["nodes"], "edges": [], "row_version": theirs["row_version"]})
    page.get_by_role("textbox", name="Name of the step").fill("Mine")
    page.keyboard.press("Control+s")
    return flow


def test_the_conflict_shows_what_differs(page: Page, conflict):
    dialog = page.get_by_role("dialog", name="Somebody else saved this flow")
    rows = dialog.get_by_role("row")
    expect(rows.filter(has_text="Mine").first).to_contain_text("A")
    expect(rows.filter(has_text="x = 1")).to_contain_text("x = 2")
    expect(rows.filter(has_text="only here")).to_contain_text("C")


def test_mine_is_saved_as_a_copy_and_theirs_stays(page: Page, api, conflict, request):
    page.get_by_role("button", name="Save mine as a copy").click()
    expect(page.get_by_role("heading", name=f"Copy of {request.node.name}", level=1)).to_be_visible()
    expect(page.get_by_test_id("step-a")).to_contain_text("Mine")
    assert f"/flows/{conflict}" not in page.url
    theirs = {node["id"]: node["data"] for node in api("GET", f"/flows/{conflict}/data")["nodes"]}
    assert theirs["a"]["label"] == "A"
    assert theirs["a"]["config"]["where"] == "x = 2"
    assert "c" in theirs


def test_each_step_can_be_mine_or_theirs(page: Page, api, conflict):
    dialog = page.get_by_role("dialog", name="Somebody else saved this flow")
    dialog.get_by_role("radio", name="C as they have it").check()
    dialog.get_by_role("button", name="Save my choice as a new version").click()
    expect(page.get_by_text("Saved as version 2; what was there is version 1.")).to_be_visible()
    stored = {node["id"]: node["data"] for node in api("GET", f"/flows/{conflict}/data")["nodes"]}
    assert stored["a"]["label"] == "Mine"
    assert stored["a"]["config"]["where"] == "x = 1"
    assert stored["c"]["nodeType"] == "transform.limit"
    expect(page.get_by_test_id("step-c")).to_be_visible()
