"""Two people save the same flow: what each changed is shown beside what was there, and both go together."""

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
    expect(dialog.get_by_text("3 differences, and nothing that you both changed: they fit together.")).to_be_visible()
    rows = dialog.get_by_role("row")
    expect(rows.filter(has_text="Mine").first).to_contain_text("A")
    where = rows.filter(has_text="where")
    expect(where.get_by_role("cell").nth(0)).to_have_text("x = 1")
    expect(where.get_by_role("cell").nth(1)).to_have_text("x = 1")
    expect(where.get_by_role("cell").nth(2)).to_have_text("x = 2")
    expect(where.get_by_role("radio", name="Mine, where as they have it")).to_be_checked()
    expect(rows.filter(has=page.get_by_role("rowheader", name="C", exact=True))).to_contain_text("with it")


def test_mine_is_saved_as_a_copy_and_theirs_stays(page: Page, api, conflict, request):
    page.get_by_role("button", name="Save mine as a copy").click()
    expect(page.get_by_role("heading", name=f"Copy of {request.node.name}", level=1)).to_be_visible()
    expect(page.get_by_test_id("step-a")).to_contain_text("Mine")
    assert f"/flows/{conflict}" not in page.url
    theirs = {node["id"]: node["data"] for node in api("GET", f"/flows/{conflict}/data")["nodes"]}
    assert theirs["a"]["label"] == "A"
    assert theirs["a"]["config"]["where"] == "x = 2"
    assert "c" in theirs


def stored(api, flow: str) -> dict[str, dict]:
    return {node["id"]: node["data"] for node in api("GET", f"/flows/{flow}/data")["nodes"]}


def save_both(page: Page) -> None:
    page.get_by_role("button", name="Save both as a new version").click()
    expect(page.get_by_text("Saved as version 2; what was there is version 1.")).to_be_visible()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()


def test_what_only_one_changed_is_taken_from_each(page: Page, api, conflict):
    save_both(page)
    merged = stored(api, conflict)
    assert merged["a"]["label"] == "Mine"
    assert merged["a"]["config"]["where"] == "x = 2"
    assert merged["c"]["nodeType"] == "transform.limit"
    expect(page.get_by_test_id("step-c")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("step-c")).to_have_count(0)


def test_each_point_can_be_mine_or_theirs(page: Page, api, conflict):
    dialog = page.get_by_role("dialog", name="Somebody else saved this flow")
    dialog.get_by_role("radio", name="C as I have it").check()
    dialog.get_by_role("radio", name="Mine, where as I have it").check()
    dialog.get_by_role("radio", name="Mine, name as they have it").check()
    save_both(page)
    merged = stored(api, conflict)
    assert set(merged) == {"a", "b"}
    assert merged["a"]["label"] == "A"
    assert merged["a"]["config"]["where"] == "x = 1"


def test_one_setting_that_both_changed_is_asked_for(page: Page, api, steps):
    """Base, mine and theirs of one field; what else the two did in the same step stays of both."""
    flow = str(
        api.flow(
            "Both at once", [steps("a", "transform.sample", 0, rows=10, seed=2), steps("gone", "transform.sort", 280)]
        )
    )
    page.expected.append("the server responded with a status of 4")
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-a").click()
    theirs = api("GET", f"/flows/{flow}/data")
    theirs["nodes"][0]["data"]["config"] = {"rows": 30, "seed": 7}
    api("PUT", f"/flows/{flow}/data", {"nodes": theirs["nodes"][:1], "edges": [], "row_version": theirs["row_version"]})
    page.get_by_role("complementary", name="Settings of A").get_by_label("Rows").fill("20")
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Somebody else saved this flow")
    expect(dialog.get_by_text("You both changed 1 thing; choose whose it shall be.")).to_be_visible()
    asked = dialog.get_by_role("row").filter(has_text="both changed")
    expect(asked.get_by_role("cell")).to_have_text(["10", "20", "30"])
    asked.get_by_role("radio", name="A, rows as they have it").check()
    save_both(page)
    merged = stored(api, flow)
    assert set(merged) == {"a"}, "the step that they deleted, and nobody else touched, is gone"
    assert merged["a"]["config"] == {"rows": 30, "seed": 7}
