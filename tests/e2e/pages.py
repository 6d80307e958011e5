"""Every page: those that the navigation and its tabs lead to, those of single things, and those before the sign-in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page, expect

SIZES: dict[str, Any] = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}
SETTLED_MS = 350
LINKS = "(where) => [...document.querySelectorAll(where)].map((link) => link.getAttribute('href'))"
PLACES = ".nav-places a, .nav-foot a, .nav-sheet a, .link-tabs a"
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
ENTRANCE = ["/login", "/setup?token=x", "/forgot-password", "/reset-password#x", "/invitation#x", "/sign-up"]
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def prepared(api: Any, step: Any) -> list[str]:
    """Makes one of each thing, each with something in it; their addresses."""
    flow = api.demo()
    ran = api("POST", f"/flows/{flow}/execute", {"observe": "all", "async_mode": False, "wait_seconds": 60})["id"]
    stop = [step("end", "control.stop", 0, message="No sheet today")]
    failed = api("POST", f"/flows/{api.flow('Fails on purpose', stop)}/execute", {"async_mode": False})["id"]
    empty = api.flow("Nothing in it", [])
    connections = {one["name"]: one["id"] for one in api("GET", "/connections")}
    dates = [{"date": "2026-12-24", "name": "Office closed", "working": False}]
    calendar = api("POST", "/calendars", {"name": "Bavaria", "country": "DE", "subdivision": "BY", "dates": dates})
    each = {"flow_id": flow, "name": "Each morning", "expression": "0 6 * * mon-fri", "calendar_id": calendar["id"]}
    schedule = api("POST", "/schedules", each)
    webhook = api("POST", "/webhooks", {"flow_id": flow, "name": "Order placed"})
    told = {"url": "https://receiver.invalid/hook", "name": "Tell the office", "events": ["flow.*"]}
    subscription = api("POST", "/event-subscriptions", told)
    job = api("POST", "/jobs", {"name": "Each night", "flows": [{"flow_id": flow, "depends_on": []}]})
    package = api("POST", "/job-packages", {"name": "The whole night", "job_ids": [job["id"]]})
    api("POST", f"/flows/{flow}/versions", {"name": "First", "change_summary": "As it came"})
    approve = step("ask", "control.approval", 0, title="Pay it?", form=[{"name": "why", "title": "Why"}])
    api("POST", f"/flows/{api.flow('Asks first', [approve])}/execute", {})
    api("POST", "/roles", {"name": "Night shift", "permissions": ["flow:read", "flow:execute"]})
    files = f"/connections/{connections['Flight data']}?tab=data"
    return [
        f"/flows/{flow}", f"/flows/{flow}?step=arrived", f"/flows/{empty}", f"/flows/{flow}/versions",
        f"/flows/{flow}/text", "/flows?new", "/flows?q=no-such-flow", f"/executions/{ran}", f"/executions/{failed}",
        f"/connections/{connections['Warehouse']}", files, f"{files}&stream=airports.csv",
        f"{files}&stream=airports.csv&view=rows", f"/connections/{connections['Warehouse']}?tab=mappings",
        "/connections/new", "/connections/new/postgresql",
        "/connectors/postgresql", "/triggers/new", "/triggers/new/cron", "/schedules?view=month",
        f"/schedules/{schedule['id']}", f"/schedules/{schedule['id']}?tab=history", f"/webhooks/{webhook['id']}",
        f"/webhooks/{webhook['id']}?tab=calls", f"/calendars/{calendar['id']}", "/calendars/new",
        f"/jobs/{job['id']}", "/jobs/new", f"/job-packages/{package['id']}", "/job-packages/new",
        "/event-subscriptions/new", f"/event-subscriptions/{subscription['id']}",
        f"/event-subscriptions/{subscription['id']}?tab=deliveries", "/docs?part=connectors&id=postgresql",
        "/docs?part=api&id=flows_create_flow", "/no-such-page",
    ]  # fmt: skip


def found(page: Page, size: str) -> Iterator[str]:
    """Every address that the navigation and the tabs of its pages lead to."""
    go(page, "/dashboard")
    if size == "narrow":
        page.locator(".nav-more").click()
        expect(page.locator(".nav-sheet")).to_be_visible()
    waiting, known = page.evaluate(LINKS, PLACES), set()
    while waiting:
        at = waiting.pop(0)
        if at in known:
            continue
        known.add(at)
        yield at
        waiting += page.evaluate(LINKS, PLACES)


def go(page: Page, at: str) -> None:
    """Open an address and wait until nothing is being loaded any more."""
    page.goto(at)
    expect(page.locator("h1").first).to_be_attached()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".waiting")).to_have_count(0)
    page.wait_for_timeout(SETTLED_MS)


def kind(at: str) -> str:
    """An address with what is one run's own taken out."""
    return ID.sub("one", at)
