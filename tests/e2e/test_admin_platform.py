"""Editions, plugins and queues are switched where others see it at once."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, Route, expect

SOON_MS = 5_000
"""How long a switch may take to be seen in another browser."""


def test_a_feature_that_is_switched_off_locks_in_another_browser_without_reload(open_page) -> None:
    admin, other = open_page(), open_page()
    other.goto("/editions")
    lineage = other.locator("main").get_by_role("listitem").filter(has_text="Lineage")
    expect(lineage.get_by_role("img", name="On")).to_be_visible()
    admin.goto("/editions/features")

    def switch() -> None:
        admin.get_by_role("switch", name="Lineage in Community").click()
        form = admin.get_by_role("dialog")
        expect(form.get_by_role("status")).to_contain_text("Lineage")
        form.get_by_role("button", name="Save").click()
        expect(form).to_be_hidden()

    switch()
    expect(lineage.get_by_role("img", name="Locked")).to_be_visible(timeout=SOON_MS)
    expect(lineage).to_contain_text("Premium")
    switch()
    expect(lineage.get_by_role("img", name="On")).to_be_visible(timeout=SOON_MS)


def test_a_switch_is_heard_by_whatever_page_is_open(open_page, api) -> None:
    page: Page = open_page()
    heard: list[str] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda frame: heard.append(str(frame))))
    page.goto("/flows")
    expect(page.get_by_role("link", name="Flights", exact=True)).to_be_visible()
    until = time.monotonic() + 30
    while not any("subscribed" in frame and "system" in frame for frame in heard):
        assert time.monotonic() < until, heard
        page.wait_for_timeout(100)
    name = next(one["name"] for one in api("GET", "/plugins") if one["id"] == "athena")
    with page.expect_response(lambda answer: answer.url.endswith("/auth/me"), timeout=SOON_MS):
        api("PATCH", f"/plugins/{name}", {"enabled": False})
    api("PATCH", f"/plugins/{name}", {"enabled": True})


def test_a_smaller_plan_says_what_it_takes_before_it_does(page: Page) -> None:
    page.goto("/editions")
    page.get_by_role("button", name="Change plan").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Plan", exact=True).select_option("free")
    effect = form.get_by_role("status")
    expect(effect).to_contain_text("Lineage")
    expect(effect).to_contain_text("Flows: no limit → 5")
    form.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Community")).to_be_visible()


@pytest.mark.slow
def test_an_exception_gives_a_limit_and_is_taken_away(page: Page) -> None:
    page.goto("/editions/organizations")
    page.get_by_role("button", name="An exception for").first.click()
    form = page.get_by_role("dialog")
    form.get_by_label("What").select_option("workspaces")
    form.get_by_label("Limit").fill("7")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Workspaces: 7")).to_be_visible()
    page.goto("/editions")
    expect(page.get_by_role("img", name=re.compile(r"Workspaces: \d+ of 7"))).to_be_visible()
    page.goto("/editions/organizations")
    page.get_by_role("button", name="Remove the exception Workspaces: 7").click()
    expect(page.get_by_text("Workspaces: 7")).to_have_count(0)


@pytest.mark.slow
def test_a_plugin_is_switched_off_and_on_and_another_browser_sees_it(open_page) -> None:
    admin, other = open_page(), open_page()
    for page in (admin, other):
        page.goto("/plugins")
        page.get_by_role("searchbox", name="Search packages").fill("athena")
    line = other.get_by_role("listitem").filter(has_text="athena")
    expect(line.get_by_text("On", exact=True)).to_be_visible()
    admin.get_by_role("switch", name="athena on").click()
    expect(line.get_by_text("Off", exact=True)).to_be_visible(timeout=SOON_MS)
    admin.get_by_role("switch", name="athena on").click()
    expect(line.get_by_text("On", exact=True)).to_be_visible(timeout=SOON_MS)


def test_a_queue_is_paused_with_its_reason_and_goes_on(page: Page) -> None:
    page.goto("/workers")
    queue = page.get_by_role("listitem").filter(has_text="Reports")
    queue.get_by_role("button", name="Pause reports").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Why").fill("the printer is out of paper")
    form.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("the printer is out of paper")).to_be_visible()
    page.get_by_role("button", name="Resume reports").click()
    expect(page.get_by_role("button", name="Pause reports")).to_be_visible()


@pytest.mark.slow
def test_workers_with_other_plugins_than_the_newest_are_named(page: Page) -> None:
    def with_an_old_one(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        (first, *_) = told["data"]
        told["data"].insert(0, {**first, "id": "old", "hostname": "left-behind", "pid": 4711, "plugin_set_hash": "old"})
        route.fulfill(response=answer, json=told)

    page.goto("/plugins")
    expect(page.get_by_role("switch").first).to_be_visible()
    expect(page.get_by_text("other plugins than the newest one")).to_have_count(0)
    page.route(re.compile(r"/api/v1/workers/?$"), with_an_old_one)
    notice = page.get_by_role("status").filter(has_text="1 worker has other plugins than the newest one.")
    expect(notice).to_contain_text("left-behind (4711)")
    page.goto("/workers/processes")
    lines = page.get_by_role("main").get_by_role("listitem")
    expect(lines.filter(has_text="left-behind")).to_contain_text("Other plugins")
    expect(lines.filter(has_text="Other plugins")).to_have_count(1)


def test_what_a_workspace_did_is_counted_drawn_and_led_to(page: Page, api) -> None:
    flow = api.demo()
    counted = {"refreshed_at": "2026-01-01T00:00:00Z", "total": 1_200, "completed": 900, "failed": 300, "active": 0}

    def sums(route: Route) -> None:
        route.fulfill(json={"success": True, "data": {**counted, "flows": 7, "average_ms": 1_500}, "meta": {}})

    def of_flow(route: Route) -> None:
        told = {**counted, "p10_ms": 500, "p50_ms": 1_000, "p95_ms": 4_000} if flow in route.request.url else {}
        route.fulfill(json={"success": True, "data": told, "meta": {}})

    page.route("**/workspaces/*/statistics", sums)
    page.route("**/flows/*/statistics", of_flow)
    page.goto("/analytics")
    figures = page.get_by_role("main").locator("dl.kpis > div")
    expect(figures).to_have_text(
        [re.compile("Flows.*7$"), re.compile("1.2K$"), re.compile("75 %$"), re.compile("1.5 s$")]
    )
    drawn = page.get_by_role("main").get_by_role("img")
    expect(drawn.first).to_have_accessible_name(re.compile("900.*300"))
    for title in ("Executions by flow", "How long"):
        region = page.get_by_role("region", name=re.compile(title))
        expect(region.get_by_role("link", name="Flights", exact=True)).to_have_attribute("href", f"/flows/{flow}")
    counted["total"] = 0
    page.reload()
    expect(page.get_by_role("link", name="All flows")).to_be_visible()


def test_a_workspace_is_deleted_only_with_its_name(page: Page, api) -> None:
    api("POST", "/workspaces", {"name": "Trial"})
    page.goto("/settings/workspaces")
    page.get_by_role("button", name="More about Trial").click()
    page.get_by_role("menuitem", name="Delete").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_role("button", name="Delete")).to_be_disabled()
    form.get_by_label("Type “Trial” to go on").fill("Trial")
    form.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Trial is in the trash.")).to_be_visible()
    expect(page.get_by_role("button", name="More about Trial")).to_have_count(0)


def test_a_provider_form_comes_from_its_plugin_and_says_what_is_missing(page: Page) -> None:
    page.goto("/members/sign-in")
    page.get_by_role("button", name="New way to sign in").first.click()
    page.get_by_role("button", name="OpenID Connect").click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert").first).to_be_visible()
    expect(form.get_by_label("Issuer")).to_have_attribute("aria-invalid", "true")
