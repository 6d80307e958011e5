"""Everybody can use it: axe on each page in light and dark, no sideways scroll on a phone, a whole flow by keyboard."""

from __future__ import annotations

from secrets import token_hex

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
WHERE = """() => {
  const at = document.activeElement
  const words = /^(A|BUTTON|SUMMARY)$/.test(at?.tagName) ? at.textContent : ''
  return at?.getAttribute('aria-label') ?? at?.labels?.[0]?.innerText ?? words
}"""
SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def check(page: Page, where: str) -> None:
    page.locator(".spin").first.wait_for(state="hidden")
    found = Axe().run(page).response["violations"]
    bad = [
        f"{where}: {one['id']} ({one['impact']}) at {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
    assert bad == []
    assert page.evaluate(SIDEWAYS) == 0, f"{where} scrolls sideways"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_accessible_and_fits(open_page, api, stack, scheme: str, size: str):
    page: Page = open_page(viewport=SIZES[size], color_scheme=scheme)
    flow = api.demo()
    ran = api("POST", f"/flows/{flow}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 60})

    page.goto("/flows")
    expect(page.get_by_role("link", name="Flights", exact=True)).to_be_visible()
    check(page, "flows")
    page.get_by_role("button", name="New flow").click()
    expect(page.get_by_role("dialog", name="New flow")).to_be_visible()
    check(page, "new flow")

    page.goto(f"/flows/{flow}")
    step = (
        page.get_by_test_id("step-arrived")
        if size == "wide"
        else page.get_by_role("button", name="Arrived flights after")
    )
    step.click()
    expect(page.get_by_role("complementary", name="Settings of Arrived flights")).to_be_visible()
    check(page, "editor")
    if size == "phone":
        page.get_by_role("button", name="Close settings").click()
        expect(page.get_by_role("region", name="Rows of Arrived flights")).to_be_visible()
        check(page, "rows")
    else:
        for tab in ("Timeline", "Logs", "Problems"):
            page.get_by_role("tab", name=tab).click()
            check(page, tab)
        page.get_by_role("button", name="Add a step").click()
        expect(page.get_by_role("option").first).to_be_visible()
        check(page, "palette")

    page.goto("/executions")
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    check(page, "executions")
    page.goto(f"/executions/{ran['id']}")
    expect(page.get_by_role("region", name="Rows of")).to_be_visible()
    check(page, "execution")

    page.goto("/triggers/new/interval")
    form = page.get_by_role("main")
    form.get_by_label("Flow").select_option(label="Flights")
    form.get_by_label("Every").fill("5")
    expect(form.locator(".instants li")).to_have_count(10)
    check(page, "new trigger")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Flow not active")
    check(page, "trigger")
    page.goto("/triggers")
    expect(page.get_by_role("row").filter(has_text="Schedule (interval)").first).to_be_visible()
    check(page, "triggers")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_loops_code_and_what_waits_are_accessible_and_fit(open_page, api, steps, scheme: str, size: str):
    page: Page = open_page(viewport=SIZES[size], color_scheme=scheme)
    ask = steps("ask", "control.approval", 0, title="Begin?", form=[{"name": "why", "title": "Why"}])
    call = steps("call", "control.wait_webhook", 0, 120, title="A call")
    ran = api("POST", f"/flows/{api.flow(f'Waits {size} {scheme}', [ask, call])}/execute", {})["id"]
    each = steps("each", "control.for_each", 280, over="values", values=["a"])
    code = {**steps("code", "code.python", 94, 66, code="return = row"), "parentId": "each"}
    flow = api.flow(f"Looped {size} {scheme}", [each, code], [("each.item", "code.in"), ("code.out", "each.result")])

    page.goto(f"/flows/{flow}")
    inside = page.get_by_role("list", name="Inside Each").get_by_role("button").first
    (page.get_by_test_id("step-code") if size == "wide" else inside).click()
    expect(page.locator(".code-lines [data-wrong]")).to_have_text("1")
    check(page, "loop and code")

    page.goto(f"/executions/{ran}")
    expect(page.get_by_role("button", name="Make address")).to_be_visible()
    expect(page.get_by_role("form", name="Decide: Begin?")).to_be_visible()
    check(page, "waiting execution")
    page.goto(f"/approvals/{api('GET', '/approvals?per_page=100')[-1]['id']}")
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    check(page, "approvals")
    page.get_by_role("radio", name="Too late").check()
    expect(page.get_by_role("heading", name="None in this state")).to_be_visible()
    check(page, "no approvals")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/login", "/setup?token=x"])
def test_the_pages_before_sign_in_are_accessible_and_fit(open_page, scheme: str, path: str):
    page: Page = open_page(viewport=SIZES["phone"], color_scheme=scheme, storage_state=None)
    page.goto(path)
    check(page, path)


def test_the_colours_are_switched_and_stay(page: Page):
    page.goto("/flows")
    page.get_by_role("button", name="Dark colours").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    expect(page.get_by_role("button", name="Light colours")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def walk(page: Page, wanted: str, most: int = 40) -> None:
    """Press Tab until the focus is where a person would see `wanted`."""
    seen = []
    for _ in range(most):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(WHERE))
        if wanted in seen[-1]:
            return
    pytest.fail(f"Tab does not reach '{wanted}'; it went {seen}")


def test_a_flow_is_made_run_and_read_by_keyboard_alone(page: Page, run):
    page.goto("/flows")
    expect(page.get_by_role("button", name="New flow")).to_be_visible()
    walk(page, "New flow")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(f"By keyboard alone {token_hex(3)}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="An empty flow")).to_be_visible()

    page.keyboard.press("/")
    page.keyboard.type("files: read")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Settings of Files: read")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Name of the step")).to_be_focused()
    walk(page, "Connection")
    expect(page.get_by_role("option", name="Flight data")).to_be_attached()
    page.keyboard.type("Flight data")
    walk(page, "Stream")
    page.keyboard.type("airlines.csv")
    page.keyboard.press("Escape")
    if page.evaluate("document.activeElement.tagName") == "INPUT":  # the first one closed the suggestions
        page.keyboard.press("Escape")
    expect(page.locator(".react-flow__node.selected")).to_be_focused()

    page.keyboard.press("/")
    page.keyboard.type("limit")
    page.keyboard.press("Enter")
    expect(page.locator(".react-flow__node.selected")).to_be_focused()
    page.keyboard.press("Enter")
    name = page.get_by_role("textbox", name="Name of the step")
    expect(name).to_have_value("Limit rows")
    expect(name).to_be_focused()  # Tab on the canvas adds a step
    walk(page, "Rows")
    page.keyboard.press("Control+a")
    page.keyboard.type("5")
    run(page, lambda: page.keyboard.press("Control+Enter"))
    results = page.get_by_role("region", name="Results")
    expect(results.get_by_role("row")).to_have_count(6)

    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_hidden()
