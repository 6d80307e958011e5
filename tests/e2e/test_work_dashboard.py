"""The start page, the palette of commands, help, and a sign-in that ends while somebody works."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PASSWORD = "correct horse battery staple 9"
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def broken(api, steps) -> str:
    """A flow that fails, and has done so."""
    nodes = [
        steps("start", "triggers.manual", 0, sample=[{"a": 1}]),
        steps("end", "control.stop", 280, message="No sheet"),
    ]
    flow = api.flow(f"Broken {len(api('GET', '/flows?per_page=100'))}", nodes, [("start.out", "end.in")])
    api("POST", f"/flows/{flow}/execute", {"async_mode": False, "wait_seconds": 60})
    return str(api("GET", f"/flows/{flow}")["name"])


def test_the_dashboard_says_what_needs_attention(page: Page, broken: str):
    page.goto("/")
    expect(page).to_have_url(re.compile("/dashboard$"))
    attention = page.get_by_role("region", name="Needs attention")
    item = attention.get_by_role("link").filter(has_text=f"{broken} failed")
    expect(item).to_contain_text("No sheet")
    expect(
        page.get_by_role("region", name="Latest executions").get_by_role("link").filter(has_text=broken)
    ).to_be_visible()
    expect(page.get_by_role("region", name="The last 24 hours").get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"[1-9]\d* failed")
    )
    item.click()
    expect(page).to_have_url(re.compile("/executions/"))


def test_the_first_steps_follow_what_is_there_and_can_be_hidden(page: Page, api, broken: str):
    page.goto("/dashboard")
    guide = page.get_by_role("region", name="First steps")
    expect(guide.get_by_role("listitem").filter(has_text="Run it").get_by_label("Done")).to_be_visible()
    expect(guide.get_by_role("listitem").filter(has_text="Connect your data").get_by_label("Done")).to_be_hidden()
    guide.get_by_role("button", name="Hide the first steps").click()
    expect(guide).to_be_hidden()
    page.reload()
    expect(page.get_by_role("heading", name="Latest executions")).to_be_visible()
    expect(guide).to_be_hidden()


@pytest.mark.slow
def test_the_palette_goes_to_pages_flows_and_executions(page: Page, api):
    page.goto("/dashboard")
    expect(page.get_by_role("heading", name="Latest executions")).to_be_visible()
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Page, flow, connection")
    expect(box).to_be_focused()
    box.fill("Flights rep")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Flights report")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/flows/.+"))
    page.goto("/templates")
    ran = api("POST", f"/flows/{api.demo()}/execute", {"async_mode": False, "wait_seconds": 60})["id"]
    expect(page.get_by_role("heading", name="Templates", level=1)).to_be_visible()
    page.keyboard.press("Control+k")
    box.fill(ran)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(ran))


def test_keys_go_anywhere_and_are_listed(page: Page):
    page.goto("/dashboard")
    expect(page.get_by_role("heading", name="Latest executions")).to_be_visible()
    page.keyboard.press("?")
    listed = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(listed.get_by_text("New flow")).to_be_visible()
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile("/executions$"))
    page.keyboard.press("n")
    expect(page.get_by_role("dialog", name="New flow")).to_be_visible()


def test_the_language_is_chosen_and_stays(page: Page):
    page.goto("/dashboard")
    expect(page.get_by_role("heading", name="Latest executions")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("Deutsch")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Übersicht", level=1)).to_be_visible()
    page.goto("/executions")
    expect(page.get_by_role("heading", name="Ausführungen", level=1)).to_be_visible()


@pytest.mark.slow
def test_times_and_numbers_are_those_of_the_place(open_page, api):
    ran = api("POST", f"/flows/{api.demo()}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 60})
    at = datetime.fromisoformat(api("GET", f"/executions/{ran['id']}")["started_at"])
    for locale, zone, said, rows in (
        ("de-DE", "Asia/Tokyo", "%d.%m.%Y, %H:%M:%S", "336.776"),
        ("en-GB", "America/New_York", "%-d %b %Y, %H:%M:%S", "336,776"),
    ):
        page: Page = open_page(locale=locale, timezone_id=zone)
        page.goto(f"/executions/{ran['id']}")
        expect(page.locator(".facts")).to_contain_text(at.astimezone(ZoneInfo(zone)).strftime(said))
        expect(page.get_by_role("main").get_by_text(rows).first).to_be_visible()


def test_a_sign_in_that_ends_loses_nothing(open_page, api):
    page: Page = open_page()
    flow = api.flow("Kept while signed out", [])
    page.goto("/flows?new=1")
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("Not lost")
    page.expected.append("401")  # type: ignore[attr-defined]
    page.context.clear_cookies(name=re.compile("headrace"))
    page.get_by_role("button", name="Create").click()
    again = page.get_by_role("dialog", name="Sign in again")
    expect(again.get_by_label("E-mail")).to_have_value("ada@example.org")
    again.get_by_label("Password").fill("wrong")
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again.get_by_role("alert")).to_be_visible()
    again.get_by_label("Password").fill(PASSWORD)
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again).to_be_hidden()
    expect(page.get_by_role("heading", name="An empty flow")).to_be_visible()
    assert flow not in page.url
    assert [one["name"] for one in api("GET", "/flows?q=Not lost")] == ["Not lost"]


@pytest.mark.slow
def test_help_tells_of_steps_connectors_and_the_api(page: Page):
    page.goto("/docs?part=connectors&id=postgresql")
    article = page.get_by_role("article")
    expect(article.get_by_role("heading", name="PostgreSQL")).to_be_visible()
    expect(article.get_by_role("row").filter(has_text="Host")).to_be_visible()
    page.get_by_role("radio", name="Steps").check()
    page.get_by_role("searchbox", name="Search the help").fill("for each")
    page.get_by_role("button", name="For each", exact=True).click()
    expect(article).to_contain_text("control.for_each")
    page.get_by_role("radio", name="API").check()
    page.get_by_role("searchbox", name="Search the help").fill("make a flow from a template")
    expect(article).to_contain_text("/api/v1/templates/{template_id}/flows")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_these_pages_are_accessible_and_fit(open_page, broken: str, scheme: str, size: str):
    page: Page = open_page(viewport=SIZES[size], color_scheme=scheme)
    places = {
        "/dashboard": ("heading", "Latest executions"), "/flows": ("link", "Flights"),
        "/templates": ("button", "Sales by customer"),
        "/executions": ("link", broken), "/docs?part=api&id=flows_create_flow": ("heading", "Body"),
        "/flows?new=1": ("dialog", "New flow"),
    }  # fmt: skip
    for path, (role, name) in places.items():
        page.goto(path)
        expect(page.get_by_role(role, name=name, exact=True).first).to_be_visible()  # type: ignore[arg-type]
        check(page, path)
    page.goto("/dashboard")
    expect(page.get_by_role("heading", name="Latest executions")).to_be_visible()
    if size == "phone":
        page.get_by_role("button", name="More").click()
        expect(page.get_by_role("dialog").get_by_role("link", name="Connections")).to_be_visible()
    else:
        page.keyboard.press("Control+k")
        expect(page.get_by_role("option").first).to_be_visible()
    check(page, "over the dashboard")


def check(page: Page, where: str) -> None:
    found = Axe().run(page).response["violations"]
    bad = [
        f"{where}: {one['id']} at {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
    assert bad == []
    assert page.evaluate(SIDEWAYS) == 0, f"{where} scrolls sideways"
