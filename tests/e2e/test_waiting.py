"""Steps that wait: approvals in their list and in place, addresses to call, ways that are not taken; and executions."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

SETTLED_MS = 60_000
ASKED = [
    {"name": "limit", "title": "Up to", "type": "number"},
    {"name": "reason", "title": "Reason", "type": "string", "required": True},
]


@pytest.fixture
def asking(api, steps):
    """An approval with a form, a step on each way; started, and waiting when the page says so."""

    def make(title: str, **config) -> str:
        nodes = [
            steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"),
            steps("ask", "control.approval", 280, title=title, message="Sixteen of them.", form=ASKED, **config),
            steps("pay", "transform.limit", 560, -80, rows=5),
            steps("back", "transform.limit", 560, 80, rows=5),
        ]
        edges = [("read.out", "ask.in"), ("ask.approved", "pay.in"), ("ask.rejected", "back.in")]
        return str(api("POST", f"/flows/{api.flow(title, nodes, edges)}/execute", {"observe": "all"})["id"])

    return make


def waiting(page: Page, execution: str) -> None:
    page.goto(f"/executions/{execution}")
    expect(page.locator(".page-head .badge")).to_have_text("Waiting", timeout=SETTLED_MS)


def ended(page: Page, word: str = "Succeeded") -> None:
    expect(page.locator(".page-head .badge")).to_have_text(word, timeout=SETTLED_MS)


def step(page: Page, name: str):
    return page.get_by_role("list", name="Steps").get_by_role("button", name=re.compile(rf"\b{name}\b"))


def test_an_approval_is_decided_with_its_form(page: Page, asking):
    execution = asking("Pay in March?")
    waiting(page, execution)
    page.get_by_role("link", name="Approvals").click()
    expect(page.get_by_role("navigation").get_by_label(re.compile(r"^\d+ open$"))).to_be_visible()
    page.get_by_role("link", name="Pay in March?").first.click()
    form = page.get_by_role("form", name="Decide: Pay in March?")
    expect(form).to_contain_text("Sixteen of them.")
    form.get_by_role("button", name="Approve").click()
    expect(form.get_by_role("alert")).to_have_text("Fill this in.")
    form.get_by_role("textbox", name="Reason").fill("They are right")
    form.get_by_role("textbox", name="Up to").fill("900")
    form.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved: Pay in March?")).to_be_visible()
    page.goto(f"/executions/{execution}")
    ended(page)
    step(page, "Ask").click()
    rows = page.locator(".step-rows")
    rows.get_by_role("radio", name="Answer").check()
    expect(page.get_by_role("region", name="Rows of Ask")).to_contain_text("They are right")
    expect(step(page, "Back")).to_contain_text("not taken")
    expect(step(page, "Pay")).to_contain_text("5 rows")
    page.goto("/approvals")
    page.get_by_role("radio", name="Decided").check()
    page.get_by_role("list", name="Approvals").get_by_role("link", name="Pay in March?").click()
    expect(page.get_by_role("region", name="Approval", exact=True)).to_contain_text("They are right")


@pytest.mark.slow
def test_an_approval_is_rejected_in_place_and_the_way_not_taken_is_dimmed(page: Page, asking):
    execution = asking("Pay in April?")
    waiting(page, execution)
    card = page.get_by_role("region", name="Waits: Pay in April?")
    expect(step(page, "Ask")).to_contain_text("waits for an answer")
    card.get_by_role("textbox", name="Reason").fill("Too much")
    card.get_by_role("button", name="Reject").click()
    ended(page)
    expect(card).to_have_count(0)
    page.get_by_role("tab", name="Canvas").click()
    expect(page.get_by_test_id("step-pay")).to_have_attribute("data-status", "skipped")
    expect(page.get_by_test_id("step-back")).to_have_attribute("data-status", "completed")
    dimmed = page.locator(".wire-not-taken")
    expect(dimmed).to_have_count(1)
    expect(page.locator('.react-flow__edge[data-id="e1"] .wire-not-taken')).to_have_count(1)
    expect(page.locator(".wire-count")).to_have_text(["16", "16"])


@pytest.mark.slow
def test_an_approval_is_delegated(page: Page, asking, api):
    execution = asking("Pay in May?", assignees=["ada@example.org"])
    waiting(page, execution)
    card = page.get_by_role("region", name="Waits: Pay in May?")
    card.get_by_role("button", name="Delegate…").click()
    who = page.get_by_role("dialog").get_by_role("textbox", name="E-mail addresses")
    expect(who).to_have_value("ada@example.org")
    who.fill("nobody")
    page.get_by_role("dialog").get_by_role("button", name="Delegate").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("“nobody” is no e-mail address.")
    who.fill("eve@example.org, bob@example.org")
    page.get_by_role("dialog").get_by_role("button", name="Delegate").click()
    expect(page.get_by_text("Given to eve@example.org, bob@example.org.")).to_be_visible()
    wait = api("GET", f"/executions/{execution}/waits")[0]
    assert wait["assignees"] == ["eve@example.org", "bob@example.org"]
    page.goto(f"/approvals/{wait['id']}")
    expect(page.get_by_role("region", name="Approval", exact=True)).to_contain_text("eve@example.org, bob@example.org")


@pytest.mark.slow
def test_a_call_to_the_made_address_lets_the_execution_go_on(page: Page, api, steps):
    nodes = [
        steps("hook", "control.wait_webhook", 0, title="The carrier"),
        steps("end", "transform.limit", 280, rows=9),
    ]
    flow = api.flow("Called", nodes, [("hook.out", "end.in")])
    waiting(page, api("POST", f"/flows/{flow}/execute", {"observe": "all"})["id"])
    card = page.get_by_role("region", name="Waits: The carrier")
    card.get_by_role("button", name="Make address").click()
    address = card.get_by_role("textbox", name="Address to call")
    expect(address).to_have_value(re.compile("/api/v1/resume/"))
    expect(page.get_by_text(re.compile("The address is copied|Press Ctrl C"))).to_be_visible()
    first = address.input_value()
    card.get_by_role("button", name="Make another").click()
    expect(address).not_to_have_value(first)
    assert httpx.post(first, json={}).status_code == 404, "an earlier address is void"
    assert httpx.post(address.input_value(), json={"arrived": "B6"}).status_code == 202
    ended(page)
    step(page, "End").click()
    expect(page.get_by_role("region", name="Rows of End")).to_contain_text("B6")


@pytest.mark.slow
def test_a_timer_says_until_when_and_its_execution_is_stopped_from_the_list(page: Page, api, steps):
    flow = api.flow("Tomorrow", [steps("later", "control.wait", 0, seconds=86_400)])
    waiting(page, api("POST", f"/flows/{flow}/execute", {})["id"])
    expect(page.get_by_role("region", name="Waits: Later")).to_contain_text("Goes on by itself at")
    page.goto("/executions")
    page.get_by_role("radio", name="Waiting").check()
    row = page.get_by_role("row").filter(has_text="Tomorrow")
    expect(row).to_contain_text("By hand")
    page.get_by_label("Started by").select_option("scheduled")
    expect(row).to_have_count(0)
    page.get_by_label("Started by").select_option("")
    row.get_by_role("button", name="Stop Tomorrow").click()
    expect(row).to_have_count(0)
    page.get_by_role("radio", name="Cancelled").check()
    expect(row).to_have_count(1)


@pytest.mark.slow
def test_an_execution_shows_the_definition_that_was_executed_and_what_came_after(page: Page, api, steps):
    nodes = [steps("old", "transform.limit", 280, rows=3), steps("after", "control.finally", 0, 200)]
    nodes.insert(0, steps("read", "local_files.read", 0, connection="Flight data", stream="airlines.csv"))
    nodes.append(steps("note", "transform.limit", 280, 200, rows=1))
    flow = api.flow("As it was", nodes, [("read.out", "old.in"), ("after.out", "note.in")])
    ran = api("POST", f"/flows/{flow}/execute", {"async_mode": False, "wait_seconds": 60})
    canvas = api("GET", f"/flows/{flow}/data")
    kept = {key: canvas[key] for key in ("nodes", "edges", "row_version")}
    kept["nodes"][1]["data"]["label"] = "New name"
    api("PUT", f"/flows/{flow}/data", kept)
    page.goto(f"/executions/{ran['id']}")
    ended(page)
    expect(step(page, "Old")).to_be_visible()
    expect(step(page, "New name")).to_have_count(0)
    page.get_by_role("region", name="Executions of After the flow").get_by_role("link", name="Afterwards").click()
    expect(page.get_by_role("link", name="What comes after another execution")).to_be_visible()
    expect(step(page, "Note")).to_be_visible()


@pytest.mark.slow
def test_code_is_edited_with_tab_and_enter_and_its_wrong_line_is_marked(page: Page, api, steps):
    flow = api.flow("Code", [steps("py", "code.python", 0, code="return row")])
    page.goto(f"/flows/{flow}")
    page.get_by_test_id("step-py").click()
    code = page.get_by_role("textbox", name="Code")
    code.fill("")
    page.keyboard.type("for name in row:")
    page.keyboard.press("Enter")
    page.keyboard.type("pass")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("return = row")
    expect(code).to_have_value("for name in row:\n    pass\nreturn = row")
    expect(page.locator(".code-lines [data-wrong]")).to_have_text("3")
    expect(page.get_by_role("complementary").get_by_role("alert").first).to_contain_text("(line 3)")
    page.keyboard.press("Control+z")
    expect(code).not_to_have_value("for name in row:\n    pass\nreturn = row")
    code.fill("return row")
    expect(page.locator(".code-lines [data-wrong]")).to_have_count(0)


@pytest.mark.slow
def test_the_palette_has_the_families_and_finds_by_other_words(page: Page, api):
    page.goto(f"/flows/{api.flow('Families', [])}")
    page.get_by_role("button", name="Add the first step").click()
    palette = page.get_by_role("dialog")
    expect(palette.locator(".palette-group").filter(has_text=re.compile("^(Code|Logic)$"))).to_have_text(
        ["Code", "Logic"]
    )
    for words, title in (("branch", "If"), ("sub-flow", "Call a flow"), ("human", "Approval"), ("script", "Python")):
        palette.get_by_role("combobox").fill(words)
        expect(palette.get_by_role("option").first).to_contain_text(title)
    assert palette.get_by_role("option").first.locator("svg").count() == 1
