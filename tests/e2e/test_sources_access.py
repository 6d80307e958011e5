"""Connections, what starts flows, and jobs: axe on each page in light and dark, no sideways scroll on a phone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def check(page: Page, place: str, shown: str) -> None:
    page.goto(place)
    expect(page.get_by_role("main").get_by_text(shown).first).to_be_visible()
    page.locator(".spin").first.wait_for(state="hidden")
    found = Axe().run(page).response["violations"]
    bad = [f"{place}: {one['id']} at {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found]
    assert [one for one, kind in zip(bad, found, strict=True) if kind["impact"] in {"serious", "critical"}] == []
    assert page.evaluate(SIDEWAYS) == 0, f"{place} scrolls sideways"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """Ids of what is looked at, once made."""
    return {}


def prepared(api, made: dict[str, str]) -> dict[str, str]:
    if made:
        return made
    flow = api.demo()
    dates = [{"date": "2026-12-24", "name": "Office closed", "working": False}]
    calendar = api("POST", "/calendars", {"name": "Looked at", "country": "DE", "dates": dates})
    schedule = {"flow_id": flow, "name": "Looked at", "expression": "0 6 * * 1-5", "calendar_id": calendar["id"]}
    subscription = {"url": "https://receiver.invalid/hook", "name": "Looked at", "events": ["flow.*"]}
    job = api("POST", "/jobs", {"name": "Looked at", "flows": [{"flow_id": flow, "depends_on": []}]})
    made |= {
        "calendar": calendar["id"], "schedule": api("POST", "/schedules", schedule)["id"], "job": job["id"],
        "webhook": api("POST", "/webhooks", {"flow_id": flow, "name": "Looked at"})["id"],
        "subscription": api("POST", "/event-subscriptions", subscription)["id"],
        "files": next(one["id"] for one in api("GET", "/connections?q=Flight") if one["name"] == "Flight data"),
    }  # fmt: skip
    return made


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_accessible_and_fits(open_page, api, made, scheme: str, size: str) -> None:
    ids = prepared(api, made)
    page: Page = open_page(viewport=SIZES[size], color_scheme=scheme)
    files = f"/connections/{ids['files']}"
    for place, shown in {
        "/connectors": "PostgreSQL", "/connectors/postgresql": "What it can do", "/connections": "Warehouse",
        "/connections/new/rest": "About REST", files: "Name", f"{files}?tab=data&stream=airports.csv": "tzone",
        f"{files}?tab=data&stream=airports.csv&view=rows": "Lansdowne Airport", "/triggers/new": "Webhook",
        "/schedules": "Looked at", "/schedules?view=month": "Mon", f"/schedules/{ids['schedule']}": "At 06:00",
        f"/schedules/{ids['schedule']}?tab=history": "Nothing was due yet", "/calendars": "Looked at",
        f"/calendars/{ids['calendar']}": "December", "/backfills": "Backfills", "/webhooks": "Looked at",
        f"/webhooks/{ids['webhook']}": "Address to call", f"/webhooks/{ids['webhook']}?tab=calls": "Nobody called yet",
        "/event-subscriptions": "Looked at", "/event-subscriptions/new": "Everything",
        f"/event-subscriptions/{ids['subscription']}?tab=deliveries": "Deliveries", "/jobs": "Looked at",
        f"/jobs/{ids['job']}": "Flights", "/job-packages/new": "Nothing is in it yet.",
    }.items():  # fmt: skip
        check(page, place, shown)
