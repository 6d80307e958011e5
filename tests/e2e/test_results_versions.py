"""Versions compared on the canvas and put back; a flow edited as text."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
CODE = "x = row\nreturn x"


@pytest.fixture
def versioned(api, steps):
    """A flow of two versions: a step added, one removed, two changed."""

    def make(name: str) -> str:
        read = steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv")
        few, code = steps("few", "transform.limit", 280, rows=5), steps("code", "code.python", 280, 150, code=CODE)
        old, new = steps("old", "transform.limit", 560, rows=1), steps("new", "transform.limit", 560, rows=2)
        edges = [("read.out", "few.in"), ("few.out", "old.in"), ("read.out", "code.in")]
        flow = str(api.flow(name, [read, few, code, old], edges))
        api("POST", f"/flows/{flow}/versions", {"change_summary": "The first that works"})
        canvas = api("GET", f"/flows/{flow}/data")
        few["data"] |= {"label": "A dozen", "config": {"rows": 12}}
        code["data"]["config"] = {"code": "x = row\nx['n'] = 1\nreturn x"}
        wires = [
            {"id": f"n{at}", "source": a, "sourceHandle": "out", "target": b, "targetHandle": "in"}
            for at, (a, b) in enumerate([("read", "few"), ("few", "new"), ("read", "code")])
        ]
        body = {"nodes": [read, few, code, new], "edges": wires, "row_version": canvas["row_version"]}
        api("PUT", f"/flows/{flow}/data", body)
        api("POST", f"/flows/{flow}/versions", {"change_summary": "A dozen", "name": "winter"})
        return flow

    return make


@pytest.mark.slow
def test_two_versions_are_compared_on_the_canvas_and_setting_by_setting(page: Page, versioned):
    page.goto(f"/flows/{versioned('Compared versions')}")
    page.get_by_role("link", name="Versions").click()
    listed = page.get_by_role("list", name="Versions")
    expect(listed).to_contain_text("The first that works")
    listed.get_by_role("button", name=re.compile("Version 2: winter")).click()
    kinds = {"new": "added", "old": "removed", "few": "changed", "code": "changed", "read": "same"}
    for id_, kind in kinds.items():
        expect(page.get_by_test_id(f"diff-{id_}")).to_have_attribute("data-kind", kind)
    expect(page.locator(".diff-sign")).to_have_count(4)
    changes = page.get_by_role("region", name="Changes")
    few = changes.get_by_role("region", name="A dozen")
    expect(few.locator("[data-kind=removed] >> nth=0")).to_contain_text("Few")
    expect(few.get_by_role("heading", name="Rows")).to_be_visible()
    expect(few.locator("pre").nth(1)).to_contain_text("12")
    added = changes.get_by_role("region", name="Code").locator("pre [data-kind=added]")
    expect(added).to_have_count(1)
    expect(added).to_contain_text("x['n'] = 1")
    page.get_by_test_id("diff-old").click()
    expect(page).to_have_url(re.compile("step=old"))
    expect(changes.get_by_role("region", name="Old")).to_have_attribute("data-chosen", "true")


def test_a_version_is_put_back_and_nothing_is_lost(page: Page, api, versioned):
    flow = versioned("Put back")
    canvas = api("GET", f"/flows/{flow}/data")
    canvas["nodes"][1]["data"]["label"] = "Not in a version yet"
    api("PUT", f"/flows/{flow}/data", {key: canvas[key] for key in ("nodes", "edges", "row_version")})
    page.goto(f"/flows/{flow}/versions")
    page.get_by_role("button", name="Put version 1 back").click()
    expect(page.get_by_text("Version 1 is on the canvas again, as version 4")).to_be_visible()
    labels = [
        {node["data"]["label"] for node in api("GET", f"/flows/{flow}/versions/{number}")["definition"]["nodes"]}
        for number in (3, 4)
    ]
    assert "Not in a version yet" in labels[0]
    assert labels[1] == {"Read", "Few", "Code", "Old"}
    assert {node["id"] for node in api("GET", f"/flows/{flow}/data")["nodes"]} == {"read", "few", "code", "old"}


def test_a_version_is_made_with_its_message(page: Page, api, steps):
    flow = api.flow("Fresh", [steps("a", "transform.limit", 0, rows=1)])
    page.goto(f"/flows/{flow}/versions")
    page.get_by_role("button", name="Make a version").first.click()
    page.get_by_role("dialog").get_by_label("What changed, and why?").fill("To begin with")
    page.get_by_role("dialog").get_by_role("button", name="Make a version").click()
    expect(page.get_by_role("list", name="Versions")).to_contain_text("To begin with")
    assert api("GET", f"/flows/{flow}/versions")[0]["change_summary"] == "To begin with"


def test_a_flow_is_edited_as_text_and_keeps_its_layout(page: Page, api, versioned):
    flow = versioned("As text")
    places = {node["id"]: node["position"] for node in api("GET", f"/flows/{flow}/data")["nodes"]}
    page.goto(f"/flows/{flow}")
    page.get_by_role("link", name="The flow as text").click()
    code = page.get_by_role("textbox", name="The flow as text")
    expect(code).to_have_value(re.compile("rows: 12"))
    assert "      x['n'] = 1\n" in code.input_value(), "code stands as lines"
    page.expected.append("the server responded with a status of 422")
    code.fill(code.input_value() + "  bad: [\n")
    expect(page.get_by_role("alert")).to_contain_text("no YAML")
    expect(page.locator(".code-lines [data-wrong]")).to_have_count(1)
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    text = code.input_value().replace("  bad: [\n", "").replace("rows: 12", "rows: 7").replace("in: few", "in: nobody")
    code.fill(text)
    expect(page.get_by_role("region", name="Problems").get_by_role("button")).not_to_have_count(0)
    code.fill(text.replace("in: nobody", "in: few"))
    expect(page.get_by_text("No problems.")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved. The canvas shows it too")).to_be_visible()
    stored = {node["id"]: node for node in api("GET", f"/flows/{flow}/data")["nodes"]}
    assert stored["few"]["data"]["config"] == {"rows": 7}
    assert {id_: node["position"] for id_, node in stored.items()} == places


@pytest.mark.slow
def test_a_text_that_is_old_is_not_saved_over_a_newer_flow(page: Page, api, versioned):
    flow = versioned("Conflict in text")
    page.expected.append("the server responded with a status of 4")
    page.goto(f"/flows/{flow}/text")
    code = page.get_by_role("textbox", name="The flow as text")
    code.fill(code.input_value().replace("rows: 12", "rows: 7"))
    canvas = api("GET", f"/flows/{flow}/data")
    canvas["nodes"][1]["data"]["config"] = {"rows": 99}
    api("PUT", f"/flows/{flow}/data", {key: canvas[key] for key in ("nodes", "edges", "row_version")})
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Reload what is stored").click()
    expect(code).to_have_value(re.compile("rows: 99"))
    assert api("GET", f"/flows/{flow}/data")["nodes"][1]["data"]["config"] == {"rows": 99}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_versions_text_and_an_execution_are_accessible_and_fit(open_page, api, versioned, scheme: str, size: str):
    page: Page = open_page(viewport=SIZES[size], color_scheme=scheme)
    flow = versioned(f"Looked at {scheme} {size}")
    ran = api("POST", f"/flows/{flow}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 60})["id"]
    seen = {
        f"/flows/{flow}/versions?b=2": ".changes",
        f"/flows/{flow}/text": "textarea",
        f"/executions/{ran}?step=few": ".rows-grid tbody td",
        f"/executions/{ran}?tab=timeline": ".gantt li",
        f"/executions/{ran}?tab=logs": ".log :is(.empty, .log-lines li)",
        f"/executions/{ran}?tab=compare": ".execution-tabs .empty",
    }
    for path, there in seen.items():
        page.goto(path)
        page.locator(there).first.wait_for()
        if there.startswith(".rows-grid"):
            page.get_by_title("Columns").get_by_role("radio").check()
            page.locator(".profile tbody tr").first.wait_for()
        bad = [one for one in Axe().run(page).response["violations"] if one["impact"] in {"serious", "critical"}]
        assert [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in bad] == [], path
        assert page.evaluate(SIDEWAYS) == 0, f"{path} scrolls sideways"
